"""The time: on the wire, and as it passes."""

import time
from collections.abc import Callable

DAY_MS = 24 * 3600 * 1000
# It runs while a machine sleeps. Without it, the steady clock is used.
_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_ms() -> int:
    """UTC milliseconds. They may be put back or forward."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds of a clock that never jumps, the same for all processes of a machine. It stops while it sleeps."""
    return time.monotonic_ns() // 1_000_000


def boot_ms() -> int:
    """Milliseconds that only pass, also while the machine sleeps."""
    return time.clock_gettime_ns(_BOOT) // 1_000_000


class PlausibleClock:
    """UTC milliseconds, limited by the time that has passed since this object was made. If the clock is set forward by
    mistake, nothing is deleted as too old."""

    def __init__(self) -> None:
        self._began = now_ms()
        self._booted = boot_ms()

    def __call__(self) -> int:
        """The time."""
        return min(now_ms(), self._began + boot_ms() - self._booted)


class TwoClocks:
    """The possible times, in seconds since 1970: that of the clock, and that of the clock when this
    object was made plus the time that has passed since. They differ after the clock was set.

    It is unknown which of them is right, because a wrong clock can have been corrected.
    """

    # Seconds in which they count as one: clocks are adjusted a little all the time.
    ONE = 2.0

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = lambda: boot_ms() / 1000
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def __call__(self) -> tuple[float, float]:
        """The earlier and the later of them."""
        wall, reckoned = self._wall(), self._steady() + self._ahead
        if abs(wall - reckoned) < self.ONE:
            return wall, wall
        return min(wall, reckoned), max(wall, reckoned)
