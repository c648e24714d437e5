"""The guest mode of several hosts: a row in their database."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self, cast

from sqlalchemy import Engine, select

from cl_server.queue.guest_mode import GuestMode, Switch
from cl_server.queue.tables import is_postgres, reading, switches
from cl_server.settings import Settings

# Seconds after which a change is known everywhere.
PERIOD = 5.0
NAME = "guest-mode"

log = logging.getLogger(__name__)


class SharedGuestMode:
    """Every process reads the row from time to time and remembers it, because requests can't wait for a database.

    `default` applies until the row is written. The row is read while the context is open. PostgreSQL only.
    """

    def __init__(self, engine: Engine, *, default: bool = True, period: float = PERIOD) -> None:
        self._engine = engine
        self._default = default
        self._period = period
        self._on = default
        # A look that began before a change must not end after it.
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(5)

    @property
    def on(self) -> bool:
        """Whether guests were let in at the last look."""
        return self._on

    def set(self, *, on: bool) -> None:
        """Change it, here at once."""
        from sqlalchemy.dialects.postgresql import insert

        row = insert(switches).values(name=NAME, on=on)
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"on": on}))
            self._on = on

    def _look(self) -> None:
        row = select(switches.c.on).where(switches.c.name == NAME)
        with self._lock, reading(self._engine).connect() as connection:
            found = cast("bool | None", connection.execute(row).scalar_one_or_none())
            self._on = self._default if found is None else found

    def _run(self) -> None:
        while not self._stop.wait(self._period):
            try:
                self._look()
            except Exception as error:
                # An outage of the database. The last value stays.
                log.warning("guest mode cannot be read: %s", error)


@contextmanager
def open_guest_mode(settings: Settings, engine: Engine) -> Generator[Switch]:
    """Guest mode, wherever these processes keep it."""
    if is_postgres(engine):
        with SharedGuestMode(engine, default=settings.guest_mode) as shared:
            yield shared
    else:
        yield GuestMode(settings.guest_mode_file, default=settings.guest_mode)
