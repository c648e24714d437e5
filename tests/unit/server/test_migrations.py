import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from cl_server import migrations
from cl_server.auth import migrations as of_users
from cl_server.migrations import HEAD, migrate
from cl_server.migrations.__main__ import made_by_revisions
from cl_server.queue.tables import metadata, open_database
from cl_server.settings_error import SettingsError


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_revisions_make_the_tables_that_the_code_uses(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("scripts", [migrations.SCRIPTS, of_users.SCRIPTS], ids=["jobs", "users"])
def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a database, by its table."""
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


@pytest.mark.parametrize("scripts", [migrations.SCRIPTS, of_users.SCRIPTS], ids=["jobs", "users"])
def test_a_new_database_is_what_the_revisions_make(tmp_path: Path, scripts: Path) -> None:
    """All that SQLite knows of it, and its rows; `python -m cl_server.migrations` writes it anew."""
    assert (scripts / migrations.NEW).read_text() == made_by_revisions(scripts)
    head = HEAD if scripts == migrations.SCRIPTS else of_users.HEAD
    engines = [open_database(tmp_path / name) for name in ("at once", "step by step")]
    migrate(engines[0], scripts=scripts, head=head)
    migrations.upgrade(engines[1], scripts)
    for engine in engines:
        engine.dispose()
    at_once, step_by_step = rows(tmp_path / "at once"), rows(tmp_path / "step by step")
    # The one thing that no two databases have in common.
    ids = [made.pop("database_id", []) for made in (at_once, step_by_step)]
    assert at_once == step_by_step
    assert ids == [[], []] or (len({len(str(row)) for found in ids for row in found}) == 1 and ids[0] != ids[1])


def test_a_database_of_an_older_version_goes_through_the_revisions(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    engine = open_database(path)
    migrate(engine)
    config = Config()
    config.set_main_option("script_location", str(migrations.SCRIPTS))
    config.attributes["engine"] = engine
    command.downgrade(config, "0005")
    assert "database_id" not in rows(path)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert len(rows(path)["database_id"]) == 1


def test_a_database_with_tables_of_others_goes_through_the_revisions(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (text)")
        database.execute("INSERT INTO notes VALUES ('kept')")
        database.commit()
    engine = open_database(path)
    migrate(engine)
    engine.dispose()
    assert rows(path)["notes"] == [("kept",)]
    assert rows(path)["alembic_version"] == [(HEAD,)]


def test_a_new_database_that_cannot_be_made_is_left_empty(tmp_path: Path) -> None:
    scripts = shutil.copytree(migrations.SCRIPTS, tmp_path / "scripts")
    with (scripts / migrations.NEW).open("a") as file:
        file.write("INSERT INTO jobs VALUES (1);\n")
    engine = open_database(tmp_path / "jobs.sqlite")
    with pytest.raises(sqlite3.OperationalError):
        migrate(engine, scripts=scripts)
    engine.dispose()
    assert rows(tmp_path / "jobs.sqlite") == {}


def test_the_database_is_in_write_ahead_mode_and_waits(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000


def test_a_database_of_a_newer_version_is_left_as_it_is(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match=r"belongs to another version of cl-server \(revision 9999; this one knows"):
        migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"


@pytest.mark.parametrize("content", [b"no database" * 1000, os.urandom(8192)])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    engine = open_database(path)
    with pytest.raises(SettingsError, match="is damaged or isn't a database"):
        migrate(engine)
    engine.dispose()
    assert path.read_bytes() == content


@pytest.mark.parametrize("server", ["compute", "worker", "auth"])
def test_a_server_that_finds_no_database_says_so_in_one_line(tmp_path: Path, server: str) -> None:
    place = tmp_path / "auth" / "users.sqlite" if server == "auth" else tmp_path / "jobs.sqlite"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"no database" * 1000)
    options = ["--slot", "0"] if server == "worker" else ["--port", "0"]
    ended = subprocess.run(
        [sys.executable, "-m", "cl_server", server, *options],
        env={**os.environ, "CL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    said = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert str(place) in said[0]
    assert "Traceback" not in ended.stderr


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"

    def start(_: int) -> None:
        engine = open_database(path)
        migrate(engine)
        engine.dispose()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
