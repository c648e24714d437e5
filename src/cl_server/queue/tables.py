"""The database, SQLite or PostgreSQL: how it is opened, and its tables."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from sqlalchemy import (
    JSON,
    URL,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    false,
    func,
    make_url,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from cl_ml_tools.schemas import JobStatus
from cl_server.clock import now_ms
from cl_server.queue.sqlite_write_lock import TIMEOUT, WriteLock
from cl_server.settings_error import SettingsError

# Seconds that a process waits for the others to have opened a new database.
WAL_WITHIN = 15.0

# Milliseconds, and numbers that only grow, are too large for the integers of PostgreSQL; SQLite has but one kind,
# and numbers rows by themselves only where it is called by that name.
Big = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    # The order in which jobs came: a clock can be put back.
    Column("seq", Big, primary_key=True, autoincrement=True),
    Column("job_id", String(64), nullable=False, unique=True),
    Column("task_type", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("params", JSON, nullable=False),
    Column("task_output", JSON(none_as_null=True)),
    Column("error_message", String),
    Column("created_by", String(64)),
    Column("priority", Integer, nullable=False),
    Column("worker_id", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Big, nullable=False),
    Column("updated_at", Big, nullable=False),
    Column("started_at", Big),
    Column("completed_at", Big),
    # Grows with each claim; whoever has an older one has lost the job.
    Column("token", Big, nullable=False, server_default="0"),
    Column("run_at", Big, nullable=False, server_default="0"),
    Column("lease_until", Big, nullable=False, server_default="0"),
    Column("cancelling", Boolean, nullable=False, server_default=false()),
    Column("idempotency_key", String(64)),
    Column("fingerprint", String(64), nullable=False, server_default=""),
    # The bytes of its files.
    Column("size", Big, nullable=False, server_default="0"),
    Index("ux_jobs_idempotency_key", "idempotency_key", unique=True),
)

# The order in which jobs are claimed, so that the next one is found without sorting the queue.
Index("ix_jobs_queue", jobs.c.status, jobs.c.priority.desc(), jobs.c.seq)

# Holds what each user has, without the rows.
Index("ix_jobs_owner", jobs.c.created_by, jobs.c.size)

# What has happened and is not yet known to have been told: written with the change itself.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", Big, primary_key=True, autoincrement=True),
    Column("job", JSON, nullable=False),
    Column("told_at", Big, nullable=False),
)

# How often jobs came into each status: counted as events are told, for that is done by many at a time.
transitions = Table(
    "transitions",
    metadata,
    Column("task_type", String(64), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("times", Big, nullable=False),
)

# The name that the database gave itself when it was made: one row.
database_id = Table("database_id", metadata, Column("id", String(32), primary_key=True))

# What admins change while the servers of many hosts run.
switches = Table(
    "switches",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("on", Boolean, nullable=False),
)


# The words for jobs that are not over.
UNFINISHED = tuple(status.value for status in JobStatus if not status.terminal)


def open_database(target: Path | str) -> Engine:
    """An engine for a SQLite file or for a `postgresql://` address.

    On SQLite its transactions take the write lock at once; see `reading` for those that only read. Raises
    `SettingsError` for what is no address.
    """
    if isinstance(target, str):
        # Whatever driver the address names: psycopg 3 is the one that is there.
        url = _address(target).set(drivername="postgresql+psycopg")
        return create_engine(url, pool_size=10, max_overflow=40, pool_pre_ping=True)
    engine = create_engine(
        f"sqlite:///{target}",
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": TIMEOUT, "check_same_thread": False},
    )
    event.listen(engine, "connect", _configure)
    WriteLock(engine)
    return engine


def _address(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    # It may hold a password, so no message holds it.
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError("CL_DATABASE is no PostgreSQL: write postgresql://user:password@host/database") from None
    return url


def is_postgres(engine: Engine) -> bool:
    """Whether many hosts share this database."""
    return engine.dialect.name == "postgresql"


def reading(engine: Engine) -> Engine:
    """The same database for reads, which under WAL wait for nobody. On SQLite, each statement sees its own moment."""
    return engine.execution_options(reading=True)


def clock_of(engine: Engine) -> Callable[[], int]:
    """The clock by which leases are reckoned: that of the host, or, where there are many, that of the database."""
    return DatabaseClock(engine) if is_postgres(engine) else now_ms


class DatabaseClock:
    """UTC milliseconds as PostgreSQL has them, asked for once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ahead: int | None = None

    def __call__(self) -> int:
        if self._ahead is None:
            with self._engine.connect() as connection:
                seconds = connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
            self._ahead = int(seconds * 1000) - now_ms()
        return now_ms() + self._ahead


def _configure(connection: DBAPIConnection, record: object) -> None:
    del record
    database = cast("sqlite3.Connection", connection)
    # SQLAlchemy says BEGIN itself, below: a deferred one that writes later fails where an immediate one waits.
    database.isolation_level = None
    _use_wal(database)
    # Under WAL, a crash of the machine may lose the last transactions but never the database.
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA foreign_keys=ON")


def _use_wal(database: sqlite3.Connection) -> None:
    """Processes that open a new database together get in each other's way, and here SQLite does not wait by itself."""
    deadline = time.monotonic() + WAL_WITHIN
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
