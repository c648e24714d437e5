"""Jobs in a SQL database: `JobQueue` on SQLite and PostgreSQL."""

from collections.abc import Callable, Sequence
from typing import Unpack

from sqlalchemy import Engine, delete, literal, select, update

from cl_ml_tools import job_log
from cl_ml_tools.job_queue import (
    DIED,
    LEASE,
    LONG_LEASE,
    MAX_ATTEMPTS,
    Claim,
    Done,
    Event,
    Listener,
    MomentListener,
    Publish,
    Wake,
    Wanted,
    backoff,
    ignore_event,
    ignore_wake,
    one_by_one,
    publish_nothing,
)
from cl_ml_tools.job_repository import JobUpdate
from cl_ml_tools.schemas import TERMINAL, Job, JobStatus, JSONObject
from cl_server.queue.clocks import clock_of, steady_clock_of
from cl_server.queue.conditions import PROCESSING, QUEUED, Condition, held
from cl_server.queue.heartbeats import SqlHeartbeats
from cl_server.queue.hot_statements import Ending, HotStatements, Taking
from cl_server.queue.job_lines import write_lines
from cl_server.queue.job_row import job_of, number_of
from cl_server.queue.job_transaction import PATIENCE, Change, Transactions, backoff_of_each, requeued
from cl_server.queue.outbox import Outbox
from cl_server.queue.quota import Quota
from cl_server.queue.statements import after_last, has_come
from cl_server.queue.submits import SqlSubmits
from cl_server.queue.tables import (
    Big,
    is_postgres,
    jobs,
)


