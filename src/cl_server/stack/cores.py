"""How many processors there are for us."""

import os
import sys


def cores() -> int:
    """How many processors this process may use."""
    # Only Linux tells; elsewhere there is nothing that binds a process to some of them.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
