import io
from pathlib import Path
from typing import BinaryIO

import pytest

from cl_server.storage import LocalFileStorage


class Uploaded:
    """What FastAPI hands over."""

    def __init__(self, content: bytes) -> None:
        self.file: BinaryIO = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)


async def test_an_upload_is_kept_under_the_name_that_was_chosen(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path)
    storage.create_job_directory("job")
    saved = await storage.save_input_file("job", "source.jpg", Uploaded(b"content"))
    path = tmp_path / "jobs" / "job" / "input" / "source.jpg"
    assert saved == {"filename": "source.jpg", "path": str(path), "size": 7}
    assert path.read_bytes() == b"content"
    assert storage.find("job", "input/source.jpg") == path


async def test_a_name_cannot_lead_out(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path)
    storage.create_job_directory("job")
    saved = await storage.save_input_file("job", "../../../escaped", Uploaded(b"content"))
    assert Path(saved["path"]).parent == storage.get_input_path("job")


@pytest.mark.parametrize("job_id", ["", "..", "a/b", "x" * 65, "a\0"])
def test_what_is_no_job_id_is_no_path(tmp_path: Path, job_id: str) -> None:
    storage = LocalFileStorage(tmp_path)
    with pytest.raises(ValueError, match="not a job id"):
        storage.create_job_directory(job_id)
    assert storage.find(job_id, "input/source") is None


def test_cleaning_up_removes_everything_and_says_whether_there_was_something(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path)
    folder = storage.create_job_directory("job")
    assert storage.cleanup_job("job")
    assert not folder.exists()
    assert not storage.cleanup_job("job")
