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

    def begin_attempt(self, job_id: str, token: int) -> Path:
        """A new folder for what one attempt at a job writes: nobody sees it before it is published."""
        folder = self._attempt(job_id, token)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def publish_attempt(self, job_id: str, token: int) -> None:
        """Make the outputs of an attempt those of the job, all at once."""
        output = self.get_output_path(job_id)
        # There is something only if a worker died after it published and before that was written down.
        if output.exists() and any(output.iterdir()):
            shutil.rmtree(output)
        # Onto a folder that is empty, this is one step (rename(2)).
        self._attempt(job_id, token).rename(output)

    def discard_attempt(self, job_id: str, token: int) -> None:
        """Remove what an attempt wrote."""
        shutil.rmtree(self._attempt(job_id, token), ignore_errors=True)

    def copy_inputs(self, job_id: str, to: str) -> bool:
        """Give a new job the inputs of another, on disk only once; `False` when they are gone."""
        source = self.get_input_path(job_id)
        if not source.is_dir():
            return False
        self.create_job_directory(to)
        for path in source.iterdir():
            os.link(path, self.get_input_path(to) / path.name)
        return True

    def files(self, job_id: str) -> list[Path]:
        """Everything that `find` finds of a job, sorted."""
        folder = self._folder(job_id)
        found = (path for part in ("input", "output") for path in (folder / part).rglob("*"))
        return sorted(path for path in found if self.find(job_id, str(path.relative_to(folder))) is not None)

    def relative(self, job_id: str, path: Path) -> str:
        """How outputs and users call a file of a job."""
        return path.relative_to(self._folder(job_id)).as_posix()

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
        root = folder.resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return None
        # A leading dot is how a file is named that is still being written, or a folder of such files.
        return None if any(part.startswith(".") for part in path.relative_to(root).parts) else path

    def _attempt(self, job_id: str, token: int) -> Path:
        return self._folder(job_id) / f".attempt-{token}"

    def _folder(self, job_id: str) -> Path:
        if not JOB_ID.fullmatch(job_id):
            raise ValueError(f"not a job id: {job_id[:80]!r}")
        return self.root / job_id


def _copy(upload: Upload, path: Path) -> int:
    with path.open("xb") as target:
        shutil.copyfileobj(upload.file, target, PIECE)
        return target.seek(0, os.SEEK_CUR)
