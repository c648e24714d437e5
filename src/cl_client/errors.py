"""The errors of the client, and their creation from responses.

There is a class for each status code of RFC 9110 §15 that a caller may want to handle separately. The text of an error
is one line. Its `hint` tells the user what to do next.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from cl_client.model import JobState


def readable(text: str) -> str:
    """Replace characters that move the cursor, color a terminal or change the direction of text."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


class ComputeClientError(Exception):
    """The base of all errors of this package.

    Attributes:
        message: What happened, in one line.
        reason: A short form of the message, without address and job id.
        status: HTTP status code of the response, if there was one.
        request_id: Id of the request in the log of the server, if known.
        job_id: Id of the job, if the error is about a job.
        hint: What to do next, if known.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        job_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        # Servers, brokers and file names have a part in them, and they end up in logs and on terminals.
        self.message: str = readable(message)
        super().__init__(self.message)
        self.reason: str = readable(reason or message)
        self.status: int | None = status
        self.request_id: str | None = None if request_id is None else readable(request_id)
        self.job_id: str | None = job_id
        self.hint: str | None = None if hint is None else readable(hint)


class ServerUnreachableError(ComputeClientError):
    """The server didn't answer: it doesn't listen there, the connection broke, or TLS failed."""


class RequestTimeoutError(ServerUnreachableError, builtins.TimeoutError):
    """The server took longer than the timeout of the request."""


class CertificateError(ServerUnreachableError):
    """The certificate of the server isn't trusted, has expired, or belongs to another name."""


class ResponseError(ComputeClientError):
    """The response has an error status, or doesn't match the OpenAPI document of the server.

    Attributes:
        adds_slash: Whether it is a redirect to the same path with a slash at its end.
    """

    adds_slash: bool = False


class BadRequestError(ResponseError):
    """400: The server can't read the request."""


class AuthenticationError(ResponseError):
    """401: The token is missing, invalid or expired."""


class PermissionError(ResponseError):
    """403: The user lacks a permission."""


class NotFoundError(ResponseError):
    """404: The resource doesn't exist, or isn't visible to this user."""


class JobNotFoundError(NotFoundError):
    """404 for a job: It doesn't exist, was deleted, or belongs to another user."""


class UnsupportedError(ResponseError):
    """The server doesn't support this operation, for example because it is older than the client."""


class ConflictError(ResponseError):
    """409: The state of the job doesn't allow the operation."""


class PayloadTooLargeError(ResponseError):
    """413: The file exceeds the limit of the server or the quota of the user."""


class UnsupportedMediaTypeError(ResponseError):
    """415: The plugin doesn't accept this type of file, such as a text instead of an image."""


class ValidationError(ResponseError):
    """422: A parameter is missing or invalid, or the file is damaged."""


class RateLimitError(ResponseError):
    """429: Too many requests. `retry_after` is in seconds, if the server sent it (RFC 9110 §10.2.3)."""

    retry_after: float | None = None


class ServerError(ResponseError):
    """5xx: The server failed. Search for the request id in its log.

    `retry_after` is as in `RateLimitError`. `should_retry` is the value of the header `X-Should-Retry`.
    """

    retry_after: float | None = None
    should_retry: bool | None = None


class InvalidParameterError(ComputeClientError, ValueError):
    """A parameter is invalid. Nothing was sent."""


class InputFileError(ComputeClientError):
    """A file to upload can't be read, or is empty. Nothing was sent."""


class InputNotFoundError(InputFileError, FileNotFoundError):
    """A file to upload doesn't exist. Nothing was sent."""


class DownloadError(ComputeClientError):
    """A download arrived incomplete, or couldn't be written. No incomplete file remains."""


class JournalError(ComputeClientError):
    """The journal of a batch is in use by another process, isn't a journal, or can't be read or written."""


class WorkerUnavailableError(ComputeClientError):
    """There is no worker for this kind of job."""


class WaitTimeoutError(ComputeClientError, builtins.TimeoutError):
    """The wait ended before the job. The job keeps running, and `job_id` identifies it."""


class ClientClosedError(ComputeClientError):
    """The client is closed, or is used from another event loop than the one that it started in."""


class JobFailedError(ComputeClientError):
    """The job failed. `job` is its last state."""

    def __init__(self, job: JobState) -> None:
        reason = " ".join((job.error_message or "").split()) or "the server gave no reason"
        super().__init__(
            f"job {job.job_id} ({job.task_type}) {job.status}: {reason}",
            reason=reason if job.error_message else f"{job.status}, and {reason}",
            job_id=job.job_id,
        )
        self.job: JobState = job


class JobCancelledError(JobFailedError):
    """The job was cancelled before it completed."""