class SqlJobRepository(SqlSubmits, SqlHeartbeats):
    """`on_event` hears of every change after its commit, or, in its place, `on_moment` of all that a transaction
    changed; `on_wake` hears when a worker has something to look at.

    `worker_id` is the name with which `fetch_next_job` claims. `clock` returns UTC milliseconds, and `steady` the
    milliseconds for leases and pauses. `patience` is the time in seconds to find out whether a commit happened whose
    response was lost, before `OutcomeUnknownError` is raised.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker_id: str = "worker",
        on_event: Listener = ignore_event,
        on_moment: MomentListener | None = None,
        on_wake: Wake = ignore_wake,
        clock: Callable[[], int] | None = None,
        steady: Callable[[], int] | None = None,
        quota: Quota | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._postgres = is_postgres(engine)
        self._worker_id = worker_id
        self._on_moment = on_moment or one_by_one(on_event)
        self._clock = clock or clock_of(engine)
        # If there is only one clock, it is used for both.
        steady = steady or clock or steady_clock_of(engine, self._clock)
        self._hot = HotStatements(engine)
        transactions = Transactions(engine, self._hot, self._clock, steady, self._on_moment, on_wake, patience)
        super().__init__(engine, steady, transactions, quota)
        self._outbox = Outbox(engine, self._hot, self._steady)
        self._held: dict[str, Claim] = {}
        # After one job, there is often another.
        self._found = False

    # What every repository can.

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Queue a new job."""
        return self.submit(job, created_by=created_by, priority=priority).job_id

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job that `fetch_next_job` gave; progress only grows."""
        claim = self._held.get(job_id)
        if claim is None:
            return False
        match changes.get("status"):
            case None:
                self.heartbeat(claim, LONG_LEASE)
                return self.progress(claim, changes.get("progress", 0))
            case JobStatus.COMPLETED:
                done = self.complete(claim, changes.get("task_output"))
            case JobStatus.FAILED:
                done = self.fail(claim, changes.get("error_message") or "it failed")
            case JobStatus.CANCELLED:
                done = self.confirm_cancel(claim)
            case _:
                return False
        self._held.pop(job_id, None)
        return done

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim a job for a worker that knows no heartbeat."""
        claim = self.claim(self._worker_id, task_types, LONG_LEASE)
        if claim is None:
            return None
        self._held[claim.job.job_id] = claim
        return claim.job

    def delete_job(self, job_id: str) -> bool:
        """Cancel a job that is not over, and forget it."""

        def work(change: Change) -> bool:
            open_jobs = (jobs.c.job_id == job_id, jobs.c.status.not_in(TERMINAL))
            change.wakes = bool(change.move(JobStatus.CANCELLED, *open_jobs))
            gone = change.connection.execute(delete(jobs).where(jobs.c.job_id == job_id)).rowcount > 0
            # A job that is not there any more was deleted by the transaction whose answer was lost.
            return gone or change.keep_doubted()

        return self._transactions.run(work)

    # Working.

    def claim(self, worker_id: str, task_types: Sequence[str], lease: int = LEASE) -> Claim | None:
        """Take the next job: highest priority first, then as they came, whatever the clock did meanwhile."""
        return next(iter(self.claim_many(worker_id, Wanted(dict.fromkeys(task_types, 1)), lease)), None)

    def claim_many(self, worker_id: str, wanted: Wanted, lease: int = LEASE) -> list[Claim]:
        """Take the next job, and others like it."""
        if not self._postgres and not self._found:
            # Most polls find nothing. A read needs no lock, so idle workers don't delay busy ones.
            with self._reading.connect() as connection:
                if not self._hot.waits(connection, tuple(wanted.most), self._steady()):
                    return []
        taking = Taking(worker_id, wanted, lease)
        claims = self._transactions.run(lambda change: change.take(taking))
        self._found = bool(claims)
        return claims

    def progress(self, claim: Claim, percent: int) -> bool:
        """Set the progress of the job."""
        if percent > 100:
            return False
        news = (
            update(jobs)
            .where(*held(claim), jobs.c.progress < percent)
            .values(progress=percent, updated_at=after_last(literal(self._clock(), Big)))
            .returning(jobs)
        )
        with self._engine.begin() as connection:
            row = connection.execute(news).one_or_none()
        if row is None:
            return False
        self._on_moment([Event(job_of(row))])
        return True

    def complete(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish = publish_nothing, size: int = 0
    ) -> bool:
        """End a job well."""
        ending = Ending(claim, task_output, size)
        return self._transactions.run(lambda change: change.complete(ending, publish))

    def exchange(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish, size: int, task_types: Sequence[str]
    ) -> tuple[bool, Claim | None]:
        """End a job well, and take the next: one turn at writing instead of two."""
        wanted = Wanted(dict.fromkeys(task_types, 1))
        kept, following = self.exchange_many(claim.worker_id, [Done(claim, task_output, publish, size)], wanted)
        return kept[0], next(iter(following), None)

    def exchange_many(self, worker_id: str, done: Sequence[Done], wanted: Wanted) -> tuple[list[bool], list[Claim]]:
        """End jobs well, and take the next."""
        endings = [(Ending(one.claim, one.task_output, one.size), one.publish) for one in done]
        taking = Taking(worker_id, wanted, LEASE)
        return self._transactions.run(lambda change: change.exchange(endings, taking))

    def fail(self, claim: Claim, error: str, *, transient: bool = False) -> bool:
        """End a job badly, or try it again later."""

        def work(change: Change) -> bool:
            if transient and not claim.last:
                again = requeued(run_at=change.steady + backoff(claim.attempt))
                if change.move(JobStatus.QUEUED, *held(claim), jobs.c.cancelling.is_(False), **again):
                    pause = backoff(claim.attempt)
                    change.log(claim, job_log.WARNING, job_log.failed(claim.attempt, error, pause=pause))
                    change.wakes = True
                    return True
            # PostgreSQL keeps no NUL in a text.
            failed = bool(change.move(JobStatus.FAILED, *held(claim), error_message=error.replace("\0", "")))
            if failed:
                change.log(claim, job_log.ERROR, job_log.failed(claim.attempt, error))
            return failed

        return self._transactions.run(work)

    def give_back(self, claim: Claim) -> bool:
        """Queue a job again; the attempt does not count."""

        def work(change: Change) -> bool:
            if change.move(JobStatus.CANCELLED, *held(claim), jobs.c.cancelling.is_(True)):
                change.log(claim, job_log.INFO, job_log.CANCELLED)
                return True
            again = requeued(attempts=jobs.c.attempts - 1)
            change.wakes = bool(change.move(JobStatus.QUEUED, *held(claim), **again))
            if change.wakes:
                change.log(claim, job_log.INFO, job_log.given_back(claim.attempt))
            return change.wakes

        return self._transactions.run(work)

    def confirm_cancel(self, claim: Claim) -> bool:
        """End a job that was cancelled while it ran."""

        def work(change: Change) -> bool:
            cancelled = bool(change.move(JobStatus.CANCELLED, *held(claim)))
            if cancelled:
                change.log(claim, job_log.INFO, job_log.CANCELLED)
            return cancelled

        return self._transactions.run(work)

    def write_log(self, claim: Claim) -> bool:
        """Store the log of a claim."""
        with self._engine.begin() as connection:
            # Locked, so that no other process takes the job meanwhile.
            mine = select(jobs.c.seq).where(*held(claim)).with_for_update()
            if connection.execute(mine).one_or_none() is None:
                return False
            stored = write_lines(connection, claim.job.job_id, claim.log)
        if stored is not None:
            claim.log.keep(stored)
        return True

    # Watching over it.

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job."""

        def work(change: Change) -> None:
            if change.move(JobStatus.CANCELLED, jobs.c.job_id == job_id, QUEUED):
                return
            # Nothing is queued any more: by the transaction whose answer was lost, or it never was.
            if not (change.doubted is not None and change.doubted.events and change.keep_doubted()):
                flag = update(jobs).where(jobs.c.job_id == job_id, PROCESSING).values(cancelling=True)
                change.wakes = change.connection.execute(flag).rowcount > 0

        self._transactions.run(work)
        return self.get_job(job_id)

    def release(self, *worker_ids: str) -> list[Job]:
        """Take jobs from dead workers."""
        return self._take_away(jobs.c.worker_id.in_(worker_ids), wait=False)

    def release_others(self, *worker_ids: str) -> list[Job]:
        """Take jobs from all other workers, for a start with fewer workers than before."""
        return self._take_away(jobs.c.worker_id.not_in(worker_ids), wait=False)

    def expire(self) -> list[Job]:
        """Take jobs from workers whose lease has expired."""
        over = has_come(jobs.c.lease_until, literal(self._steady() - 1, Big), LONG_LEASE)
        with self._reading.connect() as connection:
            if connection.execute(select(jobs.c.seq).where(PROCESSING, over).limit(1)).one_or_none() is None:
                return []
        return self._take_away(over, wait=True)

    def _take_away(self, lost: Condition, *, wait: bool) -> list[Job]:
        """Cancelled if that was requested, failed after the last attempt, otherwise queued again."""
        last = jobs.c.attempts >= MAX_ATTEMPTS

        def work(change: Change) -> list[Job]:
            run_at = literal(change.steady, Big) + backoff_of_each() if wait else literal(0, Big)
            ended = change.move(JobStatus.CANCELLED, lost, PROCESSING, jobs.c.cancelling.is_(True))
            ended += change.move(JobStatus.FAILED, lost, PROCESSING, last, error_message=DIED)
            again = change.move(JobStatus.QUEUED, lost, PROCESSING, **requeued(run_at=run_at))
            change.wakes = bool(again)
            for rows, then in ((ended, job_log.NOT_QUEUED_AGAIN), (again, job_log.QUEUED_AGAIN)):
                for row in rows:
                    said = job_log.died(number_of(row, "attempts"), then)
                    change.log_of(job_of(row).job_id, job_log.WARNING, said)
            moved = [job_of(row) for row in (*ended, *again)]
            if not moved and change.doubted is not None and change.keep_doubted():
                # The transaction whose answer was lost has taken them.
                return [event.job for event in change.doubted.events]
            return moved

        return self._transactions.run(work)

    # The outbox.

    def take_untold(self, older_than: int, limit: int = 100) -> list[Event]:
        """Events that are still unpublished, because their process died or has no broker."""
        return self._outbox.take(older_than, limit)

    def settle(self, seqs: Sequence[int]) -> None:
        """Delete published events, and count them."""
        self._outbox.settle(seqs)

    def transitions(self) -> dict[tuple[str, JobStatus], int]:
        """The number of published transitions into each status."""
        return self._outbox.transitions()
