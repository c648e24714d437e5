"""The history of the database's schema (Alembic), and how a server brings a database up to date."""

import fcntl
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from cl_server.queue.tables import is_postgres, reading

# The newest revision in versions/; a test holds it to that.
HEAD = "0005"
SCRIPTS = Path(__file__).parent
# The advisory lock of PostgreSQL under which one process migrates; any number that nobody else takes.
LOCK = 0x636C5F6A6F6273

log = logging.getLogger(__name__)


def migrate(engine: Engine, *, scripts: Path = SCRIPTS, head: str = HEAD) -> None:
    """Bring the database to `head`. Processes that start together wait for the one that does it."""
    if _revision(engine) == head:
        return
    with _alone(engine):
        if _revision(engine) == head:
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["engine"] = engine
        log.info("the database %s goes to revision %s", engine.url.render_as_string(hide_password=True), head)
        command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Generator[None]:
    if is_postgres(engine):
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with Path(engine.url.database or "jobs").with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _revision(engine: Engine) -> str | None:
    """The revision of a database, without the cost of loading Alembic."""
    with reading(engine).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
