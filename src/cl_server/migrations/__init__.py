"""The history of the database's schema (Alembic), and how a server brings a database up to date."""

import logging
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from cl_server import file_lock
from cl_server.queue.tables import is_postgres, reading, without_limit
from cl_server.settings_error import SettingsError

# The newest revision in versions/; a test holds it to that.
HEAD = "0009"
SCRIPTS = Path(__file__).parent
# What all revisions together make of an empty SQLite database: `python -m cl_server.migrations` writes it.
NEW = "new.sql"
# The advisory lock of PostgreSQL for migrations. The number is arbitrary.
LOCK = 0x636C5F6A6F6273
# The messages of SQLite for a file that isn't a database, or is damaged.
BROKEN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)

log = logging.getLogger(__name__)


def migrate(engine: Engine, *, scripts: Path = SCRIPTS, head: str = HEAD) -> None:
    """Bring the database to `head`. Processes that start together wait for the one that does it.

    Raises `SettingsError`, and changes nothing, if the database belongs to a newer version or another program.
    """
    if _checked(engine, scripts) == head:
        return
    with _alone(engine):
        if _checked(engine, scripts) == head:
            return
        log.info("upgrading the database %s to revision %s", engine.url.render_as_string(hide_password=True), head)
        if not is_postgres(engine) and _is_empty(engine):
            _make(engine, scripts / NEW)
        else:
            upgrade(engine, scripts)


def expect_newest(engine: Engine) -> None:
    """Raises `SettingsError` where a server of this version has not opened the database yet."""
    if _checked(engine, SCRIPTS) != HEAD:
        raise SettingsError(
            "the database is from an older version: start the server of this version once, or use that one"
        )


def upgrade(engine: Engine, scripts: Path = SCRIPTS) -> None:
    """Run the revisions one by one. The caller has the lock."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


def _is_empty(engine: Engine) -> bool:
    with reading(engine).connect() as connection:
        return not inspect(connection).get_table_names()


def _make(engine: Engine, script: Path) -> None:
    """All revisions at once, and without Alembic, which takes longer to import than the database to make."""
    connection = engine.raw_connection()
    try:
        database = cast("sqlite3.Connection", connection.driver_connection)
        database.executescript(f"BEGIN IMMEDIATE;\n{script.read_text()}COMMIT;")
    finally:
        # Uncommitted changes are rolled back.
        connection.close()


@contextmanager
def _alone(engine: Engine) -> Generator[None]:
    if is_postgres(engine):
        with engine.connect() as connection:
            without_limit(connection).execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with Path(engine.url.database or "jobs").with_suffix(".lock").open("w") as lock:
        file_lock.wait_for(lock)
        yield


def _checked(engine: Engine, scripts: Path) -> str | None:
    """The revision of a database, if we can bring it to ours. Raises `SettingsError`."""
    name = engine.url.render_as_string(hide_password=True) if is_postgres(engine) else engine.url.database
    try:
        revision = _revision(engine)
    except (sqlite3.DatabaseError, DatabaseError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        if isinstance(cause, sqlite3.DatabaseError) and cause.sqlite_errorcode & 0xFF in BROKEN:
            raise SettingsError(
                f"{name} is damaged or isn't a database ({cause}): restore a copy, or move it away to start "
                "with an empty database"
            ) from None
        raise
    known = {path.name.split("_")[1] for path in (scripts / "versions").glob("revision_*.py")}
    if revision is not None and revision not in known:
        raise SettingsError(
            f"the database {name} belongs to another version of cl-server (revision {revision}; this one knows "
            f"{max(known)} at most): nothing was changed; start that version, or use another database for this one"
        )
    return revision


def _revision(engine: Engine) -> str | None:
    """The revision of a database, without the cost of loading Alembic."""
    with reading(engine).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
