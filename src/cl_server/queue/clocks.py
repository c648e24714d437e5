"""Two clocks: the time for people, and a steady clock that is never set, for leases and pauses."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from cl_server.clock import boot_ms, now_ms, steady_ms
from cl_server.queue.tables import is_postgres, reading, steady_clock

# Milliseconds after which the clock of PostgreSQL is read again, because two clocks drift apart.
RESYNC = 600_000
# Which start of the machine this is, on Linux (proc_sys_kernel(5)).
BOOT = Path("/proc/sys/kernel/random/boot_id")


def clock_of(engine: Engine) -> Callable[[], int]:
    """The time for jobs: that of the host, or that of the database with several hosts."""
    return DatabaseClock(engine) if is_postgres(engine) else now_ms


def steady_clock_of(engine: Engine, clock: Callable[[], int]) -> Callable[[], int]:
    """The clock for leases and pauses: that of the database, as `clock` has it, or the steady one of a single host."""
    if is_postgres(engine):
        return clock
    # Without the id of the boot, older values can't be recognized.
    return HostClock(engine) if BOOT.exists() else now_ms


class DatabaseClock:
    """UTC milliseconds of PostgreSQL, read from time to time, and advanced by a steady clock in between."""

    def __init__(self, engine: Engine, steady: Callable[[], int] = boot_ms) -> None:
        self._engine = engine
        self._steady = steady
        self._ahead = 0
        self._asked: int | None = None

    def __call__(self) -> int:
        now = self._steady()
        if self._asked is None or now - self._asked > RESYNC:
            with reading(self._engine).connect() as connection:
                seconds = connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
            now = self._steady()
            self._ahead = int(seconds * 1000) - now
            self._asked = now
        return now + self._ahead


class HostClock:
    """Milliseconds that started as UTC at the first use after the boot of the machine, and never jump.

    They are the same for all processes of the database, which are on one host, and stop while it sleeps, so that no
    lease ends because of that.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ahead: int | None = None

    def __call__(self) -> int:
        if self._ahead is None:
            self._ahead = _agreed(self._engine)
        return steady_ms() + self._ahead


def _agreed(engine: Engine) -> int:
    """How far the steady clock is behind, as the first process said since the machine started."""
    boot = BOOT.read_text().strip()
    find = select(steady_clock.c.ahead).where(steady_clock.c.boot == boot)
    with reading(engine).connect() as connection:
        found = cast("int | None", connection.execute(find).scalar_one_or_none())
    if found is not None:
        return found
    with engine.begin() as connection:
        first = insert(steady_clock).values(boot=boot, ahead=now_ms() - steady_ms())
        connection.execute(first.on_conflict_do_nothing())
        connection.execute(delete(steady_clock).where(steady_clock.c.boot != boot))
        return cast("int", connection.execute(find).scalar_one())
