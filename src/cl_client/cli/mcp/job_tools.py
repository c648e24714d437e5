"""The tools for existing jobs: wait, find, retry, cancel, download."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from attrs import frozen

from cl_client.cli.mcp.command_tool import WAIT, check_names
from cl_client.cli.mcp.content import job_content, value_content
from cl_client.cli.running.saving import fetch_into
from cl_client.errors import InvalidParameterError
from cl_client.runtime.command import labels_of
from cl_client.wire.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from mcp_types import CallToolResult

    from cl_client.cli.mcp.call import Call

Value = TypeVar("Value", str, int, float, bool)

_STATUSES: Final = ["queued", "processing", "completed", "failed", "cancelled"]
_MOST_FOUND: Final = 200
_KINDS: Final = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
_JOB: Final[JSONObject] = {"type": "string", "description": "The id of the job."}


@frozen
class JobTool:
    """A tool for existing jobs.

    Attributes:
        name: The name of the tool.
        description: What the tool does.
        properties: The parameters, as JSON Schema.
        required: The names of the required parameters.
        reads: Whether the tool only reads.
        run: Runs the tool.
    """

    name: str
    description: str
    properties: JSONObject
    required: tuple[str, ...]
    reads: bool
    run: Callable[[Call, Mapping[str, JSONValue]], Awaitable[CallToolResult]]

    def input_schema(self) -> JSONObject:
        return {
            "type": "object",
            "properties": self.properties,
            "required": [*self.required],
            "additionalProperties": False,
        }

    def check(self, values: Mapping[str, JSONValue]) -> None:
        """Check the names of the parameters.

        Raises:
            InvalidParameterError: A parameter is unknown, or a required one is missing.
        """
        check_names(self.name, values, self.properties, self.required)


async def _wait(call: Call, values: Mapping[str, JSONValue]) -> CallToolResult:
    client = await call.client()
    job = await client.jobs.get(_given(values, "job_id", str, ""))
    return await call.followed(job, _given(values, "timeout", float, WAIT))


async def _find_jobs(call: Call, values: Mapping[str, JSONValue]) -> CallToolResult:
    client = await call.client()
    limit = _given(values, "limit", int, 20)
    if not 1 <= limit <= _MOST_FOUND:
        raise InvalidParameterError(f"limit is {limit}, and has to be between 1 and {_MOST_FOUND}")
    found = client.jobs.list(
        status=cast("str | None", values.get("status")),
        task_type=cast("str | None", values.get("task")),
        labels=labels_of(_texts(values, "label")),
        limit=limit,
    )
    jobs: list[JSONValue] = [
        {
            "job_id": job.job_id,
            "status": job.status,
            "task_type": job.task_type,
            "progress": job.progress,
            "created_at": job.created_at,
            "labels": dict(job.labels),
            "error": job.error_message,
        }
        async for job in found
    ]
    return value_content({"jobs": jobs})


async def _retry(call: Call, values: Mapping[str, JSONValue]) -> CallToolResult:
    client = await call.client()
    job = await client.jobs.retry(_given(values, "job_id", str, ""))
    return await job_content(job, note=f"wait for it: wait(job_id={job.job_id!r})")


async def _cancel(call: Call, values: Mapping[str, JSONValue]) -> CallToolResult:
    client = await call.client()
    state = await client.jobs.cancel(_given(values, "job_id", str, ""))
    return value_content({"job_id": state.job_id, "status": state.status, "task_type": state.task_type})


async def _download(call: Call, values: Mapping[str, JSONValue]) -> CallToolResult:
    client = await call.client()
    job_id = _given(values, "job_id", str, "")
    folder = Path(_given(values, "folder", str, "."))
    path = _given(values, "path", str, "")
    call.check_place(folder)
    overwrite = _given(values, "overwrite", bool, default=False)
    if path:
        target = await asyncio.to_thread(_free, folder / Path(path).name, overwrite=overwrite)
        saved = [await client.jobs.download(job_id, path, target)]
    else:
        saved = await fetch_into(await client.jobs.get(job_id), folder, overwrite=overwrite)
    return value_content({"job_id": job_id, "saved": [str(file) for file in saved]})


def _free(target: Path, *, overwrite: bool) -> Path:
    if target.exists() and not overwrite:
        raise InvalidParameterError(f"{target} already exists", hint="to replace it, set overwrite to true")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _texts(values: Mapping[str, JSONValue], name: str) -> list[str] | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidParameterError(f"{name} has to be a list of strings")
    return [str(each) for each in value]


def _given(values: Mapping[str, JSONValue], name: str, kind: type[Value], default: Value) -> Value:
    value = values.get(name)
    if value is None:
        return default
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidParameterError(f"{name} is {value!r}, and has to be {_KINDS[kind]}")
    return value


JOB_TOOLS: Final = (
    JobTool(
        "wait",
        "Wait for a job and return its result.",
        {
            "job_id": _JOB,
            "timeout": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": f"Seconds to wait. Default: {WAIT:g}. The job keeps running.",
            },
        },
        ("job_id",),
        True,
        _wait,
    ),
    JobTool(
        "find_jobs",
        "List jobs, newest first.",
        {
            "status": {"enum": [*_STATUSES], "description": "Only jobs with this status."},
            "task": {"type": "string", "description": "Only jobs of this kind, such as hash."},
            "label": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Only jobs with all of these labels, each as NAME=VALUE.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": _MOST_FOUND,
                "description": "The maximum number of jobs. Default: 20.",
            },
        },
        (),
        True,
        _find_jobs,
    ),
    JobTool(
        "retry",
        "Run a failed or cancelled job again, as a new job with its own id.",
        {"job_id": _JOB},
        ("job_id",),
        False,
        _retry,
    ),
    JobTool("cancel", "Cancel a job.", {"job_id": _JOB}, ("job_id",), False, _cancel),
    JobTool(
        "download",
        "Save the result files of a job on this machine.",
        {
            "job_id": _JOB,
            "path": {"type": "string", "description": "The path of one file, as in the result. Default: all files."},
            "folder": {
                "type": "string",
                "description": "The folder for the files. Default: the current folder.",
            },
            "overwrite": {"type": "boolean", "description": "Replace existing files."},
        },
        ("job_id",),
        False,
        _download,
    ),
)
