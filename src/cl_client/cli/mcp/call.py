"""A call of a tool, and the connection to the job server that all calls share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mcp.server import ServerRequestContext

from cl_client.cli.mcp import tasks
from cl_client.cli.mcp.command_tool import WAIT, JobCall
from cl_client.cli.mcp.content import job_content
from cl_client.cli.running.originals import Originals, Suffixes
from cl_client.cli.running.saving import save
from cl_client.cli.running.sources import called
from cl_client.errors import ComputeClientError, InvalidParameterError, WaitTimeoutError
from cl_client.runtime.command import Place, source

if TYPE_CHECKING:
    from mcp_types import CallToolResult

    from cl_client.cli.running.run import Run
    from cl_client.job_client import JobClient
    from cl_client.jobs.handle import Job
    from cl_client.model import JobState
    from cl_client.wire.client import Client
    from cl_client.wire.types import JSONObject

Output = TypeVar("Output")
Context = ServerRequestContext[None]


class Connection:
    """The client of the job server. It is made for the first call that needs it, and kept."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = asyncio.Lock()
        self._open = contextlib.AsyncExitStack()
        self._client: JobClient | None = None
        self._api: Client | None = None

    async def client(self) -> JobClient:
        """Get the client of a server with jobs. Raises as `Run.client`."""
        async with self._lock:
            if self._client is None:
                self._client = await self._open.enter_async_context(self._run.client())
                self._client.jobs.watcher.start()
            return self._client

    async def api(self) -> Client:
        """Get the wire layer for operations. Raises as `Run.api`."""
        if self._run.program.plugins:
            return (await self.client()).api
        async with self._lock:
            if self._api is None:
                self._api = await self._open.enter_async_context(self._run.api())
            return self._api

    async def close(self) -> None:
        await self._open.aclose()


class Call:
    """One call of a tool.

    Args:
        connection: to the job server.
        context: of the request.
        folders: where files may be read and written; anywhere, when there are none.
    """

    def __init__(self, connection: Connection, context: Context, folders: Sequence[Path]) -> None:
        self._connection = connection
        self._context = context
        self._folders = folders

    async def client(self) -> JobClient:
        """A client that is signed in; raises as `Run.client`."""
        return await self._connection.client()

    def check_place(self, place: Path) -> None:
        """Hold a path against the folders that the user allowed.

        Raises:
            InvalidParameterError: it is in none of them.
        """
        if place.name == "-":
            raise InvalidParameterError("stdin and stdout belong to the protocol: pass a path or a URL")
        full = place.resolve()
        if self._folders and not any(full.is_relative_to(folder) for folder in self._folders):
            raise InvalidParameterError(
                f"{place} is outside of the permitted folders: {', '.join(map(str, self._folders))}",
                hint="the user can permit more folders with --folder",
            )

    async def submitted(self, call: JobCall) -> CallToolResult | JSONObject:
        """Submit a job, and give its result, its id, or the handle of a task."""
        client = await self.client()
        method, options, file = call.method(client.jobs), call.options, call.file
        originals = Originals([file], overwrite=options.overwrite)
        if options.output is not None:
            originals.check_output(options.output, called(file) if file else "job", Suffixes.of(method, pictures=False))
        job = await (method() if file is None else method(source(file)))
        # A handle has no place for what happens on this machine afterwards.
        if options.output is None and tasks.is_known_to(self._context):
            return tasks.handle(await job.refresh())
        timeout = WAIT if options.timeout is None else options.timeout
        return await self.followed(job, timeout, options.output, originals, called(file) if file else "job")

    async def followed(
        self,
        job: Job[Output],
        timeout: float,
        output: Place | None = None,
        originals: Originals | None = None,
        name: str = "job",
    ) -> CallToolResult:
        """Wait for a job, telling its progress, and give its result.

        A request that is cancelled cancels the job that it submitted.

        Args:
            job: submitted.
            timeout: seconds; a job that takes longer keeps running, and the answer says how to go on.
            output: where the result is saved.
            originals: what is not replaced by it; given for a job that this call submitted.
            name: of the file that the job is about.
        """
        reports: asyncio.Queue[JobState] = asyncio.Queue()
        watch = job.follow(reports.put_nowait, None)
        reporting = asyncio.create_task(self._report(reports))
        try:
            await job.wait(timeout, cancel_with_wait=False)
        except WaitTimeoutError:
            return await job_content(job, note=f"the job is still running; call wait with job_id {job.job_id!r}")
        except asyncio.CancelledError:
            if originals is not None:
                with contextlib.suppress(ComputeClientError, TimeoutError):
                    await asyncio.shield(asyncio.wait_for(job.cancel(), 5))
            raise
        except ComputeClientError as error:
            if not job.done():
                raise
            return await job_content(job, note=error.hint)
        finally:
            reporting.cancel()
            (await self.client()).unsubscribe(watch.id)
        saved = (
            [] if output is None else await save(job, output, originals or Originals([], overwrite=False), name=name)
        )
        return await job_content(job, saved)

    async def _report(self, reports: asyncio.Queue[JobState]) -> None:
        while True:
            state = await reports.get()
            await self._context.session.report_progress(state.progress, 100, state.status)
