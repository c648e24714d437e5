"""A backup of one kind of server is restored to another kind, and to itself."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, select

from cl_ml_tools.schemas import Job, JobStatus
from cl_server import file_lock
from cl_server.__main__ import main
from cl_server.backup import folder
from cl_server.backup.job_files import DamagedFileError
from cl_server.files.local import open_storage
from cl_server.files.protocol import JobStorage
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import job_labels, job_logs, jobs, transitions, usage
from cl_server.settings import Settings
from cl_server.settings_error import SettingsError
from tests.conformance.conftest import opened
from tests.s3 import S3Server

CONTENT = bytes(range(256)) * 5000
NESTED = "film/segment-0.ts"


@dataclass
class Server:
    """What a server keeps, and where."""

    settings: Settings
    engine: Engine
    storage: JobStorage

    @property
    def queue(self) -> SqlJobRepository:
        return SqlJobRepository(self.engine)


Make = Callable[[str, str], Server]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes an empty server by a name: `local` keeps its jobs in SQLite and a folder, `shared` in PostgreSQL and S3."""
    with ExitStack() as engines:

        def one(kind: str, name: str) -> Server:
            data = tmp_path / name
            data.mkdir()
            engine = opened("sqlite" if kind == "local" else "postgresql", request, data)
            engines.callback(engine.dispose)
            if kind == "local":
                return Server(Settings(data), engine, open_storage(data, None, "test"))
            s3 = cast("S3Server", request.getfixturevalue("s3"))
            bucket, url = s3.bucket(), cast("str", request.getfixturevalue("postgres_url"))
            settings = Settings(data, database_url=url, storage_url=bucket)
            return Server(settings, engine, open_storage(data, bucket, "test"))

        yield one


def fill(server: Server) -> dict[str, str]:
    """A job of each kind, by what it is."""
    ids: dict[str, str] = {}
    for name in ("done", "failed", "running", "cancelling", "waiting"):
        job = Job(job_id=f"{name}-job", task_type="hash", params={}, priority=5, labels={"album": name})
        server.storage.create_job_directory(job.job_id)
        saved = server.storage.keep_input(job.job_id, "photo.jpg", io.BytesIO(CONTENT + name.encode()))
        job.params = {"algorithm": "all", "input_paths": [saved["path"]], "output_paths": []}
        job.size = saved["size"]
        ids[name] = server.queue.submit(job, created_by="7", key=name, fingerprint="same").job_id
        if name == "waiting":
            continue
        claim = server.queue.claim("w0", ["hash"])
        assert claim is not None
        if name == "done":
            work = server.storage.begin_attempt(job.job_id, claim.token)
            (work.outputs / NESTED).parent.mkdir()
            (work.outputs / NESTED).write_bytes(CONTENT)
            work.hand_in()
            assert server.queue.complete(claim, {"digest": "abc"}, work.publish, len(CONTENT))
            work.close()
        elif name == "failed":
            assert server.queue.fail(claim, "not a picture")
        elif name == "cancelling":
            server.queue.cancel(job.job_id)
    return ids


def rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """What a database says, less what depends on where it is."""
    kept = [column for column in jobs.c if column.name not in {"params", "lease_until", "run_at", "updated_at"}]
    with engine.connect() as connection:
        tables = {
            "jobs": select(*kept),
            "logs": select(job_logs),
            "labels": select(job_labels),
            "transitions": select(transitions),
        }
        found = {
            name: sorted((tuple(row) for row in connection.execute(query)), key=repr) for name, query in tables.items()
        }
        sums = sum(cast("list[int]", list(connection.execute(select(usage.c.bytes)).scalars())))
    return {**found, "usage": [(sums,)]}


def files(server: Server, ids: dict[str, str]) -> dict[str, list[tuple[str, int, str]]]:
    """The files of each job, with their checksums."""
    return {
        name: [(entry.path, entry.size, entry.sha256) for entry in server.storage.list_files(job_id)]
        for name, job_id in ids.items()
    }


@pytest.mark.parametrize("source", ["local", "shared"])
@pytest.mark.parametrize("target", ["local", "shared"])
def test_what_is_restored_is_what_was_saved(source: str, target: str, make: Make, tmp_path: Path) -> None:
    first = make(source, "first")
    ids = fill(first)
    rows_before, files_before = rows(first.engine), files(first, ids)
    saved = folder.save(first.settings, tmp_path / "backup")
    assert (saved.jobs, saved.files) == (5, 6)
    # It replaces a PostgreSQL of the same tests, which is emptied here.
    second = make(target, "second")
    folder.load(tmp_path / "backup", second.settings)

    assert files(second, ids) == files_before
    stays = {row[1]: row for row in rows_before["jobs"]}
    for row in rows(second.engine)["jobs"]:
        if row[1] not in {ids["running"], ids["cancelling"]}:
            assert row == stays[row[1]]
    assert {name: table for name, table in rows(second.engine).items() if name != "jobs"} == {
        name: table for name, table in rows_before.items() if name != "jobs"
    }
    queue = second.queue
    assert status(queue, ids["cancelling"]) is JobStatus.CANCELLED
    # What ran before waits again, and finds its input where it is now.
    claims = [queue.claim("w1", ["hash"]) for _ in range(3)]
    assert [claim and claim.job.job_id for claim in claims] == [ids["running"], ids["waiting"], None]
    assert claims[0] is not None
    place = str(second.storage.get_input_path(ids["running"]) / "photo.jpg")
    assert claims[0].job.params["input_paths"] == [place]
    # A client that asks again with the key of a submit gets the same job, and new jobs come after the old ones.
    assert queue.submitted("waiting", created_by="7", fingerprint="same") is not None
    assert queue.submit(Job(job_id="new", task_type="hash", params={})).job_id == "new"


