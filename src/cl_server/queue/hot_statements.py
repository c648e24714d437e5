"""The statements that every job runs through: add, claim and complete, each with an event in the outbox.

On PostgreSQL all that a worker does in one turn is one statement (`postgres_moves.py`). On SQLite, which is in the same
process, these are statements of their own. What changes in one moment is one row in the outbox: a job, or a list.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.expression import ClauseElement

from cl_ml_tools.job_queue import Claim, Event, Wanted
from cl_ml_tools.schemas import Job, JobStatus, JSONObject
from cl_server.queue import postgres_moves, statements
from cl_server.queue.driver_statement import DriverRow, DriverStatement
from cl_server.queue.job_row import FIELDS, job_of_driver, jobs_of_document, number_of, plain_values_of, values_of
from cl_server.queue.tables import is_postgres

# What of a new job is the queue's own.
QUEUED_AS = ("attempts", "idempotency_key", "fingerprint")


K = TypeVar("K")
# Of a job that was taken: its id, which attempt it is, and its token.
Numbers: TypeAlias = "Sequence[tuple[str, int, int]]"


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
    """A worker that takes its next jobs. `lease` is in milliseconds."""

    worker_id: str
    wanted: Wanted
    lease: int

    @property
    def most(self) -> int:
        """How many it takes at once, whatever they are."""
        return max(self.wanted.most.values())


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that was taken, which attempt at it that is, and its token."""

    job: Job
    attempt: int
    token: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The events, in the order in which they are published, and the claimed jobs."""

    events: Sequence[Event] = ()
    taken: Sequence[Taken] = ()

    def has_ended(self, claim: Claim) -> bool:
        """Whether the job of a claim was completed."""
        return any(e.job.job_id == claim.job.job_id and e.job.status is JobStatus.COMPLETED for e in self.events)


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
        self._next: dict[int, DriverStatement] = {}
        self._ahead: dict[int, DriverStatement] = {}
        self._take = DriverStatement(statements.TAKE_THESE, engine) if not self._postgres else None
        self._moves: dict[tuple[bool, bool, bool], DriverStatement] = {}

    def add(self, connection: Connection, job: Job, key: str | None, fingerprint: str) -> None:
        """Queue a new job."""
        own = {"attempts": 0, "idempotency_key": key, "fingerprint": fingerprint}
        [[seq]] = self._add.run(connection, values_of(job) | own)
        if job.labels:
            self._add_labels(connection, [(cast("int", seq), job)])

    def note(self, connection: Connection, jobs: Sequence[Job], steady: int) -> list[Event]:
        """Write what has changed in one moment into the outbox."""
        documents = [job.model_dump_json() for job in jobs]
        if not documents:
            return []
        row = documents[0] if len(documents) == 1 else f"[{','.join(documents)}]"
        [[seq]] = self._note.run(connection, {"job": row, "told_at": steady})
        return [Event(job, cast("int", seq)) for job in jobs]

    def add_many(self, connection: Connection, news: Sequence[Adding]) -> None:
        """Queue new jobs. PostgreSQL, which is elsewhere, gets them in one statement."""
        if not self._postgres:
            for new in news:
                self.add(connection, new.job, new.key, new.fingerprint)
            return
        rows = [plain_values_of(new.job) | new.own for new in news]
        seqs = _numbers(connection, statements.ADD_MANY, rows) if rows else ()
        self._add_labels(connection, [(seq, new.job) for seq, new in zip(seqs, news, strict=True) if new.job.labels])

    def waits(self, connection: Connection, task_types: Sequence[str], steady: int) -> bool:
        """Whether there is a job to take."""
        if not task_types:
            return False
        statement = _kept(self._waiting, len(task_types), lambda: self._compiled(statements.next_of(len(task_types))))
        return bool(statement.run(connection, {**_types(task_types), "steady": steady}))

    def move(
        self, connection: Connection, now: int, steady: int, endings: Sequence[Ending], taking: Taking | None
    ) -> Moved:
        """End jobs whose claims hold, and take the next; they are noted in this order."""
        # A worker that does nothing takes nothing.
        taking = taking if taking is not None and taking.wanted.most else None
        if not endings and taking is None:
            return Moved()
        values: dict[str, object] = {"now": now, "steady": steady}
        if taking is not None:
            values |= {"claimed_by": taking.worker_id, "lease_end": steady + taking.lease}
        move = self._move_at_once if self._postgres else self._move_in_turn
        return move(connection, values, endings, taking)

    def settle(self, connection: Connection, seqs: Sequence[int]) -> list[tuple[str, str]]:
        """Delete published events from the outbox. Returns the task and the status of each that existed."""
        given = list(seqs) if self._postgres else json.dumps(list(seqs))
        rows = (row[0] for row in self._settle.run(connection, {"seqs": given}))
        lists = (json.loads(words) if isinstance(words, str) else words for words in rows)
        return [(task, status) for words in cast("Iterable[list[tuple[str, str]]]", lists) for task, status in words]

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
        self, connection: Connection, values: Mapping[str, object], endings: Sequence[Ending], taking: Taking | None
    ) -> Moved:
        ended: list[Job] = []
        for ending in endings:
            claim = ending.claim
            own = {"of_job": claim.job.job_id, "of_token": claim.token, "output": _json(ending), "more": ending.size}
            ended += map(job_of_driver, self._complete.run(connection, {**values, **own}))
        taken: list[Taken] = []
        if taking is not None:
            rows = self._take_in_turn(connection, values, taking)
            # An UPDATE gives its rows in any order.
            rows = sorted(rows, key=lambda row: number_of(row, "seq"))
            taken = [Taken(job_of_driver(row), number_of(row, "attempts"), number_of(row, "token")) for row in rows]
        changed = [*ended, *(one.job for one in taken)]
        return Moved(self.note(connection, changed, cast("int", values["steady"])), taken)

    def _take_in_turn(
        self, connection: Connection, values: Mapping[str, object], taking: Taking
    ) -> Sequence[DriverRow]:
        types = tuple(taking.wanted.most)
        given = {**values, **_types(types)}
        if taking.most == 1:
            one = _kept(self._next, len(types), lambda: self._compiled(statements.taking(len(types))))
            return one.run(connection, given)
        look = _kept(self._ahead, len(types), lambda: self._compiled(statements.ahead(len(types))))
        waiting = look.run(connection, {**given, "look": taking.most * taking.wanted.workers})
        if not waiting or self._take is None:
            return ()
        first, *_ = rows = cast("list[tuple[int, str, int, int]]", waiting)
        alike = [seq for seq, task, priority, attempts in rows if not attempts and (task, priority) == first[1:3]]
        chosen = [first[0]] if first[3] else alike[: taking.wanted.share_of(first[1], len(alike))]
        return self._take.run(connection, {**given, "seqs": json.dumps(chosen)})

    def _move_at_once(
        self, connection: Connection, values: Mapping[str, object], endings: Sequence[Ending], taking: Taking | None
    ) -> Moved:
        kind = (bool(endings), taking is not None, taking is not None and taking.most > 1)
        ends, takes, many = kind
        statement = _kept(
            self._moves, kind, lambda: self._compiled(postgres_moves.moving(ends=ends, takes=takes, many=many))
        )
        # Arrays of text alone: the driver has a type for each size of a number, and each is another statement.
        given = {
            **values,
            "ids": [ending.claim.job.job_id for ending in endings],
            "tokens": [str(ending.claim.token) for ending in endings],
            "outputs": [_json(ending) for ending in endings],
            "sizes": [str(ending.size) for ending in endings],
        }
        if taking is not None:
            wanted = taking.wanted
            given |= {
                "types": list(wanted.most),
                "most": [str(most) for most in wanted.most.values()],
                "look": taking.most * wanted.workers,
                "workers": wanted.workers,
            }
        rows = cast("Sequence[tuple[int, object, Numbers | None]]", statement.run(connection, given))
        events, numbers = list[Event](), dict[str, tuple[int, int]]()
        for seq, noted, of_taken in rows:
            events += [Event(job, seq) for job in jobs_of_document(noted)]
            numbers |= {job_id: (attempt, token) for job_id, attempt, token in of_taken or ()}
        running = [event.job for event in events if event.job.status is JobStatus.PROCESSING]
        return Moved(events, [Taken(job, *numbers[job.job_id]) for job in running])

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


def _json(ending: Ending) -> str | None:
    return None if ending.task_output is None else json.dumps(ending.task_output)
