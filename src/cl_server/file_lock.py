"""Locks of files (flock(2)): they end with the file, with its process, and with whoever inherited it."""

import fcntl
from typing import IO


def take(lock: IO[str]) -> bool:
    """Lock a file for this process and whoever inherits it; `False` while others have it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for(lock: IO[str]) -> None:
    """Lock a file as soon as nobody else has it."""
    fcntl.flock(lock, fcntl.LOCK_EX)


def share(lock: IO[str]) -> None:
    """Lock a file together with others who share it, or go on with that where it was ours alone."""
    fcntl.flock(lock, fcntl.LOCK_SH)
