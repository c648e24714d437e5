"""Locks of files (flock(2)): they end when the file is closed by its process and by all that inherited it."""

import fcntl
from typing import IO


def take(lock: IO[str]) -> bool:
    """Lock a file for this process and those that inherit it. Returns `False` if another process has the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for(lock: IO[str]) -> None:
    """Wait for the lock of a file."""
    fcntl.flock(lock, fcntl.LOCK_EX)


def share(lock: IO[str]) -> None:
    """Share the lock of a file, or turn an exclusive lock into a shared one."""
    fcntl.flock(lock, fcntl.LOCK_SH)
