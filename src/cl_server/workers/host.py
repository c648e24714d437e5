"""The workers of one host: a process for each, started again when it dies, and gone with this one."""

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import IO

from cl_server import log as logs
from cl_server.file_lock import take
from cl_server.settings import Settings, prepare
from cl_server.settings_error import SettingsError
from cl_server.stack import fork_client, running_stack
from cl_server.stack.fork_client import COMMAND
from cl_server.stack.supervisor import REFUSED, REMAINS, Service, wait_until

# Seconds that workers have to end: they give back what takes longer (`worker.GRACE`).
STOP = 10.0

log = logging.getLogger(__name__)


def run(slots: int) -> int:
    """Keep `slots` workers running until SIGTERM; at a second one, they give their jobs back at once.

    Returns 0, or 2 where the workers refuse their settings. Raises `SettingsError` where others work in the same data
    folder.
    """
    settings = Settings.from_env()
    logs.configure("workers")
    prepare(settings.data)
    lock = alone(settings)
    # In the environment, because it contains passwords, and every user of the host can read arguments.
    environment = {**os.environ, **settings.environment()}
    with fork_client.shared() as forks, lock:
        workers = [
            Service(
                f"w{slot}",
                [*COMMAND, "worker", "--lifeline", "--slot", str(slot), "--of", str(slots)],
                None,
                environment=environment,
                # They have it too, so that no others start before they have ended.
                pass_fds=(lock.fileno(),),
                forks=forks,
            )
            for slot in range(slots)
        ]
        return keep(workers)


def keep(workers: Sequence[Service]) -> int:
    """Keep them running until SIGTERM, or until one refuses its settings, which each says itself."""
    stop = threading.Event()
    status = 0

    def refused() -> None:
        nonlocal status
        status = REFUSED
        stop.set()

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():
            for worker in workers:
                worker.send(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    log.info("%d workers start", len(workers))
    for worker in workers:
        worker.start()
        worker.keep(refused=refused)
    stop.wait()
    deadline = time.monotonic() + STOP
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.wait(deadline)
    return status


def alone(settings: Settings) -> IO[str]:
    """A lock on the data folder, for as long as the file is open. Raises `SettingsError`."""
    if running_stack.is_running(settings.data):
        raise SettingsError(f"a stack runs in {settings.data}, with its own workers; use another folder for these")
    lock = (settings.data / running_stack.WORKERS_LOCK).open("a")
    # Workers of a killed host may still finish their jobs.
    if not wait_until(partial(take, lock), REMAINS):
        lock.close()
        raise SettingsError(f"other workers use the data folder {settings.data}; use another one for these")
    return lock
