from pathlib import Path

import pytest
from sqlalchemy import Engine

from cl_ml_tools.schemas import Job
from cl_server.files.local import LocalFileStorage
from cl_server.queue import orphaned_files
from cl_server.queue.repository import SqlJobRepository


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
        assert {path.name for path in folder.storage.root.iterdir()} == {"kept", "not a job"}


def test_what_another_api_is_still_taking_in_stays(folder: Folder) -> None:
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        folder.storage.create_job_directory("coming")
        with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
            assert folder.storage.job_ids() == {"kept", "coming"}
    with orphaned_files.sweep(folder.data, folder.repository, folder.storage):
        assert folder.storage.job_ids() == {"kept"}
