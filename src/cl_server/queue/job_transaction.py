"""A transaction that changes jobs, and what becomes of it when the answer to its commit is lost."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, case, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools import job_log
from cl_ml_tools.job_log import LogBuffer
from cl_ml_tools.job_queue import (
    MAX_ATTEMPTS,
    Claim,
    Event,
    MomentListener,
    OutcomeUnknownError,
    Publish,
    Wake,
    backoff,
    wake,
)
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.queue.conditions import Condition, held
from cl_server.queue.hot_statements import Adding, Ending, HotStatements, Moved, Taking
from cl_server.queue.job_lines import write_lines
from cl_server.queue.job_row import JobRow, job_of
from cl_server.queue.statements import after_last
from cl_server.queue.tables import Big, is_postgres, jobs

# The channel on which PostgreSQL notifies workers of new jobs.
CHANNEL = "cl_jobs"
# Seconds to find out whether a commit happened, because a client waits for the response.
PATIENCE = 3.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Change:
    """A transaction and its events, which it writes to the outbox. `wakes`: whether to wake workers afterwards.

    `now` is the time for jobs, and `steady` that for leases and pauses, both in milliseconds.

    `doubted` is the earlier attempt of the same transaction, if the response to its commit was lost. It may have
    happened.
    """

    def __init__(
        self, connection: Connection, hot: HotStatements, now: int, steady: int, doubted: "Change | None" = None
    ) -> None:
        self.connection = connection
        self._hot = hot
        self.now = now
        self.steady = steady
        self.doubted = doubted
        self.events: list[Event] = []
        self.wakes = False
        self.taken: list[Claim] = []

    def keep_doubted(self) -> bool:
        """The transaction in doubt has happened, so its events are published now. `False` if there is none."""
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
        moving = update(jobs).where(*conditions).values(changed).returning(jobs)
        rows: list[JobRow] = list(self.connection.execute(moving))
        self.note(*map(job_of, rows))
        return rows

    def add(self, job: Job, key: str | None, fingerprint: str) -> None:
        """Queue a new job."""
        job.created_at = job.updated_at = self.now
        self._hot.add(self.connection, job, key, fingerprint)
        self.note(job)
        self.wakes = True

    def add_many(self, news: Sequence[Adding]) -> None:
        """Queue new jobs, in this order."""
        for new in news:
            new.job.created_at = new.job.updated_at = self.now
        self._hot.add_many(self.connection, news)
        self.note(*(new.job for new in news))
        self.wakes = self.wakes or bool(news)

    def take(self, taking: Taking) -> list[Claim]:
        """Claim the next jobs."""
        if self.doubted is not None and self.doubted.taken:
            self.taken = [claim for claim in self.doubted.taken if self._holds(claim)]
            if self.taken:
                self.keep_doubted()
                return self.taken
        self._move((), taking)
        return self.taken

    def complete(self, ending: Ending, publish: Publish) -> bool:
        """Complete a job, if the claim is valid. The row is locked while its files are published, so that no other
        process changes the job."""
        if self._move((ending,), None).has_ended(ending.claim):
            self._publish(ending.claim, publish)
            return True
        return self.doubted is not None and self._completed(ending.claim) and self.keep_doubted()

    def exchange(self, endings: Sequence[tuple[Ending, Publish]], taking: Taking) -> tuple[list[bool], list[Claim]]:
        """End jobs well and claim the next, in one step."""
        if self.doubted is not None:
            # What has happened by then is found out one after the other.
            return [self.complete(ending, publish) for ending, publish in endings], self.take(taking)
        moved = self._move([ending for ending, _ in endings], taking)
        done = [moved.has_ended(ending.claim) for ending, _ in endings]
        for (ending, publish), kept in zip(endings, done, strict=True):
            if kept:
                self._publish(ending.claim, publish)
        return done, self.taken

    def _move(self, endings: Sequence[Ending], taking: Taking | None) -> Moved:
        moved = self._hot.move(self.connection, self.now, self.steady, endings, taking)
        self.events += moved.events
        if taking is None:
            return moved
        for one in moved.taken:
            log = LogBuffer(first=one.token == 1)
            log.add(job_log.INFO, job_log.started(one.attempt), one.job.started_at)
            self.taken.append(Claim(one.job, taking.worker_id, one.attempt, one.token, log))
        return moved

    def _publish(self, claim: Claim, publish: Publish) -> None:
        publish()
        if not claim.log.is_plain:
            self.log(claim, job_log.INFO, job_log.completed(claim.job.started_at, self.now))

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

    def note(self, *changed: Job) -> None:
        """Write what has changed in this moment into the outbox."""
        self.events += self._hot.note(self.connection, changed, self.steady)


class Transactions:
    """Runs work in transactions. Each happens once or not at all, even if the response to its commit is lost.

    A commit that fails may have happened, because the connection can break after the database has it. The work is then
    repeated, and finds with `Change.doubted` what it already did. Raises `OutcomeUnknownError` if that can't be found
    out within `patience` seconds.
    """

    def __init__(
        self,
        engine: Engine,
        hot: HotStatements,
        clock: Callable[[], int],
        steady: Callable[[], int],
        on_moment: MomentListener,
        on_wake: Wake,
        patience: float,
    ) -> None:
        self._engine = engine
        self._hot = hot
        self._postgres = is_postgres(engine)
        self._clock = clock
        self._steady = steady
        self._on_moment = on_moment
        self._on_wake = on_wake
        self._patience = patience

    def run(self, work: Callable[[Change], T]) -> T:
        """Run the work, commit, and publish the events."""
        result, change = self._committed(work)
        # `queued` is published before a worker is woken, so that it is sent before `processing`.
        if change.events:
            self._on_moment(change.events)
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
                    change = Change(connection, self._hot, now, steady, doubted)
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
    """Whether the error states that the commit didn't happen, as that of SQLite does on a full disk."""
    match error.orig:
        case sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return True
        case _:
            return False


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def requeued(**values: object) -> dict[str, object]:
    """The values of a requeued job, besides its status."""
    return {"progress": 0, "worker_id": None, "started_at": None, "run_at": 0, **values}


def backoff_of_each() -> ColumnElement[int]:
    """Milliseconds before the next attempt, by how many there were."""
    return case(*((jobs.c.attempts <= n, backoff(n)) for n in range(1, MAX_ATTEMPTS)), else_=backoff(MAX_ATTEMPTS))
