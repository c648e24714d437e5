"""`python -m cl_server.migrations`: writes what a new SQLite database is made by, after a revision was added."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import cast

from cl_server import migrations
from cl_server.auth import migrations as of_users
from cl_server.queue.tables import open_database

REVISION = "INSERT INTO alembic_version VALUES ('{}');\n"
# Each database gives itself a name: see revision_0006.
ID = "INSERT INTO database_id VALUES (lower(hex(randomblob(16))));\n"


def made_by_revisions(scripts: Path) -> str:
    """What makes at once what the revisions make of an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.sqlite"
        engine = open_database(path)
        migrations.upgrade(engine, scripts)
        engine.dispose()
        with closing(sqlite3.connect(path)) as database:
            found = database.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            )
            statements = [sql for (sql,) in cast("list[tuple[str]]", found.fetchall())]
            (revision,) = cast("tuple[str]", database.execute("SELECT version_num FROM alembic_version").fetchone())
    made = "".join(f"{statement};\n" for statement in statements) + REVISION.format(revision)
    return made + ID if "CREATE TABLE database_id" in made else made


if __name__ == "__main__":
    for scripts in (migrations.SCRIPTS, of_users.SCRIPTS):
        (scripts / migrations.NEW).write_text(made_by_revisions(scripts))
