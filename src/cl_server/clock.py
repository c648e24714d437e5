"""The time on the wire."""

import time

DAY_MS = 24 * 3600 * 1000


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000
