"""Submit, find, cancel and delete jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TypeVar

from cl_client.config.addresses import without_secrets
from cl_client.errors import InvalidParameterError
from cl_client.http import telemetry
from cl_client.http.idempotency import fresh_key
from cl_client.http.stored_file import UploadRoute
from cl_client.http.upload import Upload
from cl_client.jobs.by_id import JobsById
from cl_client.jobs.follow import NOT_FOLLOWED, Follow
from cl_client.jobs.handle import Job
from cl_client.jobs.operation import Operation
from cl_client.jobs.plain_value import as_json, plain_body
from cl_client.jobs.submitter import Submitter
from cl_client.model import JobFile, JobResponse, JobState
from cl_client.server.port import JobServer
from cl_client.watching.job_reader import JobReader
from cl_client.watching.watch import JobCallback
from cl_client.watching.watcher import Watcher
from cl_client.wire.client import Client
from cl_client.wire.types import JSONObject

__all__ = ["Job", "JobCallback", "JobFile", "JobResponse", "Jobs"]

logger = logging.getLogger(__name__)

Body = TypeVar("Body")
Output = TypeVar("Output")


class Jobs(JobsById):
    """Submits, finds, cancels and deletes jobs. `client.jobs` is an instance."""

    def __init__(
        self, server: JobServer, watcher: Watcher, reader: JobReader, api: Client, submitter: Submitter
    ) -> None:
        super().__init__(server, watcher, reader)
        self.api: Client = api
        self._submitter = submitter

    def __repr__(self) -> str:
        return f"<Jobs of {without_secrets(self.api.base_url)}>"

    async def submit(
        self,
        operation: Operation[Body, Output],
        body: Body,
        follow: Follow = NOT_FOLLOWED,
        labels: Mapping[str, str] | None = None,
    ) -> Job[Output]:
        """Submit a job, and follow it if requested.

        Args:
            operation: From generated code, or made from a path with `posted`.
            body: Body of the operation. NumPy numbers and arrays are sent as plain ones.
            follow: Whether to wait, the callbacks, and the idempotency key.
            labels: Labels of the job, to find it again with `list`.

        Raises:
            UnsupportedError: The server has no labels. Nothing was sent.
            InvalidParameterError: The body has a value that JSON can't represent. Nothing was sent.
            ResponseError: The server refuses the job.
            ServerUnreachableError: The server doesn't answer.
            JobFailedError, WaitTimeoutError: With `wait`, as `Job.wait`.
        """
        if follow.wait or follow.is_heard:
            # The connection to the broker is made while the file is on its way.
            self.watcher.start()
        about = {telemetry.TASK_TYPE: operation.task_type}
        with telemetry.span("cl_client.submit", about) as learned, as_json(operation.task_type):
            key = follow.idempotency_key or fresh_key()
            created = await self._submitter.submit(operation, plain_body(body), key, labels)
            learned[telemetry.JOB_ID] = created.job_id
        job = Job(
            self,
            created.job_id,
            operation.task_type,
            status_word=created.status,
            decode=operation.decode,
            artifact=operation.artifact,
        )
        watch = job.follow(follow.on_progress, follow.on_complete) if follow.is_heard else None
        if follow.wait:
            with contextlib.nullcontext() if follow.cancel_with_wait else _named_when_cancelled(job.job_id):
                await job.wait(follow.timeout, cancel_with_wait=follow.cancel_with_wait)
                if watch is not None:
                    await watch.end()
        return job

    async def store(self, route: UploadRoute, file: Upload) -> str:
        """Put a file where the server says to, before the job that it is for; what stands for it there.

        Raises:
            InputFileError: it cannot be read.
            ResponseError: the server gives no address for it, or what is there does not take it.
            ServerUnreachableError: one of both does not answer.
        """
        return await self.job_server.store(route, file)

    async def get(self, job_id: str) -> Job[JSONObject]:
        """Get the handle of a job by its id, even if another client submitted it.

        Its `output` is a plain dictionary. For a typed output, use `attach` of the plugin.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
        """
        return self._untyped(await self.fetch(job_id), job_id)

    async def list(
        self,
        *,
        status: str | None = None,
        task_type: str | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[Job[JSONObject]]:
        """Iterate over your jobs, newest first. Admins see the jobs of all users. Pages are requested as needed.

        Args:
            status: Only jobs that are `queued`, `processing`, `completed`, `failed` or `cancelled`.
            task_type: Only jobs of this kind, such as `hash`.
            labels: Only jobs with all of these labels, such as `{"album": "summer"}`.
            limit: The maximum number of jobs. Default: all.

        Raises:
            InvalidParameterError: `limit` is negative.
            ValidationError: The server doesn't know the status.
            UnsupportedError: The server can't list jobs, or has no labels.
        """
        cursor: str | None = None
        if limit is not None and limit < 0:
            raise InvalidParameterError(f"limit is {limit}, and has to be at least 0")
        left = -1 if limit is None else limit
        while left != 0:
            page = await self.job_server.page(status=status, task_type=task_type, cursor=cursor, labels=labels)
            for state in page.jobs:
                if left == 0:
                    return
                yield self._untyped(state, state.job_id)
                left -= 1
            if page.cursor is None or page.cursor == cursor:
                return
            cursor = page.cursor

    async def retry(self, job_id: str) -> Job[JSONObject]:
        """Run a failed or cancelled job again, as a new job with its own id.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            ConflictError: The job neither failed nor was cancelled.
            UnsupportedError: The server can't retry jobs.
        """
        new = await self.job_server.retry(job_id)
        artifact = self.job_server.artifact(new.task_type)
        return Job(self, new.job_id, new.task_type, status_word=new.status, decode=dict, artifact=artifact)

    async def attach(self, operation: Operation[Body, Output], job: str | JobState) -> Job[Output]:
        """Get the typed handle of an existing job, by its id or by a saved state.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            InvalidParameterError: The job is of another kind.
        """
        state = await self.fetch(job) if isinstance(job, str) else job
        # A server that does not say which kind it is cannot be wrong about it.
        if state.task_type not in ("", operation.task_type):
            raise InvalidParameterError(f"job {state.job_id} is a {state.task_type}, no {operation.task_type}")
        return Job(
            self, state.job_id, state.task_type, state=state, decode=operation.decode, artifact=operation.artifact
        )

    def _untyped(self, state: JobState, job_id: str) -> Job[JSONObject]:
        artifact = self.job_server.artifact(state.task_type)
        return Job(self, job_id, state.task_type, state=state, decode=dict, artifact=artifact)


@contextlib.contextmanager
def _named_when_cancelled(job_id: str) -> Generator[None]:
    """Add the job's id to a `CancelledError`, because the caller never got the handle."""
    try:
        yield
    except asyncio.CancelledError as cancelled:
        how = f"job {job_id} keeps running: `client.wait_for_job({job_id!r})` waits for it again"
        cancelled.add_note(how)
        logger.info("the wait was cancelled; %s", how)
        raise
