"""The handle of one job."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from cl_client.config.seconds import seconds
from cl_client.errors import (
    ComputeClientError,
    InvalidParameterError,
    JobCancelledError,
    JobFailedError,
    ResponseError,
    WaitTimeoutError,
)
from cl_client.files.download import DownloadCallback
from cl_client.http import telemetry
from cl_client.model import JobFile, JobState
from cl_client.server import status
from cl_client.watching.event import supersedes
from cl_client.watching.watch import JobCallback, Watch
from cl_client.wire.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from cl_client.jobs.collection import Jobs

Output = TypeVar("Output")


class Job(Generic[Output]):
    """A job on the server: what is known of it, and what can be done with it.

    It has the attributes of `JobState`. They say what was last heard: they move while the job is waited for or
    watched, and with `refresh`. Before the first word from the server, times are `None`.
    """

    def __init__(
        self,
        jobs: Jobs,
        job_id: str,
        task_type: str,
        *,
        state: JobState | None = None,
        status_word: str = status.QUEUED,
        decode: Callable[[Mapping[str, JSONValue]], Output],
        artifact: str | None = None,
    ) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._task_type = task_type
        self._status_word = status_word
        self._state = state
        self._decode = decode
        self._artifact = artifact

    def __repr__(self) -> str:
        return f"<Job {self.job_id} {self.task_type} {self.status} {self.progress} %>"

    @property
    def job_id(self) -> str:
        """The id, an opaque string."""
        return self._job_id

    @property
    def task_type(self) -> str:
        """The kind of the job, such as `image_conversion`."""
        return self._task_type

    @property
    def state(self) -> JobState | None:
        """All that was last heard of the job, `None` before the first word."""
        return self._state

    @property
    def status(self) -> str:
        """`queued`, `processing`, `completed`, `failed` or `cancelled`, or a newer word of a newer server."""
        return self.state.status if self.state is not None else self._status_word

    @property
    def done(self) -> bool:
        """Whether the job has ended, well or not."""
        return status.is_terminal(self.status)

    @property
    def progress(self) -> int:
        """0 to 100, in per cent."""
        return self.state.progress if self.state is not None else 0

    @property
    def params(self) -> JSONObject:
        """The parameters of the job as the server keeps them."""
        return self.state.params if self.state is not None else {}

    @property
    def task_output(self) -> JSONObject | None:
        """The output as it came; `output` is the typed one."""
        return self.state.task_output if self.state is not None else None

    @property
    def error_message(self) -> str | None:
        """Why it failed, where it did."""
        return self.state.error_message if self.state is not None else None

    @property
    def priority(self) -> int | None:
        """0 to 10; higher goes first."""
        return self.state.priority if self.state is not None else None

    @property
    def created_at(self) -> int | None:
        """UTC milliseconds."""
        return self.state.created_at if self.state is not None else None

    @property
    def updated_at(self) -> int | None:
        """UTC milliseconds."""
        return self.state.updated_at if self.state is not None else None

    @property
    def started_at(self) -> int | None:
        """UTC milliseconds, `None` while it is queued."""
        return self.state.started_at if self.state is not None else None

    @property
    def completed_at(self) -> int | None:
        """UTC milliseconds, `None` until it has ended."""
        return self.state.completed_at if self.state is not None else None

    @property
    def output(self) -> Output:
        """The typed output.

        Raises:
            JobFailedError: the job failed or was cancelled.
            ComputeClientError: the job has not ended, as far as is known.
            ResponseError: the output is not what the spec promises.
        """
        state = self._completed()
        try:
            return self._decode(state.task_output or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResponseError(
                f"the output of job {self.job_id} is not what the spec of {self.task_type} promises: {error!r}",
                job_id=self.job_id,
                hint="regenerate the client from this server, or read job.task_output",
            ) from error

    @property
    def artifact(self) -> str | None:
        """The path of the job's main file, relative to the job; `None` where the output is all there is.

        Raises: as `output`.
        """
        output = self._completed().task_output or {}
        if self._artifact is None or "/" in self._artifact:
            return self._artifact
        path = output.get(self._artifact)
        return path if isinstance(path, str) else None

    async def wait(self, timeout: float | None = None) -> Job[Output]:
        """Wait until the job has completed.

        Args:
            timeout: seconds; `None` waits as long as it takes.

        Raises:
            JobFailedError: it failed (`JobCancelledError`: it was cancelled).
            WaitTimeoutError: it did not end in time; the job keeps running.
            JobNotFoundError: it was deleted.
        """
        timeout = seconds("timeout", timeout)
        with self._waiting():
            # A submit that was sent again may hear that the job has ended already, but not how.
            if self.state is None or not self.done:
                with self._listening() as watch:
                    try:
                        await asyncio.wait_for(watch.end(), timeout)
                    except TimeoutError:
                        # It may have ended in the very moment.
                        if not self.done:
                            raise self._timed_out(timeout) from None
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
                raise self._timed_out(timeout) from None
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
        again = await self._jobs.retry(self.job_id)
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

    async def download(
        self,
        dest: str | os.PathLike[str],
        file_path: str | None = None,
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path:
        """Download a file of the job.

        Args:
            dest: a file name, or a folder that exists.
            file_path: relative to the job; the main file of its output when not given.
            on_progress: called with the bytes written, and the bytes in all where known.

        Raises:
            InvalidParameterError: the job has no main file, or `file_path` points outside of it.
            DownloadError: it did not arrive whole, or cannot be written.
        """
        path = file_path if file_path is not None else self.artifact
        if path is None:
            raise InvalidParameterError(f"a {self.task_type} job makes no file: its result is in job.output")
        return await self._jobs.download(self.job_id, path, dest, on_progress=on_progress)

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

    def _timed_out(self, timeout: float | None) -> WaitTimeoutError:
        return WaitTimeoutError(
            f"job {self.job_id} is still {self.status} after {timeout or 0:g} s; it keeps running",
            job_id=self.job_id,
            hint=f"wait for it again: await client.wait_for_job({self.job_id!r})",
        )

    def _completed(self) -> JobState:
        state = self.state
        if state is None or not status.is_terminal(state.status):
            raise ComputeClientError(f"job {self.job_id} is {self.status}: wait for it first", job_id=self.job_id)
        if state.status != status.COMPLETED:
            raise (JobCancelledError if state.status == status.CANCELLED else JobFailedError)(state)
        return state
