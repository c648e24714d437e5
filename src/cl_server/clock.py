"""The time: on the wire, and as it passes."""

import time
from collections.abc import Callable

DAY_MS = 24 * 3600 * 1000
# It goes on while a machine sleeps; where there is none, the steady clock stands in for it.
_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_ms() -> int:
    """UTC milliseconds. They may be put back or forward."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds that only pass, the same for all processes of a machine. They stand still while it sleeps."""
    return time.monotonic_ns() // 1_000_000


def boot_ms() -> int:
    """Milliseconds that only pass, also while the machine sleeps."""
    return time.clock_gettime_ns(_BOOT) // 1_000_000


class PlausibleClock:
    """UTC milliseconds, but never further on than they can be since this was made: a clock may be put forward by
    mistake, and what is old goes for ever."""

    def __init__(self) -> None:
        self._began = now_ms()
        self._booted = boot_ms()

    def __call__(self) -> int:
        """The time."""
        return min(now_ms(), self._began + boot_ms() - self._booted)


class TwoClocks:
    """When it may be now, in seconds since 1970: the clock that people read says one thing, and that one as it was when
    this was made, with the time that has passed since, says another as soon as somebody has put the first.

    Which of them is right, nobody here can tell: a clock may have been wrong and be put right.
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
