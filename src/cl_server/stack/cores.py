"""How many processors there are for us."""

import os
import sys


def cores() -> int:
    """How many processors this process may use."""
    # Only Linux has this. Other systems don't bind a process to some cores.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
