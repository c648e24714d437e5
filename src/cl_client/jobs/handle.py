"""The handle of one job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar, overload

from attrs import evolve

from cl_client.config.seconds import seconds
from cl_client.errors import (
    ComputeClientError,
    ConflictError,
    DownloadError,
    InvalidParameterError,
    WaitTimeoutError,
)
from cl_client.files.download import DownloadCallback
from cl_client.files.open_file import Writable
from cl_client.http import telemetry
from cl_client.jobs.by_id import JobsById
from cl_client.jobs.content import array_in, image_in
from cl_client.jobs.known_job import KnownJob
from cl_client.model import JobFile, JobLog, JobState, LogLine
from cl_client.server import status
from cl_client.watching.event import supersedes
from cl_client.watching.watch import JobCallback, Watch
from cl_client.wire.types import JSONValue

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image


Output = TypeVar("Output")

_FAREWELL: Final = 5.0
"""Seconds that a wait which ends may take to cancel its job."""


class Job(KnownJob[Output], Generic[Output]):
    """The handle of a job on the server.

    It has the attributes of `JobState`, with the latest known values. They change while you wait for the job or watch
    it, and when you call `refresh`. Times are `None` before the first response with them.
    """

    def __init__(
        self,
        jobs: JobsById,
        job_id: str,
        task_type: str,
        *,
        state: JobState | None = None,
        status_word: str = status.QUEUED,
        decode: Callable[[Mapping[str, JSONValue]], Output],
        artifact: str | None = None,
    ) -> None:
        super().__init__(job_id, task_type, state, status_word, decode, artifact)
        self._jobs = jobs

    async def wait(self, timeout: float | None = None, *, cancel_with_wait: bool = False) -> Job[Output]:
        """Wait until the job has completed.

        If the wait is cancelled (`asyncio.timeout`, `task.cancel()`, Ctrl-C), the job keeps running on the server.

        Args:
            timeout: Seconds to wait. Default: no limit.
            cancel_with_wait: Cancel the job on the server if the wait ends before the job does.

        Raises:
            JobFailedError: The job failed, or (`JobCancelledError`) it was cancelled.
            WaitTimeoutError: The timeout ended the wait. Without `cancel_with_wait`, the job keeps running.
            JobNotFoundError: The job was deleted.
        """
        timeout = seconds("timeout", timeout)
        then = self._stopped if cancel_with_wait else self._left
        with self._waiting():
            # A submit that was sent again may hear that the job has ended already, but not how.
            if self.state is None or not self.done():
                with self._listening() as watch:
                    try:
                        await asyncio.wait_for(watch.end(), timeout)
                    except TimeoutError:
                        # It may have ended in the very moment.
                        if not self.done():
                            raise self._timed_out(timeout, self.status, await then()) from None
                    except asyncio.CancelledError as cancelled:
                        if cancel_with_wait:
                            cancelled.add_note(f"job {self.job_id}: {await then()}")
                        raise
            self._completed()
        return self

    async def poll(self, interval: float, timeout: float | None = None) -> Job[Output]:
        """Wait as in `wait`, but request the state every `interval` seconds instead of listening to the broker."""
        pause, timeout = seconds("interval", interval) or 0.0, seconds("timeout", timeout)
        known = self.done()
        with self._waiting():
            try:
                async with asyncio.timeout(timeout):
                    while not (await self.refresh()).done():  # noqa: ASYNC110 (polling is what was asked for)
                        await asyncio.sleep(pause)
            except TimeoutError as error:
                if isinstance(error, ComputeClientError):
                    raise
                raise self._timed_out(timeout, self.status, await self._left()) from None
            if self.state is not None and not known:
                telemetry.job_ended(self.state)
            self._completed()
        return self

    async def events(self) -> AsyncGenerator[JobState]:
        """Iterate over the states of the job, until it ends. A slow reader skips states, but always gets the last one.

        Raises:
            JobNotFoundError: The job was deleted.
        """
        with self._listening() as watch:
            async for state in watch.states():
                yield state

    async def refresh(self) -> Job[Output]:
        """Request the current state from the server, and return this handle. Callbacks don't hear of it.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            ServerUnreachableError: The server doesn't answer.
        """
        self._state = await self._jobs.fetch(self.job_id)
        return self

    async def cancel(self) -> Job[Output]:
        """Cancel the job on the server. A running job stops a moment later; wait for it as for any other end.

        Raises:
            ConflictError: The job has already completed or failed.
            UnsupportedError: The server can't cancel jobs.
        """
        self._hear(await self._jobs.cancel(self.job_id))
        return self

    async def retry(self) -> Job[Output]:
        """Run a failed or cancelled job again, as a new job with its own id.

        Raises:
            ConflictError: The job neither failed nor was cancelled.
            UnsupportedError: The server can't retry jobs.
        """
        again = await self._jobs.job_server.retry(self.job_id)
        return Job(
            self._jobs,
            again.job_id,
            again.task_type,
            status_word=again.status,
            decode=self._decode,
            artifact=self._artifact,
        )

    async def files(self) -> Sequence[JobFile]:
        """List the files of the job: the uploaded ones in `input/`, and the results in `output/`.

        Each has a path relative to the job, a size in bytes and, if the server computes them, a SHA-256.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server can't list files.
        """
        return await self._jobs.files(self.job_id)

    async def log(self, *, offset: int = 0) -> JobLog:
        """Get the log of the job: the lines that workers wrote about it, such as warnings and the reason of a failure.

        Args:
            offset: Get only lines with a larger `number` than this. Default: all that the server has.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server has no logs of jobs.
        """
        return await self._jobs.log(self.job_id, offset=offset)

    async def follow_log(self, *, offset: int = 0, interval: float = 1.0) -> AsyncGenerator[LogLine]:
        """Iterate over the lines in the log of the job, until the job ends. `interval` is in seconds.

        Raises: as `log`.
        """
        async for line in self._jobs.follow_log(self.job_id, offset=offset, interval=interval):
            yield line

    async def delete(self) -> None:
        """Delete the job and its files on the server. A running job is cancelled first. This can't be undone.

        A wait for the job, here or in another process, ends with `JobNotFoundError`.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server can't delete jobs.
        """
        await self._jobs.delete(self.job_id)

    @overload
    async def download(
        self,
        dest: str | os.PathLike[str],
        file_path: str | None = None,
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path: ...

    @overload
    async def download(
        self, dest: Writable, file_path: str | None = None, *, on_progress: DownloadCallback | None = None
    ) -> int: ...

    async def download(
        self,
        dest: str | os.PathLike[str] | Writable,
        file_path: str | None = None,
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path | int:
        """Download a file of the job. Leaves no incomplete file behind.

        Args:
            dest: Path of a file, path of an existing folder, or a file that is open for writing bytes.
            file_path: Path of the file in the job. Default: the main file of the output.
            on_progress: Called with the bytes received and, if known, the total.

        Returns:
            The path of the downloaded file. For an open file, the number of bytes written.

        Raises:
            InvalidParameterError: The job has no main file, or `file_path` leads out of the job.
            DownloadError: The file arrived incomplete, or can't be written.
        """
        return await self._jobs.download(self.job_id, self._path(file_path), dest, on_progress=on_progress)

    async def read(self, file_path: str | None = None, *, on_progress: DownloadCallback | None = None) -> bytes:
        """Read a file of the job into memory. For large files, use `download`.

        Args:
            file_path: Path of the file in the job. Default: the main file of the output.
            on_progress: Called with the bytes received and, if known, the total.

        Raises:
            InvalidParameterError: The job has no main file, or `file_path` leads out of the job.
            NotFoundError: The file doesn't exist.
            DownloadError: The file arrived incomplete.
        """
        return await self._jobs.read(self.job_id, self._path(file_path), on_progress=on_progress)

    async def array(self, file_path: str | None = None) -> NDArray[numpy.float32]:
        """Read an `.npy` file of the job, such as an embedding: shape (dimensions,), or (faces, dimensions).

        Args:
            file_path: Path of the file in the job. Default: the main file of the output.

        Raises:
            InvalidParameterError: The file isn't an array.
            ComputeClientError: NumPy isn't installed.
            NotFoundError, DownloadError: As `read`.
        """
        path = self._path(file_path)
        return array_in(await self.read(path), path)

    async def image(self, file_path: str | None = None) -> Image.Image:
        """Read a picture of the job with Pillow.

        Args:
            file_path: Path of the file in the job. Default: the main file of the output.

        Raises:
            InvalidParameterError: Pillow can't read the file.
            ComputeClientError: Pillow isn't installed.
            NotFoundError, DownloadError: As `read`.
        """
        path = self._path(file_path)
        image = await asyncio.to_thread(image_in, await self.read(path), path)
        self._seen = weakref.ref(image)
        return image

    async def download_all(
        self,
        folder: str | os.PathLike[str],
        *,
        concurrency: int = 4,
        on_progress: DownloadCallback | None = None,
    ) -> Sequence[Path]:
        """Download all result files of the job, such as the playlists and segments of a stream.

        The files get the names in the job's `output`. The client never writes outside the folder. A server that can't
        list files still has the main one, and what that names as a playlist.

        Args:
            folder: Path of the folder, which is created if necessary.
            concurrency: Files to download at the same time.
            on_progress: Called with the bytes written for all files, and the total.

        Returns:
            The paths of the files. Empty if the job made no files.

        Raises:
            DownloadError: A file arrived incomplete, can't be written, or has a name that leads out of the folder.
            UnsupportedError: The server can't list files, and doesn't say which is the main one.
        """
        main = self.artifact if self.status == status.COMPLETED else None
        return await self._jobs.download_files(
            self.job_id, folder, concurrency=concurrency, on_progress=on_progress, main=main
        )

    def follow(self, on_progress: JobCallback | None = None, on_complete: JobCallback | None = None) -> Watch:
        """Follow the job with callbacks, and keep this handle up to date."""
        return self._jobs.watcher.watch(self.job_id, on_progress, on_complete, mirror=self._hear)

    def _hear(self, state: JobState) -> None:
        if supersedes(state, self._state):
            # Events of the broker may leave labels out, which never change.
            known = dict(self.labels)
            self._state = state if state.labels or not known else evolve(state, labels=known)

    @contextlib.contextmanager
    def _listening(self) -> Generator[Watch]:
        watch = self.follow()
        try:
            yield watch
        finally:
            self._jobs.watcher.unwatch(watch.id)

    @contextlib.contextmanager
    def _waiting(self) -> Generator[None]:
        about = {telemetry.JOB_ID: self.job_id, telemetry.TASK_TYPE: self.task_type}
        with telemetry.span("cl_client.wait", about) as learned:
            try:
                yield
            finally:
                learned[telemetry.OUTCOME] = self.status

    async def _left(self) -> str:
        return "it keeps running"

    async def _stopped(self) -> str:
        """Have the server cancel the job, in a few seconds at most: the caller is about to leave. Says how it went."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._jobs.cancel(self.job_id)
        except TimeoutError:
            return "it keeps running, because the server did not answer"
        except ConflictError:
            return "it has ended"
        except ComputeClientError as error:
            return f"it keeps running: {error.reason}"
        return "it was cancelled"

    def _timed_out(self, timeout: float | None, was: str, then: str) -> WaitTimeoutError:
        return WaitTimeoutError(
            f"job {self.job_id} is still {was} after {timeout or 0:g} s; {then}",
            job_id=self.job_id,
            hint=f"wait for it again: await client.wait_for_job({self.job_id!r})",
        )

    def _path(self, file_path: str | None) -> str:
        path = file_path if file_path is not None else self.artifact
        if path is None and self.makes_file:
            raise DownloadError(
                f"job {self.job_id} has completed, and the server does not say where its file is",
                job_id=self.job_id,
                hint="its path may be in job.task_output, job.params or await job.files(): give it as file_path",
            )
        if path is None:
            raise InvalidParameterError(f"a {self.task_type} job makes no file: its result is in job.output")
        return path
