"""The content of an MCP result: the output of a job as JSON, links to its files, and a small picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from cl_client.errors import ComputeClientError, DownloadError, InvalidParameterError, UnsupportedError

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job
    from cl_client.model import JobFile
    from cl_client.wire.types import JSONObject, JSONValue

Output = TypeVar("Output")

SCHEME: Final = "cl-job"
TEMPLATE: Final = f"{SCHEME}://{{job_id}}/{{path}}"

_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_LARGEST_PICTURE: Final = 1024 * 1024
_LARGEST_FILE: Final = 8 * 1024 * 1024
_MOST_LINKS: Final = 20
_TEXTS: Final = frozenset({"application/json", "application/vnd.apple.mpegurl", "application/x-mpegurl"})


def uri_of(job_id: str, path: str) -> str:
    """The URI of a file of a job."""
    return f"{SCHEME}://{quote(job_id, safe='')}/{quote(path, safe='/')}"


def file_at(uri: str) -> tuple[str, str]:
    """The job and the path in the URI of a file.

    Raises:
        InvalidParameterError: It isn't the URI of a file of a job.
    """
    parts = urlsplit(uri)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != SCHEME or not parts.netloc or not path:
        raise InvalidParameterError(f"{uri} is not the URI of a file of a job, which looks like {TEMPLATE}")
    return unquote(parts.netloc), path


def error_content(error: ComputeClientError) -> CallToolResult:
    """The content for an error: its message and its hint."""
    lines = [error.message, *([error.hint] if error.hint else [])]
    said: JSONObject = {"error": error.message, "hint": error.hint, "job_id": error.job_id}
    return CallToolResult(
        content=[TextContent(text="\n".join(lines))],
        structured_content={name: value for name, value in said.items() if value is not None},
        is_error=True,
    )


def value_content(value: JSONValue) -> CallToolResult:
    """The content for a JSON value."""
    structured = value if isinstance(value, dict) else {"result": value}
    return CallToolResult(
        content=[TextContent(text=json.dumps(value, ensure_ascii=False))], structured_content=structured
    )


async def job_content(job: Job[Output], saved: Sequence[Path] = (), *, note: str | None = None) -> CallToolResult:
    """The content for a job: its state and, if it has completed, its output and its files.

    Args:
        job: A job in any state.
        saved: The paths of its files on this machine.
        note: What to do next.
    """
    record: JSONObject = {"job_id": job.job_id, "status": job.status, "task_type": job.task_type}
    if job.error_message is not None:
        record["error"] = job.error_message
    if job.state is not None and not job.done():
        record["progress"] = job.progress
    blocks: list[ContentBlock] = []
    if job.status == "completed":
        files = await _made(job)
        record["output"] = job.task_output or {}
        record["files"] = [{"path": file.path, "size": file.size, "media_type": file.media_type} for file in files]
        blocks += [_link(job.job_id, file) for file in files[:_MOST_LINKS]]
        blocks += await _picture(job, files)
    if saved:
        record["saved"] = [str(path) for path in saved]
    if note is not None:
        record["next"] = note
    return CallToolResult(
        content=[TextContent(text=json.dumps(record, ensure_ascii=False)), *blocks],
        structured_content=record,
        is_error=job.status in ("failed", "cancelled"),
    )


async def resource_content(job: Job[Output], uri: str, path: str) -> TextResourceContents | BlobResourceContents:
    """Read a file of a job.

    Raises:
        DownloadError: The file is too large for a message.
    """
    (file, *_) = [each for each in await job.files() if each.path == path] or [None]
    if file is not None and file.size > _LARGEST_FILE:
        raise DownloadError(
            f"{path} of job {job.job_id} has {file.size:,} bytes; a message can have {_LARGEST_FILE:,}",
            hint="save it on this machine with the tool `download`",
        )
    content = await job.read(path)
    kind = "application/octet-stream" if file is None else file.media_type
    if kind.startswith("text/") or kind in _TEXTS:
        return TextResourceContents(uri=uri, mime_type=kind, text=content.decode("utf-8", "replace"))
    return BlobResourceContents(uri=uri, mime_type=kind, blob=base64.b64encode(content).decode())


async def _made(job: Job[Output]) -> list[JobFile]:
    try:
        return [file for file in await job.files() if not file.path.startswith("input/")]
    except UnsupportedError:
        return []


def _link(job_id: str, file: JobFile) -> ResourceLink:
    return ResourceLink(
        uri=uri_of(job_id, file.path), name=file.path.rpartition("/")[2], mime_type=file.media_type, size=file.size
    )


async def _picture(job: Job[Output], files: Sequence[JobFile]) -> list[ContentBlock]:
    pictures = [file for file in files if file.media_type in _PICTURES]
    # Of several, such as the faces of a picture, the links are enough.
    if len(pictures) != 1 or pictures[0].size > _LARGEST_PICTURE:
        return []
    content = await job.read(pictures[0].path)
    return [ImageContent(data=base64.b64encode(content).decode(), mime_type=pictures[0].media_type)]
