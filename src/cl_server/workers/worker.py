"""The process of one worker."""

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy.exc import OperationalError

from cl_ml_tools import models
from cl_ml_tools.compute_module import TaskResult
from cl_ml_tools.job_queue import LEASE, Beat, Claim, JobQueue
from cl_ml_tools.worker import Worker
from cl_server import log as logs
from cl_server.file_lock import take
from cl_server.files.local import open_storage
from cl_server.files.protocol import JobStorage
from cl_server.messaging.doorbell import Doorbell, Ringer
from cl_server.messaging.events import Events, Relay, connection
from cl_server.messaging.postgres_bell import PostgresBell
from cl_server.messaging.worker_announcement import Presence
from cl_server.migrations import migrate
from cl_server.queue import orphaned_files
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.shared_guest_mode import open_guest_mode
from cl_server.queue.tables import is_postgres, open_database
from cl_server.settings import Settings, prepare
from cl_server.settings_error import SettingsError
from cl_server.stack.supervisor import REMAINS, wait_until
from cl_server.workers import memory
from cl_server.workers.attempt import Attempt
from cl_server.workers.heartbeat import Heart
from cl_server.workers.host_id import host_id
from cl_server.workers.task_log import TaskLog, listening

# A ring may be lost; a job never waits longer than this, in seconds.
SWEEP = 5.0
# Seconds that a job can continue after SIGTERM, before it is returned to the queue.
GRACE = 5.0
# Seconds that a task can continue after its cancellation.
CANCEL_GRACE = 2.0
# Seconds between checks of an unavailable file storage.
STORAGE_PAUSE = 1.0
# Seconds between checks of an unavailable database.
DATABASE_PAUSE = 1.0

log = logging.getLogger(__name__)


def run(slot: int = 0, of: int | None = None) -> None:
    """Work until SIGTERM. `slot` names the worker. Jobs of an earlier worker in the same slot are queued again."""
    settings = Settings.from_env()
    prepare(settings.data)
    worker_id = f"w{slot}" if settings.database_url is None else f"{host_id(settings.data)}-w{slot}"
    logs.configure(worker_id)
    storage = open_storage(settings.data, settings.storage_url, f"w{slot}")
    storage.check_settings()
    with ExitStack() as stack:
        stack.enter_context(alone(settings, worker_id))
        engine = open_database(settings.database)
        stack.callback(engine.dispose)
        migrate(engine)
        broker = connection(settings, worker_id)
        ringer = Ringer(settings.workers)
        stack.callback(ringer.close)
        events = Events(broker, stack.enter_context(open_guest_mode(settings, engine)))
        relay = Relay(events, on_lost=partial(orphaned_files.clear_attempts, storage))
        # After the broker had time to deliver pending messages.
        stack.callback(relay.stop)
        repository = SqlJobRepository(
            engine,
            worker_id=worker_id,
            on_event=relay,
            on_wake=ringer.ring,
            # No client waits here, and no other worker gets the job until its lease expires.
            patience=LEASE / 1000,
        )
        worker = Worker(repository)
        worker.setup()
        if settings.operation.worker_memory:
            memory.bound(settings.operation.worker_memory)
        presence = Presence(broker, worker_id, worker.get_supported_task_types())
        bells: list[Doorbell | PostgresBell] = [stack.enter_context(Doorbell(settings.workers, worker_id))]
        if settings.database_url is not None:
            bells.append(stack.enter_context(PostgresBell(settings.database_url)))
        if broker is not None:
            broker.start()
            stack.callback(broker.stop)
            stack.callback(presence.leave)
        relay.follow(repository)
        lost = repository.release(worker_id)
        if slot == 0 and of is not None and not is_postgres(engine):
            lost += repository.release_others(*(f"w{number}" for number in range(of)))
        orphaned_files.clear_attempts(storage, lost)
        task_log = TaskLog(repository, (settings.data, models.folder(), Path(tempfile.gettempdir())))
        stack.enter_context(listening(task_log))
        shift = Shift(
            worker,
            repository,
            storage,
            presence,
            worker_id,
            task_timeout=settings.task_timeout,
            memory=settings.operation.worker_memory,
            task_log=task_log,
        )
        finished = asyncio.run(shift.work(*bells))
    if not finished:
        # The thread of the job that was given up still runs, and a usual exit would wait for it.
        logging.shutdown()
        os._exit(0)


def alone(settings: Settings, worker_id: str) -> IO[str]:
    """A lock on the name of a worker, for as long as the file is open. Raises `SettingsError`."""
    settings.workers.mkdir(exist_ok=True)
    lock = (settings.workers / f"{worker_id}.lock").open("a")
    # The previous worker may still be finishing its job.
    if not wait_until(partial(take, lock), REMAINS):
        lock.close()
        raise SettingsError(f"there is a worker {worker_id} in {settings.data} already; choose another --slot")
    return lock


