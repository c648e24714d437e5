import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cl_ml_tools.schemas import Job
from cl_server.files.local import LocalFileStorage
from cl_server.migrations import migrate
from cl_server.queue import orphaned_files
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


class Folder:
    """A data folder with a job, and with what is left of one that was never written down."""

    def __init__(self, data: Path, engine: Engine) -> None:
        self.data = data
        self.repository = SqlJobRepository(engine)
        self.storage = LocalFileStorage(data)
        for job_id in ("kept", "half"):
            (self.storage.create_job_directory(job_id) / "input" / "source").write_bytes(b"words")
        self.repository.add_job(Job(job_id="kept", task_type="hash"))


@pytest.fixture
def folder(tmp_path: Path, engine: Engine) -> Folder:
    return Folder(tmp_path, engine)


def test_a_folder_without_a_job_goes_when_an_api_starts(folder: Folder) -> None:
    (folder.storage.root / "not a job").mkdir()
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        names = {path.name for path in folder.storage.root.iterdir()}
        assert names == {"kept", "not a job"}


def test_what_another_api_is_still_taking_in_stays(folder: Folder) -> None:
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        folder.storage.create_job_directory("coming")
        with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
            assert folder.storage.job_ids() == {"kept", "coming"}
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        assert folder.storage.job_ids() == {"kept"}


@pytest.fixture
def other_engine(tmp_path: Path) -> Iterator[Engine]:
    """A database that is new, or the wrong one."""
    engine = open_database(tmp_path / "other.sqlite")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("jobs", [0, 1, 100])
def test_a_database_that_did_not_make_the_files_removes_none_and_says_so_once(
    folder: Folder, other_engine: Engine, jobs: int, caplog: pytest.LogCaptureFixture
) -> None:
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        pass
    other = SqlJobRepository(other_engine)
    for number in range(jobs):
        other.add_job(Job(job_id=f"its-{number}", task_type="hash"))
        folder.storage.create_job_directory(f"its-{number}")
    for api in (other, folder.repository):
        caplog.clear()
        with orphaned_files.sweep(folder.data, api, folder.storage):
            assert folder.storage.job_ids() == {"kept", *(f"its-{number}" for number in range(jobs))}
        said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(said) == 1
        assert "those of another database too" in said[0]
        assert str(folder.storage.root) in said[0]


def test_files_that_no_database_has_named_are_not_swept_by_the_first_that_comes(
    folder: Folder, other_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """As a version from before left them: most of what is there is nothing to remove, and comes back."""
    with orphaned_files.sweep(folder.data, SqlJobRepository(other_engine), folder.storage):
        assert folder.storage.job_ids() == set()
    assert "is moved" in caplog.text or "are moved" in caplog.text
    aside = folder.data / "set-aside"
    assert {path.name for path in aside.iterdir()} == {"kept", "half"}
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        assert folder.storage.job_ids() == {"kept"}
    assert folder.storage.find("kept", "input/source") is not None


def test_what_dead_workers_left_goes_with_the_next_attempt_or_with_the_job_and_counts_until_then(
    folder: Folder,
) -> None:
    storage = folder.storage
    first = storage.begin_attempt("kept", 1)
    (first.outputs / "large").write_bytes(b"x" * 1000)
    assert storage.size_of("kept") == 1005
    assert storage.sizes()["kept"] == 1005
    second = storage.begin_attempt("kept", 2)
    assert not first.outputs.exists()
    (second.outputs / "large").write_bytes(b"x" * 1000)
    job = folder.repository.get_job("kept")
    assert job is not None
    orphaned_files.clear_attempts(storage, [job])
    assert second.outputs.exists()
    folder.repository.cancel("kept")
    ended = folder.repository.get_job("kept")
    assert ended is not None
    orphaned_files.clear_attempts(storage, [ended])
    assert not second.outputs.exists()
    assert storage.size_of("kept") == 5
