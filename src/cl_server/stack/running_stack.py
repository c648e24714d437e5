"""Finds and stops a stack that another process runs, by its data folder.

The folder has two files about it. `stack.lock` names the process that runs the stack. That process and every part have
it locked (flock(2)), so while a part of the stack runs, the file is locked, regardless of its content. `stack.json` is
written by the stack when it is ready, and describes it.
"""

import signal
from pathlib import Path
from typing import IO, Self

from pydantic import BaseModel

from cl_extras import whole_file
from cl_server.file_lock import take
from cl_server.stack.process_id import ProcessId
from cl_server.stack.supervisor import REMAINS, wait_until

LOCK = "stack.lock"
# Locked by processes that start workers in a data folder.
WORKERS_LOCK = "workers.lock"
RECORD = "stack.json"
LOGS = "logs"


class NotRunningError(Exception):
    """No stack runs in the data folder, or it doesn't answer. The message is one line."""


class StackRecord(BaseModel, frozen=True):
    """What a stack says of itself. `started_at` is in UTC milliseconds; `parts` are its processes, by name."""

    main: ProcessId
    version: str
    started_at: int
    compute_url: str
    mqtt_url: str
    broker: str
    auth_url: str | None = None
    parts: dict[str, ProcessId]

    @property
    def workers(self) -> int:
        """How many workers it keeps running."""
        return len(self.parts.keys() - {"auth", "broker", "compute"})

    def write(self, data: Path) -> None:
        """Write the file that `find` reads, in place of an earlier one."""
        whole_file.write(data / RECORD, self.model_dump_json())

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """The content of the file, even if the stack has ended. `None` if it can't be read."""
        try:
            return cls.model_validate_json((data / RECORD).read_bytes())
        except (OSError, ValueError):
            return None


def is_free(data: Path) -> bool:
    """Whether nothing of a stack is there.

    Raises `NotRunningError` where the folder cannot be looked into.
    """
    try:
        lock = (data / LOCK).open("r+")
    except FileNotFoundError:
        return True
    except OSError as error:
        raise NotRunningError(f"the data folder {data} cannot be used: {error.strerror}") from error
    with lock:
        return take(lock)


def is_running(data: Path) -> bool:
    """Whether a stack runs there whose process is alive: of one that was killed, the parts are about to end."""
    try:
        with (data / LOCK).open("r+") as lock:
            main = None if take(lock) else holder(lock)
    except OSError:
        return False
    return main is not None and main.is_alive()


def holder(lock: IO[str]) -> ProcessId | None:
    """The process that wrote itself into a lock file."""
    lock.seek(0)
    return ProcessId.parse(lock.read(200))


def find(data: Path) -> StackRecord:
    """The stack that runs in a data folder. Raises `NotRunningError`."""
    if is_free(data):
        raise NotRunningError(f"no server runs in {data}")
    with (data / LOCK).open() as lock:
        main = holder(lock)
    record = StackRecord.read(data)
    if main is None or not main.is_alive():
        raise NotRunningError(f"the server in {data} was killed, and its processes are about to end")
    if record is None or record.main != main:
        raise NotRunningError(f"the server in {data} is starting or ending (process {main.pid})")
    return record


def stop(data: Path, record: StackRecord, patience: float) -> bool:
    """End a stack and all of its processes; those that have not ended after `patience` seconds are killed.

    Returns whether it ended without being killed. Raises `NotRunningError` if a process can't be ended.
    """

    def is_gone() -> bool:
        return is_free(data) and not record.main.is_alive()

    record.main.send(signal.SIGTERM)
    if wait_until(is_gone, patience):
        return True
    # First the one that would start the others again; then those that it had last.
    record.main.send(signal.SIGKILL)
    for part in (StackRecord.read(data) or record).parts.values():
        part.send(signal.SIGKILL)
    if not wait_until(is_gone, REMAINS):
        raise NotRunningError(f"something of the server in {data} does not end, not even killed")
    return False
