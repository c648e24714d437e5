"""The process of one worker."""

import asyncio
import logging
import os
import signal

from cl_ml_tools.schemas import Job
from cl_ml_tools.worker import Worker
from cl_server import log as logs
from cl_server.database import open_database
from cl_server.doorbell import Doorbell, Ringer
from cl_server.events import Events, connection
from cl_server.guest_mode import GuestMode
from cl_server.migrations import migrate
from cl_server.mqtt import Connection
from cl_server.presence import Presence
from cl_server.repository import SqlJobRepository
from cl_server.settings import Settings, prepare

# A ring may be lost; a job never waits longer than this, in seconds.
SWEEP = 5.0
# How long a job may go on after SIGTERM, in seconds, before it is given back.
GRACE = 5.0

log = logging.getLogger(__name__)


def run(slot: int = 0, of: int | None = None) -> None:
    """Work until SIGTERM. `slot` names the worker; what an earlier one of the same slot held is given back."""
    worker_id = f"w{slot}"
    logs.configure(worker_id)
    settings = Settings.from_env()
    prepare(settings.data)
    engine = open_database(settings.database)
    migrate(engine, settings.database)
    broker = connection(settings, worker_id)
    guest_mode = GuestMode(settings.guest_mode_file, default=settings.guest_mode)
    ringer = Ringer(settings.workers)

    def ring(job: Job) -> None:
        del job
        ringer.ring()

    repository = SqlJobRepository(engine, worker_id=worker_id, on_change=Events(broker, guest_mode), on_queued=ring)
    worker = Worker(repository)
    worker.setup()
    presence = Presence(broker, worker_id, worker.get_supported_task_types())
    with Doorbell(settings.workers, worker_id) as doorbell:
        if broker is not None:
            broker.start()
        repository.release(worker_id)
        if slot == 0 and of is not None:
            repository.release_others(*(f"w{number}" for number in range(of)))
        finished = asyncio.run(Shift(worker, repository, presence, doorbell, worker_id).work())
    presence.leave()
    _close(broker)
    ringer.close()
    engine.dispose()
    if not finished:
        # The thread of the job that was given back still runs, and a usual exit would wait for it.
        logging.shutdown()
        os._exit(0)


def _close(broker: Connection | None) -> None:
    if broker is not None:
        broker.stop()


class Shift:
    """Takes jobs until it is told to stop."""

    def __init__(
        self, worker: Worker, repository: SqlJobRepository, presence: Presence, doorbell: Doorbell, worker_id: str
    ) -> None:
        self._worker = worker
        self._repository = repository
        self._presence = presence
        self._doorbell = doorbell
        self._worker_id = worker_id
        self._rung = asyncio.Event()
        self._stop = asyncio.Event()
        self._force = asyncio.Event()

    async def work(self) -> bool:
        """Work; `False` when the last job was given back and may still be running."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._doorbell.socket, self._ring)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signal)
        task_types = self._worker.get_supported_task_types()
        log.info("ready for %s", ", ".join(task_types))
        while not self._stop.is_set():
            self._rung.clear()
            while not self._stop.is_set() and (job := self._repository.fetch_next_job(task_types)) is not None:
                self._presence.idle(0)
                if not await self._finish(job):
                    return False
            self._presence.idle(1)
            await self._sleep()
        return True

    async def _finish(self, job: Job) -> bool:
        """Run a job; after a signal it has `GRACE` seconds, or until the second signal."""
        running = asyncio.create_task(self._worker.run(job))
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            force = asyncio.create_task(self._force.wait())
            await asyncio.wait({running, force}, timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
            force.cancel()
        stop.cancel()
        if running.done():
            await running
            return True
        log.warning("job %s is given back: it did not end in time", job.job_id)
        self._repository.release(self._worker_id, died=False)
        running.cancel()
        return False

    async def _sleep(self) -> None:
        """Until the bell rings, a signal arrives, or it is time to look anyway."""
        if self._stop.is_set():
            return
        try:
            await asyncio.wait_for(self._rung.wait(), SWEEP)
        except TimeoutError:
            return

    def _ring(self) -> None:
        self._doorbell.drain()
        self._rung.set()

    def _signal(self) -> None:
        if self._stop.is_set():
            self._force.set()
        self._stop.set()
        self._rung.set()
