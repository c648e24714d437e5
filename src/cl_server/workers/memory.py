"""How much memory this process has, and may have."""

import ctypes
import os
import resource
import sys
from pathlib import Path

# Bytes that a worker needs in addition to a job, such as the stacks of its threads.
LEAST = 192 << 20


def resident() -> int:
    """The bytes of this process that are in memory; elsewhere than on Linux, the most that ever were."""
    if sys.platform == "linux":
        # proc_pid_statm(5): in pages, the second number.
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def bound(most: int) -> bool:
    """Limit this process to `most` bytes in addition to its current memory. Returns whether the system can do that.

    Allocations above the limit raise a `MemoryError`. Only Linux counts all memory (setrlimit(2), RLIMIT_DATA).
    """
    if sys.platform != "linux":
        return False
    # proc_pid_statm(5): in pages, the sixth number.
    pages = Path("/proc/self/statm").read_text().split()[5]
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int(pages) * os.sysconf("SC_PAGE_SIZE") + max(most, LEAST)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    return True


def give_back() -> None:
    """Return freed memory to the system, if the C library can (malloc_trim(3) of glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