BY_STATUS: Final[Mapping[int, type[ResponseError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    415: UnsupportedMediaTypeError,
    422: ValidationError,
    429: RateLimitError,
}

_HINTS: Final[Mapping[int, str]] = {
    401: "log in: `cl-client login`, or `SessionManager.login`",
    403: "ask an administrator for the permission, or log in as a user who has it",
}

# What a proxy means by a status (RFC 9110 §15); it says so in a web page, which is for people with a browser.
_OF_A_PROXY: Final[Mapping[int, str]] = {
    404: "it has nothing at this path",
    413: "the request is larger than it permits",
    502: "it cannot reach the server",
    503: "it has no server that takes the request",
    504: "the server did not answer it in time",
}

_LONGEST_DETAIL = 500


def error_from_response(
    status: int,
    body: bytes,
    *,
    url: str,
    headers: Mapping[str, str],
    job_id: str | None = None,
    missing_job: bool = False,
) -> ResponseError:
    """Make the typed error for a response with an error status.

    Args:
        status: Status code, which doesn't have to be registered.
        body: Body of any kind: FastAPI's `{"detail": …}`, plain text, HTML of a proxy, or empty.
        url: URL of the request.
        headers: Headers of the response. `X-Request-ID` and `Retry-After` are read.
        job_id: Id of the job in the request.
        missing_job: Whether a 404 means that the job itself doesn't exist, and not a part of it.
    """
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ResponseError)
    if kind is NotFoundError and missing_job:
        kind = JobNotFoundError
    location = headers.get("location", "") if 300 <= status < 400 else ""
    if location:
        detail = f"this has moved to {_one_line(location)}"
    else:
        detail = _of_a_proxy(status, headers) if body.lstrip()[:1] == b"<" else _detail(body)
    reason = detail or "the server gave no reason"
    moved_to = _new_address(url, location) if location else None
    error = kind(
        f"{reason} (HTTP {status} from {url})",
        reason=detail or f"{reason} (HTTP {status})",
        status=status,
        request_id=headers.get("x-request-id"),
        job_id=job_id,
        hint=f"give its address: {moved_to}" if moved_to else _HINTS.get(status),
    )
    error.adds_slash = bool(location) and _adds_slash(url, location)
    if isinstance(error, (RateLimitError, ServerError)):
        error.retry_after = _retry_after(headers)
    if isinstance(error, ServerError):
        error.should_retry = {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())
    return error


def _adds_slash(url: str, location: str) -> bool:
    """Whether a redirect only adds a slash (that of a server behind TLS may be plain HTTP)."""
    try:
        asked, target = urlsplit(url), urlsplit(urljoin(url, location))
        return (target.hostname, target.path) == (asked.hostname, f"{asked.path}/")
    except ValueError:
        return False


def _new_address(url: str, location: str) -> str | None:
    """Where the server is now, as one gives it: what was asked for beneath is no part of it."""
    try:
        asked, target = urlsplit(url), urlsplit(urljoin(url, location))
    except ValueError:
        return None
    if (asked.scheme, asked.netloc) == (target.scheme, target.netloc):
        return None
    beneath, there = asked.path.split("/"), target.path.split("/")
    while len(there) > 1 and len(beneath) > 1 and there[-1] == beneath[-1]:
        del there[-1], beneath[-1]
    base = "/".join(there)
    return _one_line(f"{target.scheme}://{target.netloc.rpartition('@')[2]}{base}")


def _of_a_proxy(status: int, headers: Mapping[str, str]) -> str:
    """Who sent a web page in place of an answer of the API, and why; the page itself is noise in a terminal."""
    name = re.match(r"[A-Za-z][\w.-]{0,40}", headers.get("server", ""))
    sender = f"{name[0]}, a proxy or web server," if name else "a proxy or web server"
    meaning = _OF_A_PROXY.get(status)
    return f"{sender} answered in place of the server{f': {meaning}' if meaning else ''}"


def _detail(body: bytes) -> str:
    text = body[: 64 * 1024].decode("utf-8", "replace").strip()
    try:
        parsed = cast("object", json.loads(text))
    except ValueError:
        return _one_line(text)
    if isinstance(parsed, dict):
        fields = cast("dict[str, object]", parsed)
        parsed = fields.get("detail", fields)
    if isinstance(parsed, list):
        return "; ".join(_validation_line(item) for item in cast("list[object]", parsed))[:_LONGEST_DETAIL]
    return _one_line(parsed if isinstance(parsed, str) else json.dumps(parsed))


def _validation_line(item: object) -> str:
    """One entry of FastAPI's 422: `{"loc": ["body", "quality"], "msg": "…"}` → `quality: …`."""
    if not isinstance(item, dict):
        return _one_line(str(item))
    entry = cast("dict[str, object]", item)
    loc = entry.get("loc")
    place = ".".join(str(part) for part in cast("list[object]", loc)[1:]) if isinstance(loc, list) else ""
    message = _one_line(str(entry.get("msg", entry)))
    return f"{place}: {message}" if place else message


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_DETAIL]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a delay or a date (RFC 9110 §10.2.3); the date is held against the server's own clock."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value)
    # It is seldom needed, and takes longer to import than all of this module.
    from email.utils import parsedate_to_datetime

    try:
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
