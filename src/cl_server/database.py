"""The SQLite database: how it is opened, and the table of jobs."""

import sqlite3
from pathlib import Path
from typing import cast

from sqlalchemy import JSON, Column, Connection, Engine, Index, Integer, MetaData, String, Table, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT = 15.0

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    # The order in which jobs came: a clock can be put back.
    Column("seq", Integer, primary_key=True, autoincrement=True),
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
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False),
    Column("started_at", Integer),
    Column("completed_at", Integer),
    Index("ix_jobs_queue", "status", "priority", "seq"),
)


def open_database(path: Path) -> Engine:
    """An engine whose transactions take the write lock at once; see `reading` for those that only read."""
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def reading(engine: Engine) -> Engine:
    """The same database for reads, which under WAL wait for nobody."""
    return engine.execution_options(reading=True)


def _configure(connection: DBAPIConnection, record: object) -> None:
    del record
    database = cast("sqlite3.Connection", connection)
    # SQLAlchemy says BEGIN itself, below: a deferred one that writes later fails where an immediate one waits.
    database.isolation_level = None
    database.execute("PRAGMA journal_mode=WAL")
    # Under WAL, a crash of the machine may lose the last transactions but never the database.
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    deferred = connection.get_execution_options().get("reading") is True
    connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")
