"""Files of jobs in an S3 bucket, which several hosts can share.

    jobs/<job id>/input/<name>                  the uploaded files
    jobs/<job id>/attempts/<token>/<path>       the files of one attempt
    jobs/<job id>/input.json, output.json       manifests: which files the job has, and where

Only files in a manifest are visible. A manifest is one object, so outputs appear atomically, and names from users never
become keys. Tasks work on copies in a local scratch folder.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

import obstore
from obstore.store import ObjectStore
from starlette.concurrency import run_in_threadpool

from cl_ml_tools.file_storage import SavedFile, Upload
from cl_server.files.protocol import (
    JOB_ID,
    Abandoned,
    FileEntry,
    Known,
    StorageUnavailableError,
    StoredFile,
    checked,
)
from cl_server.files.s3_bucket import REFUSALS, connect, first_line, told
from cl_server.files.s3_manifest import Manifest, Record, job_folder
from cl_server.files.s3_objects import S3Objects
from cl_server.files.s3_workspace import S3Workspace
from cl_server.settings_error import SettingsError

# The maximum time between the start of an upload and its job. Older files without a job are orphaned.
UNKNOWN_FOR = timedelta(days=1)


class S3FileStorage(S3Objects):
    """`store` is the bucket at our prefix, `scratch` a local folder for running tasks, which no other process has."""

    def __init__(
        self, store: ObjectStore, scratch: Path, url: str = "the bucket", slow: ObjectStore | None = None
    ) -> None:
        super().__init__(store, slow)
        self._url = url
        self.scratch = scratch.absolute()
        # Of a process of this name that was killed.
        shutil.rmtree(self.scratch, ignore_errors=True)

    @classmethod
    def at(cls, url: str, *, scratch: Path) -> Self:
        """The bucket of a URL, with credentials and endpoint from the usual `AWS_…` variables.

        Raises `SettingsError`.
        """
        quick, slow = connect(url)
        return cls(quick, scratch, url, slow)

    def check(self) -> None:
        """Ask whether the bucket answers. Raises `StorageUnavailableError`."""
        for _ in self.listed("databases"):
            return

    def check_settings(self) -> None:
        """Raises `SettingsError` if the bucket doesn't exist, or refuses access."""
        try:
            self.check()
        except StorageUnavailableError as error:
            said = str(error.__cause__)
            if any(word in said for word in REFUSALS):
                raise SettingsError(
                    f"CL_STORAGE: {self._url} cannot be used ({first_line(error.__cause__)}): make the bucket, or "
                    "correct the name, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_REGION"
                ) from None

    def create_job_directory(self, job_id: str) -> Path:
        """S3 has no folders; the path is that of the keys."""
        return Path("/jobs", checked(job_id))

    def get_input_path(self, job_id: str) -> Path:
        """The prefix of the keys of the inputs. A task reads copies, see `begin_attempt`."""
        return self.create_job_directory(job_id) / "input"

    def get_output_path(self, job_id: str) -> Path:
        """How outputs are called; a task writes copies, see `begin_attempt`."""
        return self.create_job_directory(job_id) / "output"

    async def save_input_file(self, job_id: str, filename: str, file: Upload) -> SavedFile:
        """As `keep_input`, off the event loop."""
        return await run_in_threadpool(self.keep_input, job_id, filename, file.file)

    def keep_input(self, job_id: str, filename: str, file: BinaryIO) -> SavedFile:
        """Upload an upload, in parts."""
        name = Path(filename).name
        record = self._add_input(job_id, name, file)
        path = str(self.get_input_path(job_id) / name)
        return {"filename": name, "path": path, "size": record.size, "hash": record.sha256}

    def cleanup_job(self, job_id: str) -> bool:
        """Remove every object of a job."""
        return self.remove(job_folder(job_id))

    def begin_attempt(self, job_id: str, token: int) -> S3Workspace:
        """Bring the inputs of a job here."""
        if token > 1:
            self.clear_attempts(job_id, token)
        return S3Workspace(self, self.scratch, job_id, token)

    def copy_inputs(self, job_id: str, to: str) -> bool:
        """Copy the inputs of another job inside the storage. Returns `False` if they no longer exist."""
        manifest = self.manifest(job_id, "input")
        if not manifest.files:
            return False
        try:
            with told():
                for record in manifest.files.values():
                    obstore.copy(self.slow, f"{job_folder(job_id)}/{record.key}", f"{job_folder(to)}/{record.key}")
        except FileNotFoundError:
            return False
        self.write_manifest(to, "input", manifest)
        return True

    def mend_inputs(self, job_id: str, source: str) -> bool:
        """If a job has no inputs, give it those of `source`. Returns `False` if it has inputs."""
        return not self.manifest(job_id, "input").files and self.copy_inputs(source, job_id)

    def list_files(self, job_id: str) -> list[FileEntry]:
        """What the manifests name."""
        files = {**self.manifest(job_id, "input").files, **self.manifest(job_id, "output").files}
        return [
            FileEntry(path, record.size, record.sha256, record.media_type) for path, record in sorted(files.items())
        ]

    def find(self, job_id: str, relative: str) -> StoredFile | None:
        """A file by its path relative to the job: a look into a manifest, letter by letter."""
        part = relative.partition("/")[0]
        if part not in {"input", "output"} or not JOB_ID.fullmatch(job_id):
            return None
        record = self.manifest(job_id, part).files.get(relative)
        if record is None:
            return None
        name = relative.rpartition("/")[2]
        return StoredFile(name, record.size, f'"{record.sha256}"', f"{job_folder(job_id)}/{record.key}")

    def sha256(self, file: StoredFile) -> str:
        """The SHA-256 of a file, in hexadecimal: its validator."""
        return file.etag.strip('"')

    def read(self, file: StoredFile, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, range by range. An object never changes, so they belong together."""
        return self.pieces(file.location, start, file.size if stop is None else stop)

    def sizes(self) -> dict[str, int]:
        """The bytes that the objects of each job take."""
        sizes: dict[str, int] = {}
        for job_id, size, _ in self.objects("jobs"):
            sizes[job_id] = sizes.get(job_id, 0) + size
        return sizes

    def size_of(self, job_id: str) -> int:
        """The bytes that the objects of a job take."""
        return sum(size for _, size, _ in self.objects(job_folder(job_id)))

    @property
    def sees_attempts(self) -> bool:
        """It is on the hosts of their workers, and here only for a moment before it is the job's."""
        return False

    def attempts_size(self, job_id: str) -> int:
        """The bytes of uploaded files of attempts that are in no manifest."""
        folder = f"{job_folder(job_id)}/attempts"
        found = {each["path"]: each["size"] for each in self.listed(folder)}
        if not found:
            return 0
        named = {f"{job_folder(job_id)}/{each.key}" for each in self.manifest(job_id, "output").files.values()}
        return sum(size for path, size in found.items() if path not in named)

    def clear_attempts(self, job_id: str, before: int | None = None) -> None:
        """Remove what attempts at a job left whose workers died: those before a token, or all."""
        folder = f"{job_folder(job_id)}/attempts"
        kept = {record.key.split("/")[1] for record in self.manifest(job_id, "output").files.values()}
        tokens = {found["path"].removeprefix(f"{folder}/").partition("/")[0] for found in self.listed(folder)}
        for token in tokens - kept:
            if token.isdecimal() and (before is None or int(token) < before):
                self.remove(f"{folder}/{token}")

    @property
    def place(self) -> str:
        """Where the files are, for people."""
        return self._url

    @property
    def databases_place(self) -> str:
        """The place of the list of databases that used this storage, for messages."""
        return f"{self._url.rstrip('/')}/databases"

    def databases(self) -> set[str]:
        """The ids of the databases that have used this storage."""
        return {found["path"].rpartition("/")[2] for found in self.listed("databases")}

    def add_database(self, database_id: str) -> None:
        """Keep that this one has."""
        with told():
            obstore.put(self.store, f"databases/{checked(database_id)}", b"", use_multipart=False)

    def abandoned(self, known: Known) -> Abandoned:
        """The jobs that are in no database and have no new file for a day, because other hosts may be uploading."""
        newest: dict[str, datetime] = {}
        for job_id, _, changed in self.objects("jobs"):
            newest[job_id] = max(changed, newest.get(job_id, changed))
        # Queried after the list, so that a job that is created meanwhile is in both, or only in this one.
        there = known.job_ids()
        quiet = datetime.now(UTC) - UNKNOWN_FOR
        gone = [job_id for job_id, changed in newest.items() if changed < quiet and job_id not in there]
        return Abandoned(gone, len(newest))

    def set_aside(self, jobs: Sequence[str]) -> None:
        """Not here: objects cannot be moved, and copies of most of a bucket are nothing to make unasked."""
        del jobs

    def bring_back(self, known: Known) -> int:
        """Nothing: see `set_aside`."""
        del known
        return 0

    def _add_input(self, job_id: str, name: str, file: BinaryIO) -> Record:
        record = self.put(job_id, f"input/{name}", file)
        manifest = self.manifest(job_id, "input")
        self.write_manifest(job_id, "input", Manifest(files={**manifest.files, f"input/{name}": record}))
        return record
