"""Where the files of jobs are kept: the protocol between master, worker and storage."""

from pathlib import Path
from typing import BinaryIO, NotRequired, Protocol, TypedDict, runtime_checkable


class SavedFile(TypedDict):
    """An input on disk. `path` is absolute, `size` in bytes, `hash` SHA-256 where the storage makes one."""

    filename: str
    path: str
    size: int
    hash: NotRequired[str]


class Upload(Protocol):
    """What a storage needs of an uploaded file (FastAPI's `UploadFile` has it)."""

    @property
    def file(self) -> BinaryIO:
        """The content, at its start; reading blocks."""
        ...

    async def read(self, size: int = -1) -> bytes:
        """The next bytes of the content."""
        ...


class FileStorage(Protocol):
    """Keeps the inputs and outputs of jobs, each job in a place of its own.

    The methods without `async` block and may be called from any thread. All of them raise `OSError` where the storage
    cannot be written or read.
    """

    def create_job_directory(self, job_id: str) -> Path:
        """Make the place of a job."""
        ...

    def get_input_path(self, job_id: str) -> Path:
        """The folder of the inputs."""
        ...

    def get_output_path(self, job_id: str) -> Path:
        """The folder of the outputs."""
        ...

    async def save_input_file(self, job_id: str, filename: str, file: Upload) -> SavedFile:
        """Keep an upload under a name that the server chose: a plain file name, without a path.

        Called in an event loop, so it may not block; it returns when the whole content is kept.
        """
        ...

    def cleanup_job(self, job_id: str) -> bool:
        """Remove everything of a job; `False` when there was nothing."""
        ...


@runtime_checkable
class InputKeeper(Protocol):
    """What a storage may do besides: keep an upload without a loop, so that all of a submit is one step of a thread."""

    def keep_input(self, job_id: str, filename: str, file: BinaryIO) -> SavedFile:
        """As `save_input_file`. It blocks."""
        ...


@runtime_checkable
class InputMender(Protocol):
    """What a storage may do besides: give a job its inputs back that were lost."""

    def mend_inputs(self, job_id: str, source: str) -> bool:
        """Where a job has no inputs, give it those of `source`; `False` where it has them."""
        ...
