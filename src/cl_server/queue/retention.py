"""Forgets jobs some days after their end, in the background."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, text

from cl_server import file_lock
from cl_server.clock import DAY_MS, PlausibleClock
from cl_server.files.protocol import JobStorage
from cl_server.queue.removal import Archive, remove_finished
from cl_server.queue.tables import is_postgres

# Seconds between two looks.
PERIOD = 3600.0
# The advisory lock of PostgreSQL for it. The number is arbitrary.
LOCK = 0x636C5F6F6C6421

log = logging.getLogger(__name__)


class Retention:
    """A thread that removes jobs older than `days`. Only one process at a time does that."""

    def __init__(self, engine: Engine, data: Path, archive: Archive, storage: JobStorage, days: float) -> None:
        self._engine = engine
        self._data = data
        self._archive = archive
        self._storage = storage
        self._days = days
        self._clock = PlausibleClock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Look now, and then every hour. With 0 days everything is kept."""
        if self._days > 0:
            self._thread.start()

    def stop(self) -> None:
        """Look no more; a look that is under way has a few seconds to end, before its database is closed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def look(self) -> int | None:
        """Remove old jobs. Returns their number, or `None` if another process is removing them."""
        with _alone(self._engine, self._data) as alone:
            if not alone:
                return None
            before = int(self._clock() - self._days * DAY_MS)
            *_, removed = remove_finished(self._archive, self._storage, before, self._stop.is_set)
        if removed.deleted_count:
            said = (removed.deleted_count, self._days, removed.freed_space)
            log.info("%d jobs are deleted that ended more than %g days ago: %d bytes", *said)
        return removed.deleted_count

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:
                # An outage of the database. Try again later.
                log.exception("old jobs could not be removed")
            self._stop.wait(PERIOD)


@contextmanager
def _alone(engine: Engine, data: Path) -> Generator[bool]:
    """Take the lock. Returns `False` if another process has it."""
    if is_postgres(engine):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            tried = connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK})
            taken = cast("bool", tried.scalar_one())
            try:
                yield taken
            finally:
                if taken:
                    connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with (data / "retention.lock").open("w") as lock:
        yield file_lock.take(lock)
