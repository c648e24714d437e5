"""The process of one worker."""

import asyncio
import logging
import os
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from cl_ml_tools import models
from cl_ml_tools.job_queue import LEASE
from cl_ml_tools.worker import Worker
from cl_server import log as logs
from cl_server.file_lock import take
from cl_server.files.local import open_storage
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
from cl_server.workers.host_id import host_id
from cl_server.workers.shift import Shift
from cl_server.workers.task_log import TaskLog, listening

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
            on_moment=relay.moment,
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
            workers=of or 1,
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
