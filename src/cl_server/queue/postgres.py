"""Connections to PostgreSQL with time limits, because a server or a network may stop answering."""

from typing import TypeVar, cast

import psycopg
from psycopg.abc import AdaptContext, ConnParam, PQGen
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.pool import ConnectionPoolEntry

from cl_server.queue.patience import PATIENCE

# Seconds to connect; libpq counts in whole ones.
CONNECT = 3
# Seconds to say that a connection is alive.
PING = 1.5
# The kernel notices a lost peer on an idle connection (libpq's names; seconds, the last one
# in milliseconds).
KEEPALIVES: dict[str, ConnParam] = {
    "connect_timeout": CONNECT,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}

RV = TypeVar("RV")


class PatientConnection(psycopg.Connection[tuple[object, ...]]):
    """Waits `patience` seconds for a response; `None` means forever. A connection without a response is closed."""

    patience: float | None = PATIENCE

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As in psycopg, which raises an error that SQLAlchemy doesn't know."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.OperationalError as error:
            if type(error).__name__ != "_WaitTimeout":
                raise
            # A late response would be taken for that to another statement.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.patience} seconds") from error


def configure(engine: Engine) -> None:
    """Have an engine make such connections."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "checkout", _work)


def connect(url: str) -> PatientConnection:
    """One connection beside those of an engine, each statement a transaction."""
    return PatientConnection.connect(make_conninfo(url, **KEEPALIVES), autocommit=True)


def _connect(
    dialect: Dialect, record: ConnectionPoolEntry, arguments: list[str], named: dict[str, object]
) -> DBAPIConnection:
    del dialect, record
    context = cast("AdaptContext | None", named.get("context"))
    parameters = {name: cast("ConnParam", value) for name, value in named.items() if name != "context"}
    conninfo = make_conninfo(" ".join(arguments), **{**KEEPALIVES, **parameters})
    return cast("DBAPIConnection", PatientConnection.connect(conninfo, context=context))


def _rest(connection: object, record: object) -> None:
    """Before a connection is used again, SQLAlchemy asks whether it is alive, and may make another: both together have
    to be done in time."""
    del record
    if isinstance(connection, PatientConnection):
        connection.patience = PING


def _work(connection: object, record: object, proxy: object) -> None:
    del record, proxy
    if isinstance(connection, PatientConnection):
        connection.patience = PATIENCE
