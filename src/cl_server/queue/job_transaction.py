"""A transaction that changes jobs, and what becomes of it when the answer to its commit is lost."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, Executable, case, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools import job_log
from cl_ml_tools.job_log import LogBuffer
from cl_ml_tools.job_queue import (
    MAX_ATTEMPTS,
    Claim,
    Event,
    Listener,
    OutcomeUnknownError,
    Publish,
    Wake,
    backoff,
    tell,
    wake,
)
from cl_ml_tools.schemas import Job, JobStatus, JSONObject
from cl_server.queue.conditions import Condition, held
from cl_server.queue.job_lines import write_lines
from cl_server.queue.job_row import JobRow, job_of, number_of
from cl_server.queue.outbox import Outbox
from cl_server.queue.statements import COMPLETE, after_last
from cl_server.queue.tables import Big, is_postgres, jobs

# On which PostgreSQL tells listening workers that there is something to do.
CHANNEL = "cl_jobs"
# Seconds in which to find out what became of a commit: somebody waits for the answer.
PATIENCE = 3.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Change:
    """What it changes goes into the outbox with it. `wakes`: whether a worker has something to look at afterwards.

    `now` is what is written to jobs, `steady` that by which leases and pauses are reckoned, both in milliseconds.

    `doubted` is the same transaction as it was tried before, when the answer to its commit was lost: it may or may not
    have happened.
    """

    def __init__(self, connection: Connection, now: int, steady: int, doubted: "Change | None" = None) -> None:
        self.connection = connection
        self.now = now
        self.steady = steady
        self.doubted = doubted
        self.events: list[Event] = []
        self.wakes = False
        self.taken: Claim | None = None

    def keep_doubted(self) -> bool:
        """The transaction in doubt has happened: what it had to tell is told now. `False` where there is none."""
        if self.doubted is None:
            return False
        self.events += [event for event in self.doubted.events if event not in self.events]
        self.wakes = self.wakes or self.doubted.wakes
        return True

    def move(self, status: JobStatus, *conditions: Condition, **values: object) -> list[JobRow]:
        """Bring jobs to a status."""
        now = after_last(literal(self.now, Big))
        ended = {"completed_at": now} if status.terminal else {}
        changed: Mapping[str, object] = {"status": status.value, "updated_at": now, **ended, **values}
        return self.run(update(jobs).where(*conditions).values(changed).returning(jobs))

    def run(self, statement: Executable, values: Mapping[str, object] | None = None) -> list[JobRow]:
        """Change jobs by a statement that gives them back."""
        rows = list(self.connection.execute(statement, values))
        for row in rows:
            self.note(job_of(row))
        return rows

    def take(self, taking: Executable, worker_id: str, task_types: Sequence[str], lease: int) -> Claim | None:
        """Claim what `statement.taking` finds."""
        if self.doubted is not None and self.doubted.taken is not None and self._holds(self.doubted.taken):
            self.keep_doubted()
            self.taken = self.doubted.taken
            return self.taken
        whose = {"claimed_by": worker_id, "lease_end": self.steady + lease, "now": self.now}
        for row in self.run(taking, {"of_types": task_types, "steady": self.steady, **whose}):
            token = number_of(row, "token")
            job, attempt = job_of(row), number_of(row, "attempts")
            log = LogBuffer(first=token == 1)
            log.add(job_log.INFO, job_log.started(attempt), job.started_at)
            self.taken = Claim(job, worker_id, attempt, token, log)
        return self.taken

    def complete(self, claim: Claim, task_output: JSONObject | None, publish: Publish, size: int) -> bool:
        """End a job well, if the claim holds. The row is locked while its files are put in place, so that nobody else
        can come between."""
        result = {"of_job": claim.job.job_id, "of_token": claim.token, "output": task_output, "more": size}
        done = bool(self.run(COMPLETE, {**result, "now": self.now}))
        if done:
            publish()
            if not claim.log.is_plain:
                self.log(claim, job_log.INFO, job_log.completed(claim.job.started_at, self.now))
        elif self.doubted is not None and self._completed(claim):
            return self.keep_doubted()
        return done

    def log(self, claim: Claim, level: str, text: str) -> None:
        """Store the log of a claim, with a line about its end."""
        write_lines(self.connection, claim.job.job_id, claim.log, job_log.a_line(self.now, level, text))

    def log_of(self, job_id: str, level: str, text: str) -> None:
        """Store a line about a job whose worker can't."""
        write_lines(self.connection, job_id, LogBuffer(), job_log.a_line(self.now, level, text))

    def _holds(self, claim: Claim) -> bool:
        # Locked, so that a commit which is still on its way is waited for.
        query = select(jobs.c.seq).where(*held(claim)).with_for_update()
        return self.connection.execute(query).one_or_none() is not None

    def _completed(self, claim: Claim) -> bool:
        by_us = (jobs.c.job_id == claim.job.job_id, jobs.c.token == claim.token)
        query = select(jobs.c.seq).where(*by_us, jobs.c.status == JobStatus.COMPLETED.value)
        return self.connection.execute(query).one_or_none() is not None

    def note(self, job: Job) -> None:
        """Write an event into the outbox."""
        self.events.append(Outbox.write(self.connection, job, self.steady))