def status(queue: SqlJobRepository, job_id: str) -> JobStatus:
    job = queue.get_job(job_id)
    assert job is not None
    return job.status


def test_a_restore_that_was_killed_goes_on_when_it_is_started_again(make: Make, tmp_path: Path) -> None:
    first = make("local", "first")
    ids = fill(first)
    folder.save(first.settings, tmp_path / "backup")
    second = make("local", "second")
    # One job is there, and of another one a part.
    for name, content in (("done", CONTENT + b"done"), ("failed", CONTENT[:100])):
        second.storage.create_job_directory(ids[name])
        second.storage.keep_input(ids[name], "photo.jpg", io.BytesIO(content))
    folder.load(tmp_path / "backup", second.settings)
    assert files(second, ids) == files(first, ids)


def test_a_restore_touches_nothing_where_there_are_jobs_or_a_server(make: Make, tmp_path: Path) -> None:
    first = make("local", "first")
    fill(first)
    folder.save(first.settings, tmp_path / "backup")
    before = rows(first.engine)
    with pytest.raises(SettingsError, match="has 5 jobs already"):
        folder.load(tmp_path / "backup", first.settings)
    assert rows(first.engine) == before
    second = make("local", "second")
    with (second.settings.data / "api.lock").open("w") as lock:
        file_lock.share(lock)
        with pytest.raises(SettingsError, match="stop it"):
            folder.load(tmp_path / "backup", second.settings)
    with pytest.raises(SettingsError, match="isn't an empty folder"):
        folder.save(first.settings, tmp_path / "backup")


def test_a_damaged_file_is_named_and_no_job_is_restored(make: Make, tmp_path: Path) -> None:
    first = make("local", "first")
    ids = fill(first)
    folder.save(first.settings, tmp_path / "backup")
    kept = tmp_path / "backup" / "jobs" / ids["done"] / "output" / NESTED
    kept.write_bytes(b"X" + CONTENT[1:])
    second = make("local", "second")
    with pytest.raises(DamagedFileError, match=f"output/{NESTED} of job done-job is damaged"):
        folder.load(tmp_path / "backup", second.settings)
    assert rows(second.engine)["jobs"] == []


def test_a_job_that_is_deleted_while_its_files_are_copied_is_not_in_the_backup(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make("local", "first")
    ids = fill(first)
    copy = folder.job_files.copy

    def delete_first(source: JobStorage, target: JobStorage, job_id: str, token: int, entries: list[object]) -> int:
        if job_id == ids["done"]:
            first.queue.delete_job(job_id)
            source.cleanup_job(job_id)
        return copy(source, target, job_id, token, entries)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(folder.job_files, "copy", delete_first)
    assert folder.save(first.settings, tmp_path / "backup").jobs == 4
    second = make("local", "second")
    folder.load(tmp_path / "backup", second.settings)
    assert second.queue.get_job(ids["done"]) is None
    assert not (second.settings.data / "jobs" / ids["done"]).exists()


def test_files_that_cannot_be_reached_end_a_backup_in_one_line(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make("local", "first")
    fill(first)
    first.storage.add_database("0" * 32)
    (first.settings.data / "jobs").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("CL_DATA", str(first.settings.data))
    assert main(["backup", str(tmp_path / "backup")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: backup isn't finished: there is no folder")
    assert said.count("\n") == 1
    assert not (tmp_path / "backup" / folder.CONTENTS).exists()


def test_a_folder_that_is_no_whole_backup_is_refused(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")
    with pytest.raises(SettingsError, match="isn't a finished backup"):
        folder.load(tmp_path, settings)
    (tmp_path / folder.CONTENTS).write_text(json.dumps({"format": 2, "made_at": "2030-01-01T00:00:00Z"}))
    with pytest.raises(SettingsError, match="newer version"):
        folder.load(tmp_path, settings)
    with pytest.raises(SettingsError, match="neither jobs nor accounts"):
        folder.save(replace(settings, data=tmp_path / "empty"), tmp_path / "b")
