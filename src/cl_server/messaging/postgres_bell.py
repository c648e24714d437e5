"""Wakes workers on every host: PostgreSQL notifies them when a job is committed (LISTEN/NOTIFY)."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from cl_server.queue.job_transaction import CHANNEL

# Seconds before the next attempt at a connection that broke.
PAUSE = 1.0
# Seconds between two looks at whether to stop.
TICK = 0.5
# Seconds after which a database that says nothing is asked whether it is still there.
SILENCE = 5.0

if TYPE_CHECKING:
    from cl_server.queue.postgres import PatientConnection

log = logging.getLogger(__name__)


class PostgresBell:
    """The worker's end; the other one is the `NOTIFY` in the transaction that queues a job."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.listening = threading.Event()
        self._thread: threading.Thread | None = None

    def attach(self, on_ring: Callable[[], None]) -> None:
        """Call back in the running event loop at each ring."""
        loop = asyncio.get_running_loop()

        def ring() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(on_ring)

        self._thread = threading.Thread(target=self._run, args=(ring,), name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self, ring: Callable[[], None]) -> None:
        # Here, because SQLite doesn't need the driver.
        import psycopg

        from cl_server.queue.postgres import connect

        while not self._stop.is_set():
            try:
                with connect(self._url) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    # For notifications that were missed.
                    ring()
                    self.listening.set()
                    while not self._stop.is_set():
                        self._listen(connection, ring)
                        # A connection that only listens doesn't notice a lost peer.
                        connection.execute("SELECT 1")
            except psycopg.Error as error:
                self.listening.clear()
                log.warning("lost the database (%s); connecting again", error)
                self._stop.wait(PAUSE)

    def _listen(self, connection: "PatientConnection", ring: Callable[[], None]) -> None:
        """Ring for notifications within the next `SILENCE` seconds."""
        end = time.monotonic() + SILENCE
        while not self._stop.is_set() and time.monotonic() < end:
            for _ in connection.notifies(timeout=TICK, stop_after=1):
                ring()
