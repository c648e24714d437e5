"""How much a picture may take, and how it is refused when it would be more."""

import os
import resource
import sys
from pathlib import Path

from cl_ml_tools.compute_module import TaskError, UnsupportedMediaTypeError

MILLION = 1_000_000
MAX_PIXELS = 256 * MILLION
# Of all pages of a document together; they are in memory one after the other.
MAX_PAGE_PIXELS = 4_096 * MILLION
MAX_PAGES = 10_000


class NotAPictureError(UnsupportedMediaTypeError):
    """The file is not an image that Pillow can read."""


class TooManyPixelsError(TaskError):
    """The picture would be too large in memory, however small its file is."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is too large: more than {MAX_PIXELS // MILLION} million pixels")


class TooMuchMemoryError(TaskError):
    """What the file decodes to is more than the system gives this process."""

    def __init__(self, name: str, needed: int, there: int) -> None:
        super().__init__(
            f"{name} is too large: it takes {_megabytes(needed)} MB of memory when it is decoded, and a job may have "
            f"{_megabytes(there)} on this server"
        )


def check_memory(name: str, decoded: int) -> None:
    """Whether there may be so many bytes, before they are made. Raises `TooMuchMemoryError`."""
    there = room()
    if there is not None and decoded > there:
        raise TooMuchMemoryError(name, decoded, there)


def room() -> int | None:
    """The bytes that the system would still give this process; `None` where it has no limit, or cannot say."""
    most, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if sys.platform != "linux" or most == resource.RLIM_INFINITY:
        return None
    # proc_pid_statm(5): in pages, the sixth number.
    pages = Path("/proc/self/statm").read_text().split()[5]
    return max(most - int(pages) * os.sysconf("SC_PAGE_SIZE"), 0)


def _megabytes(count: int) -> int:
    return -(-count // MILLION)