class Shift:
    """Runs jobs until it is stopped, or has more than `memory` bytes (0 means no limit).

    `task_timeout` is in seconds.
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
    ) -> None:
        self._worker = worker
        self._task_types = worker.get_supported_task_types()
        self._queue = queue
        self._storage = storage
        self._presence = presence
        self._worker_id = worker_id
        self._task_timeout = task_timeout
        self._memory = memory
        self._task_log = task_log or TaskLog(queue)
        self._rung = asyncio.Event()
        self._stop = asyncio.Event()
        self._force = asyncio.Event()
        self._over = asyncio.Event()
        self._claim: Claim | None = None
        self._beat = Beat.KEPT

    async def work(self, *bells: Doorbell | PostgresBell) -> bool:
        """Work; `False` when the last task was given up and may still be running."""
        loop = asyncio.get_running_loop()

        def over(claim: Claim, beat: Beat) -> None:
            loop.call_soon_threadsafe(self._ended, claim, beat)

        heart = Heart(self._queue, over)

        def ring() -> None:
            self._rung.set()
            heart.look()

        for bell in bells:
            bell.attach(ring)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signal)
        heart.start()
        try:
            return await self._loop(heart)
        finally:
            heart.stop()

    async def _loop(self, heart: Heart) -> bool:
        log.info("ready for %s", ", ".join(self._task_types))
        following: Claim | None = None
        worked = False
        while not self._stop.is_set():
            self._rung.clear()
            try:
                claim = following or self._queue.claim(self._worker_id, self._task_types)
                if claim is None:
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
            heart.hold(claim)
            self._task_log.hold(claim)
            attempt = Attempt(claim, self._queue, self._storage, heart)
            ended = await self._finish(attempt)
            heart.hold(None)
            self._task_log.hold(None)
            if not ended:
                return False
            following = attempt.following
            if attempt.storage_away:
                await self._await_storage()
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

    def _wanted(self) -> Sequence[str]:
        """The task types for the next job. Empty if there must not be a next one."""
        if self._memory and (now := memory.resident()) > self._memory:
            log.warning("%d MiB are in use, which is above the limit: a new worker continues", now >> 20)
            self._stop.set()
        return () if self._stop.is_set() else self._task_types

    async def _finish(self, attempt: Attempt) -> bool:
        """Run a job to its end, or until it is cancelled, lost, late, or this worker has to go."""
        self._over.clear()
        self._claim = attempt.claim
        self._beat = Beat.KEPT
        job = attempt.claim.job
        running = asyncio.create_task(attempt.run(self._worker))
        stop = asyncio.create_task(self._stop.wait())
        over = asyncio.create_task(self._over.wait())
        first = asyncio.FIRST_COMPLETED
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
        ended = running.done()
        if self._beat is not Beat.KEPT:
            self._give_up(attempt)
            if ended:
                # The result of the stopped task is not needed, but asyncio logs results that are never read.
                running.exception()
        elif ended:
            await self._write_down(attempt, running.result())
        elif late:
            log.warning("job %s took longer than %g s", job.job_id, self._task_timeout)
            self._queue.fail(attempt.claim, f"{job.task_type} took longer than {self._task_timeout:g} s, the limit")
            attempt.close()
        else:
            log.warning("job %s is given back: it did not end in time", job.job_id)
            self._queue.give_back(attempt.claim)
            attempt.close()
        if not ended:
            running.cancel()
        return ended

    async def _write_down(self, attempt: Attempt, result: TaskResult) -> None:
        """End an attempt. During an outage of the database, its result is kept for the time of a lease."""
        deadline = time.monotonic() + LEASE / 1000
        while True:
            try:
                attempt.end(result, self._wanted())
                return
            except OperationalError as error:
                if time.monotonic() > deadline or self._force.is_set():
                    raise
                log.warning("job %s: the database doesn't store its result: %s", attempt.claim.job.job_id, error.orig)
                await asyncio.sleep(DATABASE_PAUSE)

    def _give_up(self, attempt: Attempt) -> None:
        job_id = attempt.claim.job.job_id
        if self._beat is Beat.CANCEL:
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

    def _ended(self, claim: Claim, beat: Beat) -> None:
        # The heart may have looked while the job before this one was just completing.
        if claim is not self._claim:
            return
        self._beat = beat
        self._over.set()

    def _signal(self) -> None:
        if self._stop.is_set():
            self._force.set()
        self._stop.set()
        self._rung.set()
