"""The Tasks extension of MCP (SEP-2663): a client that knows it gets a handle in place of a result that takes time.

A job outlives this server, so the handle is the job's id, and the state of a task is asked for where the job is. A
handle of an earlier process works too.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from mcp_types import CallToolResult, RequestParams

from cl_client.cli.mcp.content import job_content

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

    from cl_client.jobs.handle import Job
    from cl_client.wire.types import JSONObject, JSONValue

Output = TypeVar("Output")

IDENTIFIER: Final = "io.modelcontextprotocol/tasks"

_PAUSE: Final = 1000
"""Milliseconds between two questions of a client."""

_STATUS: Final = {"completed": "completed", "failed": "completed", "cancelled": "cancelled"}
"""By the status of a job. A job that failed is a result that says so: `failed` is for errors of the protocol."""


class TaskParams(RequestParams):
    """The parameters of `tasks/get`, `tasks/cancel` and `tasks/update`."""

    task_id: str


def is_known_to(context: ServerRequestContext[None]) -> bool:
    """Whether the client of a request knows the extension: without that, it never gets a handle."""
    known = context.session.client_capabilities
    return known is not None and IDENTIFIER in (known.extensions or {})


def handle(job: Job[Output]) -> JSONObject:
    """What a call returns in place of a result."""
    return {**_task(job), "resultType": "task"}


async def state(job: Job[Output]) -> JSONObject:
    """What `tasks/get` returns."""
    task = _task(job)
    if task["status"] == "completed":
        task["result"] = dumped(await job_content(job))
    return {**task, "resultType": "complete"}


def dumped(result: CallToolResult) -> JSONValue:
    """A result as it is sent."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def _task(job: Job[Output]) -> JSONObject:
    message = job.error_message or (job.status if job.done() else f"{job.status}, {job.progress} %")
    return {
        "taskId": job.job_id,
        "status": _STATUS.get(job.status, "working"),
        "statusMessage": message,
        "createdAt": _iso(job.created_at),
        "lastUpdatedAt": _iso(job.updated_at or job.created_at),
        "ttlMs": None,
        "pollIntervalMs": _PAUSE,
    }


def _iso(milliseconds: int | None) -> str:
    at = datetime.datetime.now(datetime.UTC)
    if milliseconds is not None:
        at = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
