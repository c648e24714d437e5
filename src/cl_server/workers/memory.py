"""How much memory this process has."""

import os
import resource
import sys
from pathlib import Path


def resident() -> int:
    """The bytes of this process that are in memory; elsewhere than on Linux, the most that ever were."""
    if sys.platform == "linux":
        # proc_pid_statm(5): in pages, the second number.
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
