"""The handle of one job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar, overload

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
from cl_client.model import JobFile, JobState
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
    """A job on the server: what is known of it, and what can be done with it.

    It has the attributes of `JobState`. They say what was last heard: they move while the job is waited for or
    watched, and with `refresh`. Before the first word from the server, times are `None`.
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

        A wait that is cancelled (`asyncio.timeout`, `task.cancel()`, Ctrl-C) leaves the job running on the server.

        Args:
            timeout: seconds; `None` waits as long as it takes.
            cancel_with_wait: cancel the job on the server where the wait ends before the job does.

        Raises:
            JobFailedError: it failed (`JobCancelledError`: it was cancelled).
            WaitTimeoutError: it did not end in time; the job keeps running without `cancel_with_wait`.
            JobNotFoundError: it was deleted.
        """
        timeout = seconds("timeout", timeout)
        then = self._stopped if cancel_with_wait else self._left
        with self._waiting():
            # A submit that was sent again may hear that the job has ended already, but not how.
            if self.state is None or not self.done:
                with self._listening() as watch:
                    try:
                        await asyncio.wait_for(watch.end(), timeout)
                    except TimeoutError:
                        # It may have ended in the very moment.
                        if not self.done:
                            raise self._timed_out(timeout, self.status, await then()) from None
                    except asyncio.CancelledError as cancelled:
                        if cancel_with_wait:
                            cancelled.add_note(f"job {self.job_id}: {await then()}")
                        raise
            self._completed()
        return self

    async def poll(self, interval: float, timeout: float | None = None) -> Job[Output]:
        """As `wait`, by asking the server every `interval` seconds, with no broker."""
        pause, timeout = seconds("interval", interval) or 0.0, seconds("timeout", timeout)
        known = self.done
        with self._waiting():
            try:
                async with asyncio.timeout(timeout):
                    while not (await self.refresh()).done:  # noqa: ASYNC110 (polling is what was asked for)
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
        """Each state of the job from now on, the terminal one last. A slow reader gets the latest, and the end always.

        Raises:
            JobNotFoundError: the job was deleted.
        """
        with self._listening() as watch:
            async for state in watch.states():
                yield state

    async def refresh(self) -> Job[Output]:
        """Ask the server for the state now, and return this handle.

        Raises:
            JobNotFoundError: no such job, or not yours.
            ServerUnreachableError: the server does not answer.
        """
        self._state = await self._jobs.fetch(self.job_id)
        return self

    async def cancel(self) -> Job[Output]:
        """Have the server stop the job. One that runs is asked to, and its end comes as any other end does.

        Raises:
            ConflictError: it has ended already, otherwise.
            UnsupportedError: the server cannot cancel.
        """
        self._hear(await self._jobs.cancel(self.job_id))
        return self

    async def retry(self) -> Job[Output]:
        """Do a job that failed or was cancelled once more. It is a new job, with an id of its own.

        Raises:
            ConflictError: this one neither failed nor was cancelled.
            UnsupportedError: the server cannot do that.
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
        """List its files: `input/…` were sent, `output/…` were made. Each has a path, a size in bytes, a SHA-256 where
        the server knows it, and a media type.

        Raises:
            JobNotFoundError: no such job, or not yours.
            UnsupportedError: the server cannot list files.
        """
        return await self._jobs.files(self.job_id)

    async def delete(self) -> None:
        """Delete the job and its files on the server. A job that runs is cancelled first.

        Raises:
            JobNotFoundError: no such job, or not yours.
            UnsupportedError: the server cannot delete jobs.
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
        """Download a file of the job, all of it or nothing.

        Args:
            dest: a file name, a folder that exists, or a file that is open for writing bytes.
            file_path: relative to the job; the main file of its output when not given.
            on_progress: called with the bytes received, and the bytes in all where known.

        Returns:
            Where the file is; for an open file, the number of bytes written.

        Raises:
            InvalidParameterError: the job has no main file, or `file_path` points outside of it.
            DownloadError: it did not arrive whole, or cannot be written.
        """
        return await self._jobs.download(self.job_id, self._path(file_path), dest, on_progress=on_progress)

    async def read(self, file_path: str | None = None, *, on_progress: DownloadCallback | None = None) -> bytes:
        """The content of a file of the job. It is held in memory: `download` is for large files.

        Args:
            file_path: relative to the job; the main file of its output when not given.
            on_progress: called with the bytes received, and the bytes in all where known.

        Raises:
            InvalidParameterError: the job has no main file, or `file_path` points outside of it.
            NotFoundError: there is no such file.
            DownloadError: it did not arrive whole.
        """
        return await self._jobs.read(self.job_id, self._path(file_path), on_progress=on_progress)

    async def array(self, file_path: str | None = None) -> NDArray[numpy.float32]:
        """The numbers of an `.npy` file of the job, such as embeddings: shape (dimensions,), or (faces, dimensions).

        Args:
            file_path: relative to the job; the main file of its output when not given.

        Raises:
            InvalidParameterError: the file holds no array.
            ComputeClientError: NumPy is missing.
            NotFoundError, DownloadError: as `read`.
        """
        path = self._path(file_path)
        return array_in(await self.read(path), path)

    async def image(self, file_path: str | None = None) -> Image.Image:
        """A picture that the job made, decoded by Pillow.

        Args:
            file_path: relative to the job; the main file of its output when not given.

        Raises:
            InvalidParameterError: the file holds no picture that Pillow can read.
            ComputeClientError: Pillow is missing.
            NotFoundError, DownloadError: as `read`.
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
        """Download all files that the job made, such as the playlists and segments of a stream.

        They are called as in the job's `output`, and nothing is written outside of the folder.

        Args:
            folder: made where it is missing.
            concurrency: files at once.
            on_progress: called with the bytes written of all files, and the bytes in all.

        Returns:
            Where the files are; none, where the output is all there is.

        Raises:
            DownloadError: a file did not arrive whole, cannot be written, or has a name that points outside.
            UnsupportedError: the server is older, and cannot list files.
        """
        return await self._jobs.download_files(self.job_id, folder, concurrency=concurrency, on_progress=on_progress)

    def follow(self, on_progress: JobCallback | None = None, on_complete: JobCallback | None = None) -> Watch:
        """Listen, and call these as the job moves; the handle moves with them."""
        return self._jobs.watcher.watch(self.job_id, on_progress, on_complete, mirror=self._hear)

    def _hear(self, state: JobState) -> None:
        if supersedes(state, self._state):
            self._state = state

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
            return "it keeps running, for the server did not answer"
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
