"""What a worker does from its start to its end: it takes jobs, runs them, and writes down what came of them."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError

from cl_ml_tools.compute_module import TaskResult
from cl_ml_tools.job_queue import LEASE, Beat, Claim, Done, JobQueue, Wanted
from cl_ml_tools.worker import Worker
from cl_server.files.protocol import JobStorage
from cl_server.messaging.doorbell import Doorbell
from cl_server.messaging.postgres_bell import PostgresBell
from cl_server.messaging.worker_announcement import Presence
from cl_server.queue import orphaned_files
from cl_server.workers import memory
from cl_server.workers.attempt import Attempt
from cl_server.workers.batch import Batch
from cl_server.workers.heartbeat import Heart
from cl_server.workers.pace import Pace
from cl_server.workers.task_log import TaskLog

# A ring may be lost; a job never waits longer than this, in seconds.
SWEEP = 5.0
# How long a job may go on after SIGTERM, in seconds, before it is given back.
GRACE = 5.0
# How long a task can continue, in seconds, after it was asked to stop.
CANCEL_GRACE = 2.0
# Seconds for jobs that were taken together: longer than that, none waits for another.
LATE = 0.1
# Seconds until an unavailable file storage is checked again.
STORAGE_PAUSE = 1.0
# Seconds until an unavailable database is queried again.
DATABASE_PAUSE = 1.0

log = logging.getLogger(__name__)


class Shift:
    """Runs jobs until it is stopped, or has more than `memory` bytes (0 means no limit).

    `task_timeout` is in seconds; `workers`: how many share the jobs that wait, as far as this one knows.
    """

    def __init__(
        self,
        worker: Worker,
        queue: JobQueue,
        storage: JobStorage,
        presence: Presence,
        worker_id: str,
        *,
        task_timeout: float,
        memory: int = 0,
        task_log: TaskLog | None = None,
        workers: int = 1,
    ) -> None:
        self._worker = worker
        self._task_types = worker.get_supported_task_types()
        self._queue = queue
        self._storage = storage
        self._presence = presence
        self._worker_id = worker_id
        self._task_timeout = task_timeout
        self._memory = memory
        self._too_large = False
        self._task_log = task_log or TaskLog(queue)
        self._rung = asyncio.Event()
        self._stop = asyncio.Event()
        self._force = asyncio.Event()
        self._over = asyncio.Event()
        together = (task for task in self._task_types if worker.blocking(task) is not None)
        self._pace = Pace(self._task_types, together, workers)
        self._heart = Heart(queue, self._is_over)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batch: Batch | None = None

    async def work(self, *bells: Doorbell | PostgresBell) -> bool:
        """Work; `False` when the last task was given up and may still be running."""
        self._loop = loop = asyncio.get_running_loop()

        def ring() -> None:
            self._rung.set()
            self._heart.look()

        for bell in bells:
            bell.attach(ring)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signal)
        self._heart.start()
        try:
            return await self._take_jobs()
        finally:
            self._heart.stop()

    async def _take_jobs(self) -> bool:
        log.info("ready for %s", ", ".join(self._task_types))
        following: list[Claim] = []
        worked = False
        while not (self._too_large or self._stop.is_set()):
            self._rung.clear()
            try:
                claims = following or self._queue.claim_many(self._worker_id, self._pace.wanted())
                if not claims:
                    self._presence.idle()
                    if worked:
                        memory.give_back()
                        worked = False
                    if not await self._sleep(self._queue.next_due(self._task_types)):
                        orphaned_files.clear_attempts(self._storage, self._queue.expire())
                    continue
            except OperationalError as error:
                self._presence.busy()
                log.warning("the database does not answer: %s", str(error.orig).strip().partition("\n")[0])
                await self._sleep(int(DATABASE_PAUSE * 1000))
                continue
            self._presence.busy()
            worked = True
            attempts = [Attempt(claim, self._queue, self._storage, self._heart) for claim in claims]
            ended, following = await self._finish(attempts)
            if not ended:
                return False
            if any(attempt.storage_away for attempt in attempts):
                await self._await_storage()
        # What came with the last results, just before this worker was told to stop.
        self._give_back(following)
        return True

    async def _await_storage(self) -> None:
        """Take no jobs while the file storage is unavailable, because each would be returned."""
        log.warning("the file storage does not answer: the worker takes no jobs until it does")
        while not self._stop.is_set():
            try:
                await asyncio.to_thread(self._storage.check)
            except OSError:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), STORAGE_PAUSE)
            else:
                log.info("the file storage answers again")
                return

    def _goes_on(self) -> bool:
        """Whether there is to be a next job, or none, for one reason or another."""
        if self._memory and (now := memory.resident()) > self._memory:
            log.warning("%d MiB are in use, which is above the limit: a new worker continues", now >> 20)
            self._memory, self._too_large = 0, True
        return not (self._too_large or self._stop.is_set())

    async def _finish(self, attempts: Sequence[Attempt]) -> tuple[bool, list[Claim]]:
        """Run jobs to their end, or until one is cancelled, lost, late, or this worker has to go.

        Returns whether it has ended, and the claims that come next.
        """
        began = time.monotonic()
        self._heart.hold(*(attempt.claim for attempt in attempts))
        self._over.clear()
        self._batch = batch = Batch(attempts, self._goes_on, self._task_log.hold)
        running = asyncio.create_task(batch.run(self._worker))
        stop = asyncio.create_task(self._stop.wait())
        first = asyncio.FIRST_COMPLETED
        if batch.size > 1:
            over = asyncio.create_task(self._over.wait())
            await asyncio.wait({running, stop, over}, timeout=LATE, return_when=first)
            over.cancel()
            if not running.done():
                self._leave_one(batch)
        over = asyncio.create_task(self._over.wait())
        await asyncio.wait({running, stop, over}, timeout=self._task_timeout, return_when=first)
        late = not (running.done() or stop.done() or over.done())
        if stop.done() and not running.done():
            force = asyncio.create_task(self._force.wait())
            await asyncio.wait({running, force, over}, timeout=GRACE, return_when=first)
            force.cancel()
        if over.done():
            # The task learns of it at its next progress report. One that never reports ends with this process.
            await asyncio.wait({running}, timeout=CANCEL_GRACE)
        stop.cancel()
        over.cancel()
        ended, following = running.done(), list[Claim]()
        if ended:
            running.result()
            following = await self._write_down(batch)
            self._pace.note(batch.task_type, batch.size, time.monotonic() - began)
        else:
            if batch.current is not None:
                self._drop(batch.current, late=late)
            running.cancel()
        self._heart.hold()
        self._batch = None
        self._task_log.hold(None)
        return ended, following

    def _leave_one(self, batch: Batch) -> None:
        """One of several takes long, or is not wanted any more, or this worker stops: settle all but the one that
        runs."""
        rest = batch.cut()
        try:
            while rest:
                self._queue.give_back(rest[0].claim)
                rest.pop(0)
            self._settle(batch, Wanted({}))
        except OperationalError as error:
            log.warning("jobs can't be given back now: %s", error.orig)
            batch.put_back(rest)
        self._heart.keep(*batch.claims)
        if batch.current is None or not batch.current.is_over:
            self._over.clear()

    def _drop(self, attempt: Attempt, *, late: bool) -> None:
        """End an attempt that is still running."""
        job = attempt.claim.job
        if attempt.is_over:
            self._give_up(attempt)
        elif late:
            log.warning("job %s took longer than %g s", job.job_id, self._task_timeout)
            self._queue.fail(attempt.claim, f"{job.task_type} took longer than {self._task_timeout:g} s, the limit")
            attempt.close()
        else:
            log.warning("job %s is given back: it did not end in time", job.job_id)
            self._queue.give_back(attempt.claim)
            attempt.close()

    async def _write_down(self, batch: Batch) -> list[Claim]:
        """Settle jobs and claim the next. While the database is unavailable, the results are kept for as long as a
        lease lasts."""
        deadline = time.monotonic() + LEASE / 1000
        rest = batch.cut()
        while True:
            try:
                while rest:
                    self._queue.give_back(rest[0].claim)
                    rest.pop(0)
                return self._settle(batch, self._pace.wanted() if self._goes_on() else Wanted({}))
            except OperationalError as error:
                if time.monotonic() > deadline or self._force.is_set():
                    raise
                names = ", ".join(claim.job.job_id for claim in batch.claims)
                log.warning("job %s: the database doesn't store its result: %s", names, error.orig)
                await asyncio.sleep(DATABASE_PAUSE)

    def _settle(self, batch: Batch, wanted: Wanted) -> list[Claim]:
        """Write down what has ended: what went well in one step, in which the next jobs are taken."""
        well = list[tuple[Attempt, TaskResult, Done]]()
        for attempt, result in batch.ended():
            try:
                done = None if attempt.is_over else attempt.done(result)
            except OSError:
                done = None
            if done is not None:
                well.append((attempt, result, done))
                continue
            if attempt.is_over:
                self._give_up(attempt)
            else:
                attempt.end(result)
            batch.settle([attempt])
        if not well:
            return []
        try:
            kept, following = self._queue.exchange_many(self._worker_id, [done for *_, done in well], wanted)
        except OSError:
            # One of them could not be published, and so none was: each by itself.
            for attempt, result, _ in well:
                attempt.end(result)
                batch.settle([attempt])
            return []
        batch.settle([attempt for attempt, *_ in well])
        for (attempt, *_), its in zip(well, kept, strict=True):
            attempt.close(kept=its)
        return following

    def _give_back(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._queue.give_back(claim)

    def _give_up(self, attempt: Attempt) -> None:
        job_id = attempt.claim.job.job_id
        if self._heart.beat_of(attempt.claim) is Beat.CANCEL:
            log.info("job %s is cancelled", job_id)
            self._queue.confirm_cancel(attempt.claim)
        else:
            log.info("job %s was deleted or taken back while it ran; its result is dropped", job_id)
        attempt.close()

    async def _sleep(self, due: int | None) -> bool:
        """Until the bell rings, a signal arrives, a job is due (in milliseconds), or it is time to look anyway.

        `False` in the last case.
        """
        if self._stop.is_set():
            return True
        try:
            async with asyncio.timeout(min(SWEEP, SWEEP if due is None else due / 1000 + 0.001)):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True

    def _is_over(self, claim: Claim, beat: Beat) -> None:
        """The heart says so, in its thread."""
        del beat
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended, claim)

    def _ended(self, claim: Claim) -> None:
        # The heart may have looked while the job before this one was just completing.
        if self._batch is not None and any(claim is held for held in self._batch.claims):
            self._over.set()

    def _signal(self) -> None:
        if self._stop.is_set():
            self._force.set()
        self._stop.set()
        self._rung.set()
