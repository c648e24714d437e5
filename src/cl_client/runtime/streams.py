"""Answers that come piece by piece: events of a server (WHATWG HTML §9.2) and JSON by the line (ndjson, RFC 7464)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar, cast

from attrs import frozen

from cl_client.errors import ResponseError
from cl_client.wire.types import Call, JSONObject, JSONValue, json_value

if TYPE_CHECKING:
    from cl_client.http.library import httpx

LONGEST: Final = 64 * 1024 * 1024
"""Bytes that one line may have: who sends more would fill the memory."""

DONE: Final = "[DONE]"
"""What ends the events of servers that speak as OpenAI's do: data, and no JSON."""

Data = TypeVar("Data", covariant=True)
Item = TypeVar("Item")
_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError)


@frozen
class ServerEvent(Generic[Data]):
    """A server-sent event.

    Attributes:
        data: The data, with the type in the document.
        event: The name. Default: `message`.
        id: The last id so far. Empty if there was none.
    """

    data: Data
    event: str = "message"
    id: str = ""

    def to_dict(self) -> JSONObject:
        """As JSON."""
        return {"event": self.event, "id": self.id, "data": json_value(self.data)}


def asked(call: Call, accept: str, switch: str, place: Literal["query", "body"]) -> Call:
    """The request for a stream.

    Args:
        call: The request for the whole response.
        accept: The media type of the stream.
        switch: The boolean parameter that requests a stream, if there is one.
        place: Where that parameter is.
    """
    call = {**call, "headers": {**call.get("headers", {}), "Accept": accept}}
    if not switch:
        return call
    if place == "query":
        path, mark, query = call["url"].partition("?")
        if not mark:
            return {**call, "params": {**call.get("params", {}), switch: "true"}}
        kept = [part for part in query.split("&") if not part.startswith(f"{switch}=")]
        return {**call, "url": f"{path}?{'&'.join([*kept, f'{switch}=true'])}"}
    body = call.get("json")
    return {**call, "json": {**(body if isinstance(body, dict) else {}), switch: True}}


async def json_lines(
    pieces: AsyncIterable[bytes], response: httpx.Response, read: Callable[[JSONValue], Item]
) -> AsyncGenerator[Item]:
    """What stands in each line that is not empty."""
    async for line in _lines(pieces, response, carriage=False):
        text = line.strip(b" \t\r\x1e")
        if text:
            yield _read(text, response, read)


async def events(pieces: AsyncIterable[bytes], response: httpx.Response) -> AsyncGenerator[ServerEvent[str]]:
    """The events of a stream, as text. An incomplete event at the end is ignored (WHATWG HTML §9.2.6)."""
    data: list[str] = []
    name = last_id = ""
    is_first = True
    async for line in _lines(pieces, response, carriage=True):
        text = line.decode("utf-8", "replace")
        text, is_first = text.removeprefix("\ufeff") if is_first else text, False
        if not text:
            if data:
                yield ServerEvent("\n".join(data), name or "message", last_id)
            data, name = [], ""
            continue
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "data":
                data.append(value)
            case "event":
                name = value
            case "id" if "\0" not in value:
                last_id = value
            case _:
                pass


def read_event(
    event: ServerEvent[str], response: httpx.Response, read: Callable[[JSONValue], Item]
) -> ServerEvent[Item]:
    """An event whose data is JSON."""
    return ServerEvent(_read(event.data.encode(), response, read), event.event, event.id)


async def _lines(pieces: AsyncIterable[bytes], response: httpx.Response, *, carriage: bool) -> AsyncGenerator[bytes]:
    """Lines, without their ends; `carriage` says whether a carriage return alone is one."""
    begun: list[bytes] = []
    length, is_after_return = 0, False
    async for piece in pieces:
        rest = piece[1:] if is_after_return and piece.startswith(b"\n") else piece
        if carriage and piece:
            is_after_return = piece.endswith(b"\r")
            rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, last = rest.split(b"\n")
        for line in whole:
            yield b"".join([*begun, line])
            begun, length = [], 0
        begun.append(last)
        length += len(last)
        if length > LONGEST:
            raise ResponseError(f"{response.request.url}: a line of its stream is longer than {LONGEST // 2**20} MiB")
    if length:
        yield b"".join(begun)


def _read(text: bytes, response: httpx.Response, read: Callable[[JSONValue], Item]) -> Item:
    try:
        return read(cast("JSONValue", json.loads(text)))
    except _UNREADABLE as broken:
        what = f"the field {broken} is missing" if isinstance(broken, KeyError) else str(broken)
        raise ResponseError(
            f"{response.request.url}: a piece of its stream cannot be read: {what}",
            status=response.status_code,
        ) from None
