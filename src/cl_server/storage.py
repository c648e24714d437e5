"""Files of jobs in a local folder."""

import contextlib
import os
import re
import shutil
from pathlib import Path

from fastapi.concurrency import run_in_threadpool

from cl_ml_tools.file_storage import SavedFile, Upload

PIECE = 1 << 20
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LocalFileStorage:
    """`<base>/jobs/<job id>/input` and `…/output`."""

    def __init__(self, base_dir: Path) -> None:
        self.root = base_dir.absolute() / "jobs"
        self.root.mkdir(parents=True, exist_ok=True)

    def create_job_directory(self, job_id: str) -> Path:
        """Make the folders of a job."""
        folder = self._folder(job_id)
        self.get_input_path(job_id).mkdir(parents=True)
        self.get_output_path(job_id).mkdir()
        return folder

    def get_input_path(self, job_id: str) -> Path:
        """The folder of the inputs."""
        return self._folder(job_id) / "input"

    def get_output_path(self, job_id: str) -> Path:
        """The folder of the outputs."""
        return self._folder(job_id) / "output"

    async def save_input_file(self, job_id: str, filename: str, file: Upload) -> SavedFile:
        """Copy an upload, off the event loop, in pieces."""
        # A name is the server's choice, but this class does not have to believe that.
        path = self.get_input_path(job_id) / Path(filename).name
        size = await run_in_threadpool(_copy, file, path)
        return {"filename": path.name, "path": str(path), "size": size}

    def cleanup_job(self, job_id: str) -> bool:
        """Remove the folder of a job."""
        folder = self._folder(job_id)
        if not folder.exists():
            return False
        # A worker may still write there: what it adds meanwhile is removed by a second look.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def job_ids(self) -> set[str]:
        """The jobs that have a folder."""
        return {folder.name for folder in self.root.iterdir() if JOB_ID.fullmatch(folder.name)}

    def size_of(self, job_id: str) -> int:
        """The bytes that the files of a job take. Files that go meanwhile count nothing."""
        total = 0
        for folder, _, names in os.walk(self._folder(job_id)):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total

    def find(self, job_id: str, relative: str) -> Path | None:
        """A file of a job by its path relative to the job; `None` for whatever is not a finished file in there."""
        if not JOB_ID.fullmatch(job_id) or "\0" in relative:
            return None
        folder = self._folder(job_id)
        try:
            path = (folder / relative).resolve(strict=True)
        except (OSError, ValueError):
            return None
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        # A leading dot is how a file is named that is still being written.
        return path if inside and not path.name.startswith(".") else None

    def _folder(self, job_id: str) -> Path:
        if not JOB_ID.fullmatch(job_id):
            raise ValueError(f"not a job id: {job_id[:80]!r}")
        return self.root / job_id


def _copy(upload: Upload, path: Path) -> int:
    with path.open("xb") as target:
        shutil.copyfileobj(upload.file, target, PIECE)
        return target.seek(0, os.SEEK_CUR)
