"""The database, SQLite or PostgreSQL: how it is opened, and its tables."""

import sqlite3
import time
from pathlib import Path
from typing import cast

from sqlalchemy import (
    JSON,
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    false,
    make_url,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from cl_ml_tools.schemas import JobStatus
from cl_server.queue.patience import PATIENCE, Patient
from cl_server.queue.sqlite_write_lock import TIMEOUT, WriteLock
from cl_server.settings_error import SettingsError

# Seconds that a process waits for the others to have opened a new database.
WAL_WITHIN = 15.0

# Milliseconds and growing numbers are too large for the integers of PostgreSQL. SQLite has only one kind, and numbers
# rows automatically only for that name.
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
    # Grows with each claim. A worker with an older one has lost the job.
    Column("token", Big, nullable=False, server_default="0"),
    Column("run_at", Big, nullable=False, server_default="0"),
    Column("lease_until", Big, nullable=False, server_default="0"),
    Column("cancelling", Boolean, nullable=False, server_default=false()),
    Column("idempotency_key", String(64)),
    Column("fingerprint", String(64), nullable=False, server_default=""),
    # The bytes of its files.
    Column("size", Big, nullable=False, server_default="0"),
    # For responses. `job_labels` has them too, for searches.
    Column("labels", JSON(none_as_null=True)),
    Index("ux_jobs_idempotency_key", "idempotency_key", unique=True),
)

# The order in which jobs are claimed, so that the next one is found without sorting the queue.
Index("ix_jobs_queue", jobs.c.status, jobs.c.priority.desc(), jobs.c.seq)

# Lists with each filter: the order of each is in an index, so that a page costs the same for any number of jobs.
Index("ix_jobs_of_owner", jobs.c.created_by, jobs.c.seq)
Index("ix_jobs_of_owner_status", jobs.c.created_by, jobs.c.status, jobs.c.seq)
Index("ix_jobs_of_owner_task", jobs.c.created_by, jobs.c.task_type, jobs.c.seq)
Index("ix_jobs_status", jobs.c.status, jobs.c.seq)
Index("ix_jobs_task", jobs.c.task_type, jobs.c.seq)
Index("ix_jobs_completed", jobs.c.completed_at)

# The logs of jobs: a row for each time that lines were stored. It goes with its job.
job_logs = Table(
    "job_logs",
    metadata,
    Column("job_id", String(64), ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    # The numbers of its lines.
    Column("first", Big, primary_key=True),
    Column("last", Big, nullable=False),
    Column("bytes", Integer, nullable=False),
    # Of each: its number, UTC milliseconds, level and text.
    Column("lines", JSON, nullable=False),
)

# The labels of jobs, and whose the jobs are (guests have no name). They go with their job.
job_labels = Table(
    "job_labels",
    metadata,
    Column("seq", Big, ForeignKey("jobs.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", String(64), primary_key=True),
    Column("value", String(256), nullable=False),
    Column("owner", String(64), nullable=False),
)
# The order of lists by label is in an index too, for users and for admins.
Index("ix_job_labels_of_owner", job_labels.c.owner, job_labels.c.name, job_labels.c.value, job_labels.c.seq)
Index("ix_job_labels", job_labels.c.name, job_labels.c.value, job_labels.c.seq)

# The bytes of each user; guests have no name. Triggers keep it (migrations/versions/revision_0007): on SQLite one row
# for each, on PostgreSQL one for each change until they are summed up.
usage = Table(
    "usage",
    metadata,
    Column("seq", Big, primary_key=True, autoincrement=True),
    Column("owner", String(64), nullable=False),
    Column("bytes", Big, nullable=False),
)
Index("ix_usage_owner", usage.c.owner)

# The boot of the machine for its steady clock, and the difference from UTC: see `clocks.py`.
steady_clock = Table(
    "steady_clock",
    metadata,
    Column("boot", String(64), primary_key=True),
    Column("ahead", Big, nullable=False),
)

# Events that are not yet known to be published, written in the transaction of their change.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", Big, primary_key=True, autoincrement=True),
    Column("job", JSON, nullable=False),
    Column("told_at", Big, nullable=False),
)

# The number of transitions into each status, counted when events are published, because that is done in groups.
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

    On SQLite, its transactions take the write lock at the start; for those that only read, see `reading`. Raises
    `SettingsError` for an invalid address.
    """
    if isinstance(target, str):
        # For any driver in the address, psycopg 3 is used.
        # Here, because SQLite doesn't need the driver.
        from cl_server.queue.postgres import configure

        url = _address(target).set(drivername="postgresql+psycopg")
        engine = create_engine(url, pool_size=10, max_overflow=40, pool_timeout=PATIENCE, pool_pre_ping=True)
        configure(engine)
        return engine
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
        raise SettingsError(
            "CL_DATABASE isn't the address of a PostgreSQL database: write postgresql://user:password@host/database"
        ) from None
    return url


def is_postgres(engine: Engine) -> bool:
    """Whether many hosts share this database."""
    return engine.dialect.name == "postgresql"


def reading(engine: Engine) -> Engine:
    """The same database for reads, which never wait with WAL. On SQLite, each statement sees its own snapshot."""
    return engine.execution_options(reading=True)


def without_limit(connection: Connection) -> Connection:
    """A connection without a time limit for statements, for migrations, until it is returned."""
    database = connection.connection.dbapi_connection
    if isinstance(database, Patient):
        database.patience = None
    return connection


def ask(engine: Engine) -> None:
    """Whether the database answers. Raises one of SQLAlchemy's errors, within `PATIENCE` seconds."""
    with reading(engine).connect() as connection:
        connection.execute(select(1))


def _configure(connection: DBAPIConnection, record: object) -> None:
    del record
    database = cast("sqlite3.Connection", connection)
    # SQLAlchemy sends BEGIN, below. A deferred transaction that writes later would fail where an immediate one waits.
    database.isolation_level = None
    _use_wal(database)
    # Under WAL, a crash of the machine may lose the last transactions but never the database.
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA foreign_keys=ON")


def _use_wal(database: sqlite3.Connection) -> None:
    """Processes that open a new database at the same time block each other, and SQLite doesn't wait here."""
    deadline = time.monotonic() + WAL_WITHIN
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
