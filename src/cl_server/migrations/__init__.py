"""The history of the database's schema (Alembic), and how a server brings a database up to date."""

import fcntl
import logging
import sqlite3
from pathlib import Path
from typing import cast

from sqlalchemy import Engine

# The newest revision in versions/; a test holds it to that.
HEAD = "0001"
SCRIPTS = Path(__file__).parent

log = logging.getLogger(__name__)


def migrate(engine: Engine, path: Path, *, scripts: Path = SCRIPTS, head: str = HEAD) -> None:
    """Bring the database to `head`. Processes that start together wait for the one that does it."""
    if _revision(path) == head:
        return
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _revision(path) == head:
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["engine"] = engine
        log.info("the database %s goes to revision %s", path, head)
        command.upgrade(config, "head")


def _revision(path: Path) -> str | None:
    """The revision of a database, without the cost of loading Alembic."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        cursor = connection.execute("SELECT version_num FROM alembic_version")
        row = cast("tuple[str] | None", cursor.fetchone())
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()
    return None if row is None else row[0]
