"""What a job server can do for the client. Jobs, watching, batches and the command line know a server only by this."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from cl_client.model import Capabilities, JobFile, JobLog, JobPage, JobState

if TYPE_CHECKING:
    from cl_client.errors import ResponseError
    from cl_client.http.stored_file import UploadRoute
    from cl_client.http.upload import Upload
    from cl_client.jobs.operation import Operation
    from cl_client.server.lists import JobBatch
    from cl_client.server.small_submit import SmallSubmit

Body = TypeVar("Body")
Output = TypeVar("Output")


class JobServer(Protocol):
    """A job server. `HttpJobServer` is the one that there is; `can` says what a server is known to lack.

    Every method raises `UnsupportedError` where the server cannot do it, `JobNotFoundError` where there is no such job
    (or it is somebody else's), `ServerUnreachableError` where nothing answers, and `ResponseError` for what the server
    refuses or what its spec does not promise.
    """

    @property
    def states_at_once(self) -> int:
        """How many jobs `states` can be asked for at once; 1 where the server knows no such question."""
        ...

    @property
    def batch(self) -> JobBatch | None:
        """Where many small jobs are submitted at once; nothing where the server does not know that."""
        ...

    def artifact(self, task_type: str) -> str | None:
        """The main file of a job of this task, as `Operation.artifact` has it; `None` where it has none."""
        ...

    async def state(self, job_id: str) -> JobState:
        """The state of a job."""
        ...

    async def states(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        """The states of several jobs, by id, of which some may be missing, and others may be there."""
        ...

    async def page(
        self, *, status: str | None, task_type: str | None, cursor: str | None, labels: Mapping[str, str] | None = None
    ) -> JobPage:
        """A page of the jobs, newest first, and what gives the next page."""
        ...

    async def cancel(self, job_id: str) -> JobState:
        """Stop a job; how it stands now."""
        ...

    async def retry(self, job_id: str) -> JobState:
        """Do a job once more; the new job, of which only id, kind and status are known."""
        ...

    async def delete(self, job_id: str) -> None:
        """Remove a job and its files."""
        ...

    async def files(self, job_id: str) -> Sequence[JobFile]:
        """The files of a job."""
        ...

    async def log(self, job_id: str, offset: int) -> JobLog:
        """The log of a job, after the line with a number."""
        ...

    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        *,
        sha256: str | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Path:
        """Stream a file of a job to disk, whole or not at all; where it is."""
        ...

    async def fetch(
        self,
        job_id: str,
        file_path: str,
        file: BinaryIO,
        *,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        """Stream a file of a job into an open file that can seek and is empty."""
        ...

    async def workers(self) -> Capabilities:
        """What the workers that are up can do."""
        ...

    async def store(self, route: UploadRoute, file: Upload) -> str:
        """Put a file where the server says to; what stands for it in a job."""
        ...

    async def submit(
        self, operation: Operation[Body, Output], body: Body, key: str, labels: Mapping[str, str] | None = None
    ) -> JobState:
        """Send a job of an operation; the new job, of which only id, kind and status are known."""
        ...

    async def submit_many(self, submits: Sequence[SmallSubmit]) -> Sequence[JobState | ResponseError]:
        """Send jobs of one task in one request: for each, in their order, what `submit` would return or raise."""
        ...
