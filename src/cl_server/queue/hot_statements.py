"""The statements that every job runs through: add, claim and complete, each with an event in the outbox.

On PostgreSQL, one statement completes a job, claims the next one and adds both events. Each of its parts finds its row
by a key, because with a join, the planner could decide to read the whole table. On SQLite, which is in the same
process, these are separate statements.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.expression import ClauseElement

from cl_ml_tools.job_queue import Claim, Event
from cl_ml_tools.schemas import Job, JobStatus, JSONObject
from cl_server.queue import statements
from cl_server.queue.driver_statement import DriverStatement
from cl_server.queue.job_row import FIELDS, job_of_driver, job_of_values, number_of, plain_values_of, values_of
from cl_server.queue.tables import is_postgres

# What of a new job is the queue's own.
QUEUED_AS = ("attempts", "idempotency_key", "fingerprint")


K = TypeVar("K")
Rows: TypeAlias = "Sequence[tuple[int, dict[str, object], int, int]]"


@dataclass(frozen=True, slots=True)
class Adding:
    """A new job, with the key and the fingerprint of its submit as they are kept."""

    job: Job
    key: str | None
    fingerprint: str

    @property
    def own(self) -> dict[str, object]:
        """What of it is the queue's own."""
        return {"attempts": 0, "idempotency_key": self.key, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class Ending:
    """A job that ends well."""

    claim: Claim
    task_output: JSONObject | None
    size: int


@dataclass(frozen=True, slots=True)
class Taking:
    """A worker that takes its next job. `lease` is in milliseconds."""

    worker_id: str
    task_types: Sequence[str]
    lease: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The events of the completed and the claimed job, and the attempt and the token of the claim."""

    ended: Event | None = None
    taken: Event | None = None
    attempt: int = 0
    token: int = 0


class HotStatements:
    """The statements of one database; each runs in the transaction of the connection that it gets."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._postgres = is_postgres(engine)
        self._add = DriverStatement(statements.ADD, engine, (*FIELDS, *QUEUED_AS))
        self._note = DriverStatement(statements.NOTE, engine, ("job", "told_at"))
        self._complete = DriverStatement(statements.COMPLETE, engine)
        self._settle = DriverStatement(statements.settling(postgres=self._postgres), engine)
        self._count = DriverStatement(statements.counting(postgres=self._postgres), engine)
        # By the number of task types, which is constant for a worker.
        self._waiting: dict[int, DriverStatement] = {}
        self._moves: dict[tuple[bool, int], DriverStatement] = {}

    def add(self, connection: Connection, job: Job, key: str | None, fingerprint: str) -> None:
        """Queue a new job."""
        own = {"attempts": 0, "idempotency_key": key, "fingerprint": fingerprint}
        [[seq]] = self._add.run(connection, values_of(job) | own)
        if job.labels:
            self._add_labels(connection, [(cast("int", seq), job)])

    def note(self, connection: Connection, job: Job, steady: int) -> Event:
        """Write an event into the outbox."""
        [[seq]] = self._note.run(connection, {"job": job.model_dump_json(), "told_at": steady})
        return Event(job, cast("int", seq))

    def add_many(self, connection: Connection, news: Sequence[Adding]) -> None:
        """Queue new jobs. PostgreSQL, which is elsewhere, gets them in one statement."""
        if not self._postgres:
            for new in news:
                self.add(connection, new.job, new.key, new.fingerprint)
            return
        rows = [plain_values_of(new.job) | new.own for new in news]
        seqs = _numbers(connection, statements.ADD_MANY, rows) if rows else ()
        self._add_labels(connection, [(seq, new.job) for seq, new in zip(seqs, news, strict=True) if new.job.labels])

    def note_many(self, connection: Connection, jobs: Sequence[Job], steady: int) -> list[Event]:
        """Write their events into the outbox."""
        if not self._postgres or not jobs:
            return [self.note(connection, job, steady) for job in jobs]
        rows: list[dict[str, object]] = [{"job": job.model_dump(mode="json"), "told_at": steady} for job in jobs]
        seqs = _numbers(connection, statements.NOTE_MANY, rows)
        return [Event(job, seq) for job, seq in zip(jobs, seqs, strict=True)]

    def waits(self, connection: Connection, task_types: Sequence[str], steady: int) -> bool:
        """Whether there is a job to take."""
        if not task_types:
            return False
        statement = _kept(self._waiting, len(task_types), lambda: self._compiled(statements.next_of(len(task_types))))
        return bool(statement.run(connection, {**_types(task_types), "steady": steady}))

    def move(
        self, connection: Connection, now: int, steady: int, ending: Ending | None, taking: Taking | None
    ) -> Moved:
        """End a job, if its claim holds, and take the next, if there is one; both are noted, in this order."""
        # A worker that does nothing takes nothing.
        taking = taking if taking is not None and taking.task_types else None
        if ending is None and taking is None:
            return Moved()
        values: dict[str, object] = {"now": now, "steady": steady}
        if ending is not None:
            claim = ending.claim
            output = None if ending.task_output is None else json.dumps(ending.task_output)
            values |= {"of_job": claim.job.job_id, "of_token": claim.token, "output": output, "more": ending.size}
        if taking is not None:
            values |= {**_types(taking.task_types), "claimed_by": taking.worker_id, "lease_end": steady + taking.lease}
        move = self._move_at_once if self._postgres else self._move_in_turn
        return move(connection, values, ending, taking)

    def settle(self, connection: Connection, seqs: Sequence[int]) -> list[tuple[str, str]]:
        """Delete published events from the outbox. Returns the task and the status of each that existed."""
        given = list(seqs) if self._postgres else json.dumps(list(seqs))
        return [cast("tuple[str, str]", tuple(row)) for row in self._settle.run(connection, {"seqs": given})]

    def count(self, connection: Connection, task_type: str, status: str, times: int) -> None:
        """Add to how often jobs came into a status."""
        self._count.run(connection, {"task_type": task_type, "status": status, "times": times})

    def _add_labels(self, connection: Connection, added: Sequence[tuple[int, Job]]) -> None:
        rows = [
            {"seq": seq, "owner": job.created_by or "", "name": name, "value": value}
            for seq, job in added
            for name, value in job.labels.items()
        ]
        if rows:
            connection.execute(statements.ADD_LABEL, rows)

    def _move_in_turn(
        self, connection: Connection, values: Mapping[str, object], ending: Ending | None, taking: Taking | None
    ) -> Moved:
        steady = cast("int", values["steady"])
        ended = taken = None
        attempt = token = 0
        if ending is not None:
            for row in self._complete.run(connection, values):
                ended = self.note(connection, job_of_driver(row), steady)
        if taking is not None:
            count = len(taking.task_types)
            statement = _kept(self._moves, (False, count), lambda: self._compiled(statements.taking(count)))
            for row in statement.run(connection, values):
                taken = self.note(connection, job_of_driver(row), steady)
                attempt, token = number_of(row, "attempts"), number_of(row, "token")
        return Moved(ended, taken, attempt, token)

    def _move_at_once(
        self, connection: Connection, values: Mapping[str, object], ending: Ending | None, taking: Taking | None
    ) -> Moved:
        ends, count = ending is not None, 0 if taking is None else len(taking.task_types)
        statement = _kept(
            self._moves, (ends, count), lambda: self._compiled(statements.at_once(ends=ends, types=count))
        )
        moved = Moved()
        for seq, fields, attempt, token in cast("Rows", statement.run(connection, values)):
            event = Event(job_of_values(fields), seq)
            if event.job.status is JobStatus.COMPLETED:
                moved = replace(moved, ended=event)
            else:
                moved = replace(moved, taken=event, attempt=attempt, token=token)
        return moved

    def _compiled(self, statement: ClauseElement) -> DriverStatement:
        return DriverStatement(statement, self._engine)


def _numbers(connection: Connection, insert: ReturningInsert[int], rows: list[dict[str, object]]) -> Sequence[int]:
    return connection.scalars(insert, rows).all()


def _kept(made: dict[K, DriverStatement], key: K, make: Callable[[], DriverStatement]) -> DriverStatement:
    """The statement under a key, made when it is first used."""
    found = made.get(key)
    if found is None:
        found = made[key] = make()
    return found


def _types(task_types: Sequence[str]) -> dict[str, object]:
    return {f"type_{number}": name for number, name in enumerate(task_types)}
