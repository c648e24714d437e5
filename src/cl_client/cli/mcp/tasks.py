"""The Tasks extension of MCP (SEP-2663): a client that supports it gets a handle instead of waiting for the result.

The handle is the id of the job, and the state of a task is that of the job on the job server. Therefore, a handle stays
valid when the MCP server is restarted.
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
"""Milliseconds between two requests of a client."""

_STATUS: Final = {"completed": "completed", "failed": "completed", "cancelled": "cancelled"}
"""By the status of the job. A failed job is a completed task with an error: `failed` is for protocol errors."""


class TaskParams(RequestParams):
    """The parameters of `tasks/get`, `tasks/cancel` and `tasks/update`."""

    task_id: str


def is_known_to(context: ServerRequestContext[None]) -> bool:
    """Whether the client of a request supports the extension. Other clients never get a handle."""
    known = context.session.client_capabilities
    return known is not None and IDENTIFIER in (known.extensions or {})


def handle(job: Job[Output]) -> JSONObject:
    """The response to a call, instead of a result."""
    return {**_task(job), "resultType": "task"}


async def state(job: Job[Output]) -> JSONObject:
    """The response to `tasks/get`."""
    task = _task(job)
    if task["status"] == "completed":
        task["result"] = dumped(await job_content(job))
    return {**task, "resultType": "complete"}


def dumped(result: CallToolResult) -> JSONValue:
    """A result in the form in which it is sent."""
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
