"""What endpoint functions raise, and how they read a body."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeVar, cast

from cl_client.http.library import httpx
from cl_client.wire.types import JSONObject, JSONValue

T = TypeVar("T")

_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


class WireError(Exception):
    """A response that is not what the function was called for.

    Attributes:
        status_code: the HTTP status, whatever the server sent: it need not be one that anybody knows.
        content: the body, as it came.
        headers: the headers of the response.
    """

    def __init__(self, message: str, response: httpx.Response) -> None:
        super().__init__(message)
        self.status_code: int = response.status_code
        self.content: bytes = response.content
        self.headers: httpx.Headers = response.headers


class StatusError(WireError):
    """The status is not a documented success.

    Attributes:
        body: the body as its documented model; None where none is documented, or the body does not fit it.
        detail: what the server says is wrong, as text; the reason phrase where it says nothing readable.
    """

    def __init__(self, response: httpx.Response, body: object = None) -> None:
        self.body: object = body
        self.detail: str = _detail(response)
        super().__init__(f"HTTP {response.status_code}: {self.detail}", response)


class BadResponseError(WireError):
    """The status says success, but the body is not what the spec documents."""

    def __init__(self, response: httpx.Response, problem: str) -> None:
        super().__init__(f"HTTP {response.status_code}, but the body cannot be read: {problem}", response)


def status_error(
    response: httpx.Response, read: Callable[[JSONObject], object] | None = None, of: Container[int] | None = None
) -> StatusError:
    """The error for a response.

    Args:
        response: of any status that is no success.
        read: makes the documented body, if it can.
        of: the statuses that have that body. Default: all.
    """
    body: object = None
    if read is not None and (of is None or response.status_code in of):
        try:
            body = read(cast("JSONObject", response.json()))
        except _UNREADABLE:
            body = None
    return StatusError(response, body)


def read_json(response: httpx.Response) -> JSONValue:
    """The body as JSON.

    Raises:
        BadResponseError: it is none.
    """
    try:
        return cast("JSONValue", response.json())
    except ValueError as broken:
        raise BadResponseError(response, f"not JSON: {broken}") from None


def read_model(response: httpx.Response, read: Callable[[JSONObject], T]) -> T:
    """The body as a model.

    Raises:
        BadResponseError: it is no JSON object, or the object lacks what the model needs.
    """
    value = read_json(response)
    if not isinstance(value, dict):
        raise BadResponseError(response, f"expected a JSON object, not {type(value).__name__}")
    try:
        return read(value)
    except KeyError as missing:
        raise BadResponseError(response, f"the field {missing} is missing") from None
    except _UNREADABLE as broken:
        raise BadResponseError(response, str(broken)) from None


def read_value(response: httpx.Response, read: Callable[[JSONValue], T]) -> T:
    """The body as what `read` makes of its JSON.

    Raises:
        BadResponseError: it is no JSON, or is not what is documented.
    """
    value = read_json(response)
    try:
        return read(value)
    except _UNREADABLE as broken:
        raise BadResponseError(response, str(broken)) from None


def read_anything(response: httpx.Response) -> JSONValue:
    """The body of an answer that is not documented: its JSON, else its text, else None."""
    try:
        return cast("JSONValue", response.json())
    except ValueError:
        return response.text or None


def _detail(response: httpx.Response) -> str:
    try:
        value = cast("JSONValue", response.json())
    except ValueError:
        return response.reason_phrase or "no reason given"
    detail = value.get("detail") if isinstance(value, dict) else None
    return detail if isinstance(detail, str) else response.text
