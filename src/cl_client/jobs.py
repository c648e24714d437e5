"""Submitting, finding and removing jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from attrs import evolve

from cl_api.compute.api.jobs import delete_job, get_job
from cl_api.compute.client import Client
from cl_api.compute.models import JobResponse
from cl_api.compute.types import JSONObject
from cl_client import status
from cl_client.download import DownloadCallback, download_job_file
from cl_client.errors import ResponseError
from cl_client.event import well_formed
from cl_client.job import Job
from cl_client.operation import Operation
from cl_client.transport import Transport, promised
from cl_client.upload import FormField
from cl_client.watch import JobCallback, Watch
from cl_client.watcher import Watcher

__all__ = ["Job", "JobCallback", "JobResponse", "Jobs"]

Body = TypeVar("Body")
Output = TypeVar("Output")


class Jobs:
    """Submits, finds and removes jobs. `client.jobs` is one."""

    def __init__(self, transport: Transport, watcher: Watcher, api: Client) -> None:
        self.watcher: Watcher = watcher
        self.api: Client = api
        self._transport = transport

    async def submit(
        self,
        operation: Operation[Body, Output],
        body: Body,
        *,
        wait: bool = False,
        timeout: float | None = None,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
    ) -> Job[Output]:
        """Send a job, and follow it where that is asked for.

        Args:
            operation: from generated code.
            body: of that operation.
            wait: come back when the job has completed, rather than when it is queued.
            timeout: seconds that `wait` may take.
            on_progress: called with every state that the job comes to.
            on_complete: called once, with the terminal state.

        Raises:
            ResponseError: the server does not take the job.
            ServerUnreachableError: there is no server.
            JobFailedError, WaitTimeoutError: with `wait`, as `Job.wait`.
        """
        self._expect_watch(wait, on_progress, on_complete)
        with promised():
            created = await operation.send(client=self.api, body=body)
        job = Job(
            self,
            created.job_id,
            operation.task_type,
            status_word=status.canonical(created.status),
            decode=operation.decode,
            artifact=operation.artifact,
        )
        return await self._follow(job, wait, timeout, on_progress, on_complete)

    async def submit_form(
        self,
        task_type: str,
        path: str,
        fields: Sequence[FormField],
        *,
        wait: bool = False,
        timeout: float | None = None,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
    ) -> Job[JSONObject]:
        """Send a job as a form that no generated code knows; otherwise as `submit`."""
        self._expect_watch(wait, on_progress, on_complete)
        created = await self._transport.post_form(path, fields)
        job = Job(self, created.job_id, task_type, status_word=status.canonical(created.status), decode=dict)
        return await self._follow(job, wait, timeout, on_progress, on_complete)

    def _expect_watch(self, wait: bool, on_progress: JobCallback | None, on_complete: JobCallback | None) -> None:
        """Let the connection to the broker be made while the file is on its way."""
        if wait or on_progress is not None or on_complete is not None:
            self.watcher.start()

    async def _follow(
        self,
        job: Job[Output],
        wait: bool,
        timeout: float | None,
        on_progress: JobCallback | None,
        on_complete: JobCallback | None,
    ) -> Job[Output]:
        watch: Watch | None = None
        if on_progress is not None or on_complete is not None:
            watch = job.follow(on_progress, on_complete)
        if wait:
            await job.wait(timeout)
        if wait and watch is not None:
            await watch.end()
        return job

    async def fetch(self, job_id: str) -> JobResponse:
        """The state of a job, asked from the server.

        Raises:
            JobNotFoundError: no such job, or not yours.
        """
        with promised():
            job = await get_job.asyncio(job_id, client=self.api)
        if not well_formed(job):
            raise ResponseError(f"the server's answer for job {job_id} is not what its spec promises", job_id=job_id)
        return evolve(job, status=status.canonical(job.status))

    async def get(self, job_id: str) -> Job[JSONObject]:
        """Attach to a job by its id, from wherever it was submitted. Its `output` is the untyped one."""
        state = await self.fetch(job_id)
        return Job(self, job_id, state.task_type, state=state, decode=dict)

    async def delete(self, job_id: str) -> None:
        """Remove a job and its files.

        Raises:
            JobNotFoundError: no such job, or not yours.
        """
        await delete_job.asyncio_detailed(job_id, client=self.api)

    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path:
        """Download a file of a job; as `Job.download`."""
        return await download_job_file(self._transport, job_id, file_path, dest, on_progress=on_progress)
