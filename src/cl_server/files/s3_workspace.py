"""Where an attempt at a job works, when its files are in a bucket."""

import logging
import shutil
from pathlib import Path

from cl_server.files.protocol import StorageUnavailableError, checked, finished
from cl_server.files.s3_manifest import Manifest, Record, job_folder
from cl_server.files.s3_objects import S3Objects

log = logging.getLogger(__name__)


class S3Workspace:
    """A scratch folder with copies of the inputs. Other files that are written there are uploaded."""

    def __init__(self, objects: S3Objects, scratch: Path, job_id: str, token: int) -> None:
        self._objects = objects
        self._job_id = job_id
        self._token = token
        self._folder = scratch / f"{checked(job_id)}-{token}"
        self._manifest = Manifest()
        self._published = False
        self.inputs = self._folder / "input"
        self.outputs = self._folder / "output"
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self.inputs.mkdir(parents=True)
            self.outputs.mkdir()
            for path, record in objects.manifest(job_id, "input").files.items():
                with (self.inputs / Path(path).name).open("xb") as file:
                    for piece in objects.pieces(f"{job_folder(job_id)}/{record.key}", 0, record.size):
                        file.write(piece)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def hand_in(self) -> None:
        """Upload the outputs."""
        files: dict[str, Record] = {}
        for path in finished(self.outputs):
            relative = path.relative_to(self.outputs).as_posix()
            with path.open("rb") as file:
                record = self._objects.put(self._job_id, f"attempts/{self._token}/{relative}", file)
            files[f"output/{relative}"] = record
        self._manifest = Manifest(files=files)

    def publish(self) -> None:
        """Point the job to them."""
        self._objects.write_manifest(self._job_id, "output", self._manifest)
        self._published = True

    def close(self) -> None:
        """Remove the copies, and the uploads if they were not published."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._manifest.files and not self._published:
            try:
                self._objects.remove_attempt(self._job_id, self._token)
            except StorageUnavailableError:
                log.warning(
                    "job %s: the uploads of attempt %s remain until the job is deleted", self._job_id, self._token
                )
