"""How errors look on the wire: always an `ErrorResponse`."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from cl_ml_tools.schemas import ErrorResponse, ValidationIssue

ISSUES = TypeAdapter(list[ValidationIssue])


def install(app: FastAPI) -> None:
    """Answer errors of the framework and of the routes in one shape."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _answer(request, error.status_code, error.detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without `input` and `ctx`: they echo what was sent, which may be long, and not always JSON.
    return _answer(request, 422, ISSUES.validate_python(error.errors()))


def _answer(
    request: Request, status: int, detail: str | list[ValidationIssue], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    request_id: object = getattr(request.state, "request_id", None)
    body = ErrorResponse(detail=detail, request_id=request_id if isinstance(request_id, str) else None)
    return JSONResponse(body.model_dump(mode="json"), status, headers=headers)
