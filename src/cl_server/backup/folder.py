"""A backup as a folder.

backup.json                 the contents; written last, so a folder without it isn't a complete backup
jobs.sqlite                 the rows of all jobs, from any kind of database
jobs/<job id>/…             the files of each job, as a data folder has them
guest-mode                  whether guests are permitted
auth/users.sqlite, keys/    the accounts, and the keys that sign tokens
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine, delete, func, select

from cl_extras import whole_file
from cl_ml_tools.schemas import TERMINAL
from cl_server import file_lock, migrations
from cl_server.backup import job_files, job_rows
from cl_server.files.local import LocalFileStorage, open_storage
from cl_server.files.protocol import JobStorage
from cl_server.queue.tables import jobs, open_database, reading
from cl_server.settings import Settings, prepare
from cl_server.settings_error import SettingsError

FORMAT = 1
CONTENTS = "backup.json"
DATABASE = "jobs.sqlite"
GUEST_MODE = "guest-mode"
USERS = "users.sqlite"
KEYS = "keys"


class Contents(BaseModel):
    """What a backup has: numbers of jobs, files and users, and the bytes of the files. `made_at` is RFC 3339."""

    format: int = FORMAT
    made_at: str
    jobs: int | None = None
    files: int = 0
    bytes: int = 0
    users: int | None = None


def save(settings: Settings, folder: Path) -> Contents:
    """Back up what `settings` name: jobs, accounts, or both. The servers can be running.

    Raises:
        SettingsError: there is nothing to back up, or `folder` isn't empty.
        DamagedFileError: a file of a job isn't what was stored. The backup isn't finished.
    """
    has_jobs = settings.database_url is not None or Path(settings.database).is_file()
    users = settings.auth / USERS
    if not has_jobs and not users.is_file():
        raise SettingsError(f"{settings.data} has neither jobs nor accounts: set CL_DATA to the folder of a server")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder} isn't an empty folder: name a new one")
    # For its owner alone: it has password hashes and keys.
    prepare(folder)
    contents = Contents(made_at=datetime.now(UTC).isoformat(timespec="seconds"))
    if has_jobs:
        storage = open_storage(settings.data, settings.storage_url, f"backup-{os.getpid()}")
        _save_jobs(settings, storage, folder, contents)
        if settings.guest_mode_file.is_file():
            shutil.copyfile(settings.guest_mode_file, folder / GUEST_MODE)
    if users.is_file():
        contents.users = _copy_accounts(settings.auth, folder / "auth")
    whole_file.write(folder / CONTENTS, contents.model_dump_json(indent=2) + "\n", durable=True)
    return contents


def load(folder: Path, settings: Settings) -> Contents:
    """Restore a backup to where `settings` say. No server may run there.

    If a restore was stopped, run it again: it continues where it stopped.

    Raises:
        SettingsError: the folder isn't a backup of this version or an older one, or there are jobs or users already,
            or a server runs.
        DamagedFileError: a file of the backup is damaged.
    """
    contents = read(folder)
    prepare(settings.data)
    with _no_server(settings.data):
        if contents.users is not None and (settings.auth / USERS).exists():
            raise SettingsError(f"{settings.auth} has accounts already: restore into an empty data folder")
        if contents.jobs is not None:
            _load_jobs(folder, settings)
            if (folder / GUEST_MODE).is_file():
                shutil.copyfile(folder / GUEST_MODE, settings.guest_mode_file)
        if contents.users is not None:
            _copy_accounts(folder / "auth", settings.auth)
    return contents


def read(folder: Path) -> Contents:
    """What a backup has. Raises `SettingsError`."""
    try:
        contents = Contents.model_validate_json((folder / CONTENTS).read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"{folder} isn't a finished backup: it has no {CONTENTS}") from None
    except (OSError, ValidationError) as error:
        raise SettingsError(f"{folder / CONTENTS} can't be read: {str(error).splitlines()[0]}") from None
    if contents.format > FORMAT:
        raise SettingsError(f"{folder} was made by a newer version of cl-client: install that version to restore it")
    return contents


def _save_jobs(settings: Settings, storage: JobStorage, folder: Path, contents: Contents) -> None:
    source, target = open_database(settings.database), open_database(folder / DATABASE)
    try:
        migrations.expect_newest(source)
        migrations.migrate(target)
        job_rows.save(source, target)
        copies = LocalFileStorage(folder)
        gone: list[str] = []
        contents.jobs = 0
        for job_id, status, token in _jobs(target):
            try:
                # A job that isn't done runs again, so it needs its inputs only.
                entries = [
                    entry
                    for entry in storage.list_files(job_id)
                    if status in TERMINAL or entry.path.startswith("input/")
                ]
                size = job_files.copy(storage, copies, job_id, token, entries)
            except FileNotFoundError:
                entries, size = [], 0
            if not entries and not _exists(source, job_id):
                # It was deleted since the rows were copied.
                copies.cleanup_job(job_id)
                gone.append(job_id)
                continue
            contents.jobs += 1
            contents.files += len(entries)
            contents.bytes += size
        with target.begin() as connection:
            for job_id in gone:
                connection.execute(delete(jobs).where(jobs.c.job_id == job_id))
    finally:
        source.dispose()
        target.dispose()
    # One file, without a log beside it.
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("PRAGMA journal_mode=DELETE")


def _load_jobs(folder: Path, settings: Settings) -> None:
    storage = open_storage(settings.data, settings.storage_url, "restore")
    storage.check_settings()
    target = open_database(settings.database)
    try:
        migrations.migrate(target)
        with reading(target).connect() as connection:
            if found := connection.execute(select(func.count()).select_from(jobs)).scalar_one():
                raise SettingsError(f"the database has {found} jobs already: restore into an empty one")
        with _copy_of(folder / DATABASE) as source:
            copies = LocalFileStorage(folder)
            for job_id, _, token in _jobs(source):
                job_files.copy(copies, storage, job_id, token, copies.list_files(job_id))
            # Last, so that the database never names a file that isn't there.
            job_rows.load(source, target, storage)
    finally:
        target.dispose()


@contextmanager
def _copy_of(database: Path) -> Generator[Engine]:
    """A copy of a database, brought up to date: the backup itself stays as it is."""
    with tempfile.TemporaryDirectory(prefix="cl-restore-") as scratch:
        copy = Path(scratch, DATABASE)
        shutil.copyfile(database, copy)
        engine = open_database(copy)
        try:
            migrations.migrate(engine)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _no_server(data: Path) -> Generator[IO[str]]:
    with (data / "api.lock").open("w") as lock:
        if not file_lock.take(lock):
            raise SettingsError(f"a server uses {data}: stop it before you restore")
        yield lock


def _jobs(engine: Engine) -> list[tuple[str, str, int]]:
    with reading(engine).connect() as connection:
        rows = connection.execute(select(jobs.c.job_id, jobs.c.status, jobs.c.token).order_by(jobs.c.seq))
        return cast("list[tuple[str, str, int]]", [tuple(row) for row in rows])


def _exists(engine: Engine, job_id: str) -> bool:
    with reading(engine).connect() as connection:
        return connection.execute(select(jobs.c.seq).where(jobs.c.job_id == job_id)).one_or_none() is not None


def _copy_accounts(source: Path, target: Path) -> int:
    """Copy users and keys; returns the number of users."""
    prepare(target)
    with closing(sqlite3.connect(source / USERS)) as there, closing(sqlite3.connect(target / USERS)) as here:
        there.backup(here)
        here.execute("PRAGMA journal_mode=DELETE")
        row = cast("tuple[int]", here.execute("SELECT count(*) FROM users").fetchone())
    prepare(target / KEYS)
    for key in sorted((source / KEYS).glob("*.pem")):
        whole_file.write(target / KEYS / key.name, key.read_bytes(), mode=whole_file.PRIVATE, durable=True)
    return row[0]
