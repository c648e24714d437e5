"""How errors look on the wire: always an `ErrorResponse`."""

import errno
import logging
import sqlite3
from collections.abc import Iterator, Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from cl_ml_tools.job_queue import OutcomeUnknownError
from cl_ml_tools.schemas import ErrorResponse, ValidationIssue
from cl_server.files.protocol import StorageUnavailableError
from cl_server.queue.quota import QuotaExceededError, TooManyBytesError, TooManyJobsError
from cl_server.queue.sqlite_write_lock import is_busy

ISSUES = TypeAdapter(list[ValidationIssue])

# RFC 4918 §11.5.
FULL = HTTPException(
    507, "the server's disk is full, and nothing was changed: make room in its data folder, then try again"
)
BUSY = HTTPException(503, "the server's database is locked by another program; try again", {"retry-after": "5"})

CROWDED = HTTPException(503, "too many are connected; try again shortly", {"retry-after": "5"})
UNKNOWN = HTTPException(
    503,
    "the server's database did not say whether it kept this: look whether it is done, or send it again with the same "
    "Idempotency-Key",
    {"retry-after": "5"},
)
NO_DATABASE = HTTPException(503, "the server's database does not answer; try again", {"retry-after": "5"})
NO_STORAGE = HTTPException(503, "the server's file storage does not answer; try again", {"retry-after": "5"})
# The start of the message of Starlette for a form that is too large. It uses status 400.
OVER_LIMITS = ("Too many fields.", "Too many files.", "Part exceeded maximum size")

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Answer errors of the framework and of the routes in one shape."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OSError, _explain)
    app.add_exception_handler(OperationalError, _explain)
    app.add_exception_handler(QuotaExceededError, _explain)
    app.add_exception_handler(OutcomeUnknownError, _explain)


def answer(
    request: Request, status: int, detail: str | list[ValidationIssue], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error in our shape, with the id of its request."""
    request_id: object = getattr(request.state, "request_id", None)
    body = ErrorResponse(detail=detail, request_id=request_id if isinstance(request_id, str) else None)
    return JSONResponse(body.model_dump(mode="json"), status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    # FastAPI calls it a bad request when an upload cannot be spooled.
    error = _explained(error) or _too_much(error) or error
    return answer(request, error.status_code, error.detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without `input` and `ctx`: they repeat the input, which can be long, and isn't always JSON.
    return answer(request, 422, ISSUES.validate_python(error.errors()))


async def _explain(request: Request, error: Exception) -> Response:
    explained = _explained(error)
    if explained is None:
        raise error
    return answer(request, explained.status_code, explained.detail, explained.headers)


def _too_much(error: HTTPException) -> HTTPException | None:
    """A form over the limits of its route: 422, as for other invalid parameters (RFC 9110 §15.5.21)."""
    return HTTPException(422, error.detail) if error.detail.startswith(OVER_LIMITS) else None


def is_full(error: BaseException) -> bool:
    """Whether the cause is a full disk."""
    return _explained(error) is FULL


def _explained(error: BaseException) -> HTTPException | None:
    """What a person can do something about, somewhere among the causes of an error."""
    for cause in _causes(error):
        match cause:
            case (
                OSError(errno=errno.ENOSPC | errno.EDQUOT)
                | sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL)
            ):
                log.error("the disk is full: %s", cause)
                return FULL
            case (
                OSError(errno=errno.EMFILE | errno.ENFILE)
                | sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_CANTOPEN)
            ):
                log.error("no file can be opened: %s", cause)
                return CROWDED
            case sqlite3.OperationalError(sqlite_errorcode=_) if is_busy(cause):
                log.error("the database is locked by another program: %s", cause)
                return BUSY
            case OutcomeUnknownError():
                log.error("the outcome of a commit is not known: %s", cause.__cause__)
                return UNKNOWN
            case StorageUnavailableError():
                return NO_STORAGE
            case OperationalError(orig=orig) if not isinstance(orig, sqlite3.Error):
                # The first line: a password is in none of them, but the rest says nothing more.
                log.error("the database does not answer: %s", str(orig).strip().partition("\n")[0])
                return NO_DATABASE
            case TooManyJobsError():
                # RFC 6585 §4.
                return HTTPException(429, str(cause), {"retry-after": "5"})
            case TooManyBytesError():
                # RFC 9110 §15.5.14. Not 507 (RFC 4331 §6), which is the whole server's trouble here.
                return HTTPException(413, str(cause))
            case _:
                continue
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
