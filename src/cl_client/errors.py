"""Every error that the client raises, and how a response becomes one.

The tree follows the status codes of RFC 9110 §15, with one class for each that a caller may want to tell apart.
Each error reads as one line; `hint` is the next thing to do, for a person.
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
    """A text in which nothing moves the cursor, colours a terminal or turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


class ComputeClientError(Exception):
    """The base of all errors of this package.

    Attributes:
        message: what happened, in one line.
        reason: the same in short, for a line among many: without an address, and without the id of the job.
        status: HTTP status code, where a response said it.
        request_id: the id under which the server logged the request, where there was one.
        job_id: the job that it is about, where there is one.
        hint: what to do next, where that is known.
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
    """No answer came: nothing listens there, the connection broke, or TLS failed."""


class RequestTimeoutError(ServerUnreachableError, builtins.TimeoutError):
    """The server took longer than the timeout of the request."""


class CertificateError(ServerUnreachableError):
    """The server is not who it has to be: its certificate is not trusted, has expired, or is of another name."""


class ResponseError(ComputeClientError):
    """The server answered with an error status, or with something that is not what its spec promises."""


class BadRequestError(ResponseError):
    """400: the server cannot read the request."""


class AuthenticationError(ResponseError):
    """401: no token, or one that is not valid (any more)."""


class PermissionError(ResponseError):
    """403: the user may not do this."""


class NotFoundError(ResponseError):
    """404: no such thing, or not for this user."""


class JobNotFoundError(NotFoundError):
    """404 on a job: it does not exist, was deleted, or belongs to somebody else."""


class UnsupportedError(ResponseError):
    """The server does not have this at all: it is older than the client, or another one."""


class ConflictError(ResponseError):
    """409: the state of the job does not allow it."""


class PayloadTooLargeError(ResponseError):
    """413: the file is larger than the server takes, or than this user has room for."""


class UnsupportedMediaTypeError(ResponseError):
    """415: the file is not of a kind that the task takes (a text where a picture belongs)."""


class ValidationError(ResponseError):
    """422: a parameter is missing or outside of what the server accepts, or the file is damaged."""


class RateLimitError(ResponseError):
    """429: too many requests. `retry_after` is in seconds, where the server said it (RFC 9110 §10.2.3)."""

    retry_after: float | None = None


class ServerError(ResponseError):
    """5xx: the server failed; the request id finds it in the server's log.

    `retry_after` as in `RateLimitError`; `should_retry` is what the server says of it in `X-Should-Retry`.
    """

    retry_after: float | None = None
    should_retry: bool | None = None


class InvalidParameterError(ComputeClientError, ValueError):
    """A parameter breaks a bound of the spec; nothing was sent."""


class InputFileError(ComputeClientError):
    """A file to upload cannot be read, or is empty; nothing was sent."""


class InputNotFoundError(InputFileError, FileNotFoundError):
    """A file to upload does not exist; nothing was sent."""


class DownloadError(ComputeClientError):
    """A download did not arrive whole or could not be written. Nothing half-written is left behind."""


class JournalError(ComputeClientError):
    """The journal of a batch is held by another process, is none, or cannot be read or written."""


class WorkerUnavailableError(ComputeClientError):
    """No worker can do this kind of job."""


class WaitTimeoutError(ComputeClientError, builtins.TimeoutError):
    """The wait ended before the job did. The job keeps running; `job_id` finds it again."""


class ClientClosedError(ComputeClientError):
    """The client was closed, or is used from another event loop than the one it began in."""


class JobFailedError(ComputeClientError):
    """The job ended, and not well. `job` is its last state."""

    def __init__(self, job: JobState) -> None:
        reason = " ".join((job.error_message or "").split()) or "the server gave no reason"
        super().__init__(
            f"job {job.job_id} ({job.task_type}) {job.status}: {reason}",
            reason=reason if job.error_message else f"{job.status}, and {reason}",
            job_id=job.job_id,
        )
        self.job: JobState = job


class JobCancelledError(JobFailedError):
    """The job was cancelled before it was done."""


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
    403: "ask an administrator for the permission, or log in as somebody who has it",
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
        status: any number at all, registered or not.
        body: of whatever kind: FastAPI's `{"detail": …}`, plain text, HTML of a proxy, nothing.
        url: what was asked for.
        headers: of the response; `X-Request-ID` and `Retry-After` are read.
        job_id: the job that the request was about.
        missing_job: whether a 404 says that the job itself is not there, rather than something in it.
    """
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ResponseError)
    if kind is NotFoundError and missing_job:
        kind = JobNotFoundError
    location = headers.get("location", "") if 300 <= status < 400 else ""
    detail = f"this has moved to {_one_line(location)}" if location else _detail(body)
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
    if isinstance(error, (RateLimitError, ServerError)):
        error.retry_after = _retry_after(headers)
    if isinstance(error, ServerError):
        error.should_retry = {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())
    return error


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


def _detail(body: bytes) -> str:
    text = body[: 64 * 1024].decode("utf-8", "replace").strip()
    try:
        parsed = cast("object", json.loads(text))
    except ValueError:
        # A page of a proxy is noise; a short plain text is a reason.
        return "" if text.startswith("<") else _one_line(text)
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
