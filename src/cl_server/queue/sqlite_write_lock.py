"""Takes turns in writing to a SQLite file, which has one writer at a time.

SQLite waits for a lock in growing pauses of up to 100 ms, and without an order. Transactions take a millisecond here,
so the machine would be idle. Therefore, the threads of a process wait for each other with a lock, and the first of
them checks often whether other processes have finished.
"""

import sqlite3
import threading
import time
from typing import cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

# Seconds to wait for a turn.
TIMEOUT = 15.0
# Seconds before the first look whether another process is done, and at most before the next.
FIRST_LOOK = 0.0005
LONGEST_LOOK = 0.004

_HOLDS = "holds the write lock"


class WriteLock:
    """Starts the transactions of an engine. Those for reading have the execution option `reading`."""

    def __init__(self, engine: Engine) -> None:
        self._turn = threading.Lock()
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "checkin", self._end)

    def _begin(self, connection: Connection) -> None:
        # Who reads makes one statement, which sees one state of the database without a transaction around it.
        if connection.get_execution_options().get("reading") is True:
            return
        deadline = time.monotonic() + TIMEOUT
        # It is given back with the connection, which may have made a transaction before this one.
        if not connection.info.get(_HOLDS):
            connection.info[_HOLDS] = self._turn.acquire(timeout=TIMEOUT)
        database = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        database.execute("PRAGMA busy_timeout=0")
        pause = FIRST_LOOK
        try:
            while not _begun(database):
                if time.monotonic() > deadline:
                    # Again through SQLAlchemy, so that the error becomes one of its own.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    return
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_LOOK)
        finally:
            database.execute(f"PRAGMA busy_timeout={TIMEOUT * 1000:.0f}")

    def _end(self, connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        del connection
        if entry.info.pop(_HOLDS, False):
            self._turn.release()


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process has locked the database. The higher bits of the code have details."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _begun(database: sqlite3.Connection) -> bool:
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False
    return True