class Transactions:
    """Runs work in transactions: each happens once or not at all, even where the answer to its commit is lost.

    A commit that fails may have happened all the same: the connection may break after the database has it. The work is
    then done again, and finds by `Change.doubted` what it did before. Raises `OutcomeUnknownError` where that cannot
    be found out within `patience` seconds.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], int],
        steady: Callable[[], int],
        on_event: Listener,
        on_wake: Wake,
        patience: float,
    ) -> None:
        self._engine = engine
        self._postgres = is_postgres(engine)
        self._clock = clock
        self._steady = steady
        self._on_event = on_event
        self._on_wake = on_wake
        self._patience = patience

    def run(self, work: Callable[[Change], T]) -> T:
        """Do it, commit, and tell what has happened."""
        result, change = self._committed(work)
        # `queued` is told before a worker is woken, so that it is on its way before `processing`.
        for event in change.events:
            tell(self._on_event, event)
        if change.wakes:
            wake(self._on_wake)
        return result

    def _committed(self, work: Callable[[Change], T]) -> tuple[T, Change]:
        doubted: Change | None = None
        deadline = float("inf")
        pause = FIRST_PAUSE
        while True:
            committing: Change | None = None
            try:
                now, steady = self._clock(), self._steady()
                with self._engine.begin() as connection:
                    change = Change(connection, now, steady, doubted)
                    result = work(change)
                    if change.wakes and self._postgres:
                        connection.execute(text(f"NOTIFY {CHANNEL}"))
                    committing = change
                return result, change
            except IntegrityError:
                raise
            except DBAPIError as error:
                if doubted is None and (committing is None or _refused(error)):
                    raise
                if doubted is None:
                    deadline = time.monotonic() + self._patience
                    log.warning("the answer to a commit is lost; finding out: %s", _first_line(error))
                if time.monotonic() >= deadline:
                    raise OutcomeUnknownError from error
                doubted = committing or doubted
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)


def _refused(error: DBAPIError) -> bool:
    """Whether the database says itself that it has not kept a commit: SQLite does where there is no room for it."""
    match error.orig:
        case sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return True
        case _:
            return False


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def requeued(**values: object) -> dict[str, object]:
    """What a job is that waits again, besides its status."""
    return {"progress": 0, "worker_id": None, "started_at": None, "run_at": 0, **values}


def backoff_of_each() -> ColumnElement[int]:
    """Milliseconds before the next attempt, by how many there were."""
    return case(*((jobs.c.attempts <= n, backoff(n)) for n in range(1, MAX_ATTEMPTS)), else_=backoff(MAX_ATTEMPTS))
