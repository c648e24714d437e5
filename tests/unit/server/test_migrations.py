import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from cl_server import migrations
from cl_server.migrations import HEAD, migrate
from cl_server.queue.tables import metadata, open_database
from cl_server.settings_error import SettingsError


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_revisions_make_the_tables_that_the_code_uses(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_database_is_in_write_ahead_mode_and_waits(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000


def test_a_database_of_a_newer_version_is_left_as_it_is(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match=r"is of another version of cl-server \(revision 9999; this one knows"):
        migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"


@pytest.mark.parametrize("content", [b"no database" * 1000, os.urandom(8192)])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    engine = open_database(path)
    with pytest.raises(SettingsError, match="is damaged, or no database"):
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
