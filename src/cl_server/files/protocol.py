"""What the servers need of a storage beyond `FileStorage`: attempts that publish at once, lists, ranges.

Local folders (`local.py`) and S3 (`s3.py`) pass the same suite (tests/conformance/test_storage.py).
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cl_ml_tools.file_storage import FileStorage, InputKeeper, InputMender

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# How much of a file is in memory at once, in bytes.
PIECE = 1 << 20


class StorageUnavailableError(ConnectionError):
    """The storage cannot be reached or refuses us, which may pass; the reason is in the log of who raises it."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file in the list of a job. `path` is relative to the job (`output/…`), `size` in bytes."""

    path: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A finished file. `etag` is a strong validator (RFC 9110 §8.8.3), and `size` is in bytes.

    `location` is its name in the storage, and `local` its path if it is on this machine.
    """

    name: str
    size: int
    etag: str
    location: str
    local: Path | None = None


class Workspace(Protocol):
    """The local folders of one attempt at a job: inputs to read, and outputs that are invisible before `publish`."""

    @property
    def inputs(self) -> Path:
        """The folder of the inputs."""
        ...

    @property
    def outputs(self) -> Path:
        """The folder to write to."""
        ...

    def hand_in(self) -> None:
        """Upload the outputs to the storage. The duration depends on their size."""
        ...

    def publish(self) -> None:
        """Make the uploaded files the outputs of the job, atomically, in place of earlier ones. Quick."""
        ...

    def close(self) -> None:
        """Remove the files of the attempt on this machine, and its unpublished files in the storage."""
        ...


class JobStorage(FileStorage, InputKeeper, InputMender, Protocol):
    """Stores the files of jobs. All methods block, and can raise `StorageUnavailableError`."""

    def check(self) -> None:
        """Ask whether it answers, which takes a few seconds at most. Raises `StorageUnavailableError`."""
        ...

    def check_settings(self) -> None:
        """Raises `SettingsError` if the storage doesn't exist, or refuses access."""
        ...

    def begin_attempt(self, job_id: str, token: int) -> Workspace:
        """A place to work, with the inputs of the job in it. `token` is that of the claim."""
        ...

    def copy_inputs(self, job_id: str, to: str) -> bool:
        """Give a new job the inputs of another. Returns `False` if they no longer exist."""
        ...

    def list_files(self, job_id: str) -> list[FileEntry]:
        """Everything that `find` finds of a job, sorted by path."""
        ...

    def find(self, job_id: str, relative: str) -> StoredFile | None:
        """A file by its path relative to the job. `None` for anything that isn't a finished file of the job."""
        ...

    def sha256(self, file: StoredFile) -> str:
        """The SHA-256 of a file, in hexadecimal. The file may be read once."""
        ...

    def read(self, file: StoredFile, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces. Raises `OSError` if the file is deleted meanwhile."""
        ...

    def sizes(self) -> dict[str, int]:
        """The bytes that the files of each job take."""
        ...

    def size_of(self, job_id: str) -> int:
        """The bytes that the files of a job take. Files that are deleted meanwhile count as 0."""
        ...

    @property
    def sees_attempts(self) -> bool:
        """Whether the storage contains the files of running attempts, and not only those of ended ones."""
        ...

    def attempts_size(self, job_id: str) -> int:
        """The bytes of what attempts at a job have written here, and not yet given to it."""
        ...

    def clear_attempts(self, job_id: str, before: int | None = None) -> None:
        """Remove what attempts at a job left whose workers died: those before a token, or all."""
        ...

    # Whose files they are: see `orphaned_files.py`.

    @property
    def place(self) -> str:
        """Where the files are, for people."""
        ...

    @property
    def databases_place(self) -> str:
        """The place of the list of databases that used this storage, for messages."""
        ...

    def databases(self) -> set[str]:
        """The ids of the databases that have used this storage."""
        ...

    def add_database(self, database_id: str) -> None:
        """Keep that this one has."""
        ...

    def abandoned(self, known: "Known") -> "Abandoned":
        """The jobs with files that are in no database, and that no upload is still creating."""
        ...

    def set_aside(self, jobs: Sequence[str]) -> Path | None:
        """Move the files of jobs to where `bring_back` finds them. Returns `None` if the storage can't do that."""
        ...

    def bring_back(self, known: "Known") -> int:
        """Give jobs their files back that were set aside; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Jobs that are in no database, of `total` with files."""

    jobs: Sequence[str]
    total: int


class Known(Protocol):
    """The part of a repository that knows which jobs there are."""

    def job_ids(self) -> set[str]:
        """All jobs."""
        ...


def finished(folder: Path) -> Iterator[Path]:
    """The files in and below a folder, in an order that stays, less links and those that are still being written."""
    for place, below, names in os.walk(folder):
        # A leading dot is how a file is named that is still being written, or a folder of such files.
        below[:] = sorted(name for name in below if not name.startswith("."))
        paths = (Path(place, name) for name in sorted(names) if not name.startswith("."))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def checked(job_id: str) -> str:
    """The id, if it is one. Raises `ValueError`."""
    if not JOB_ID.fullmatch(job_id):
        raise ValueError(f"not a job id: {job_id[:80]!r}")
    return job_id
