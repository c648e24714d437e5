"""Lists with pages: finds the request for the next page from a page and its request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeGuard, cast
from urllib.parse import quote

from attrs import evolve, field, frozen

from cl_client.errors import ResponseError
from cl_client.wire.types import Call, JSONValue

if TYPE_CHECKING:
    from cl_client.http.library import httpx

Own: TypeAlias = "Callable[[str, httpx.URL], str | None]"

_ADDRESS: Final = ("http://", "https://", "/", "?")
"""The start of the address of a page. A cursor doesn't start with it."""


@frozen
class Paging:
    """The pages of a list. Fields of responses are paths of names in the JSON.

    Attributes:
        way: `cursor` (the response has the value for the next request), `offset` (the number of items so far), `page`
            (a number), `address` (the response has the address of the next page) or `link` (RFC 8288).
        name: The name of the parameter.
        place: Where the parameter is.
        items: The field with the items. Empty: the response itself.
        next: The field with the cursor, or with the address.
        of_last: Whether `next` is a field of the last item.
        more: The field that tells whether there are more pages.
        total: The field with the number of all items.
        pages: The field with the number of pages.
        first: The number of the first page, or the offset of the first item.
    """

    way: Literal["cursor", "offset", "page", "address", "link"]
    name: str = ""
    place: Literal["query", "body"] = "query"
    items: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    of_last: bool = False
    more: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    first: int = 1

    def walk(self, call: Call) -> Walk:
        """From the request for the first page on."""
        return Walk(self, call, at=_number(_asked(call, self.name, self.place), self.first))


@frozen
class Walk:
    """One walk through all pages.

    Attributes:
        call: the request for a page.
        at: its number, or the offset of its first item.
        before: the items of the page before it; cursors: all there were.
    """

    paging: Paging
    call: Call
    at: int
    seen: int = 0
    before: JSONValue = None
    cursors: frozenset[str] = field(factory=frozenset[str])

    def after(self, response: httpx.Response, own: Own) -> Walk | None:
        """The walk to the next page. `None` after the last one.

        Args:
            response: The response to `call`.
            own: Returns the address in a response relative to its URL, or `None` if it is on another server.

        Raises:
            ResponseError: The server returns the same page again, or names another server.
        """
        paging = self.paging
        body = cast("JSONValue", response.json())
        found = _at(body, paging.items)
        items = found if isinstance(found, list) else []
        if paging.way == "link" or paging.way == "address":
            target = _link(response) if paging.way == "link" else _at(body, paging.next)
            return self._follow(target, response, own)
        if _at(body, paging.more) is False:
            return None
        if paging.way == "cursor":
            cursor = _at(items[-1] if items else None, paging.next) if paging.of_last else _at(body, paging.next)
            if isinstance(cursor, str) and cursor.startswith(_ADDRESS):
                return self._follow(cursor, response, own)
            return self._by_cursor(cursor, response)
        return self._by_number(body, items, response)

    def _by_cursor(self, cursor: JSONValue, response: httpx.Response) -> Walk | None:
        if cursor is None or cursor in ("", False) or isinstance(cursor, dict | list):
            return None
        text = str(cursor)
        if text in self.cursors:
            raise _same(response)
        value = cursor if self.paging.place == "body" else text
        return evolve(self, call=_with(self.call, self.paging, value), cursors=self.cursors | {text})

    def _by_number(self, body: JSONValue, items: list[JSONValue], response: httpx.Response) -> Walk | None:
        paging = self.paging
        if not items:
            return None
        if items == self.before:
            raise _same(response)
        seen = self.seen + len(items)
        begun = self.at if paging.way == "offset" else 0
        total, pages = _at(body, paging.total), _at(body, paging.pages)
        if _is_number(total) and begun + (len(items) if paging.way == "offset" else seen) >= total:
            return None
        if _is_number(pages) and self.at - paging.first + 1 >= pages:
            return None
        at = self.at + (len(items) if paging.way == "offset" else 1)
        value = at if paging.place == "body" else str(at)
        return evolve(self, call=_with(self.call, paging, value), at=at, seen=seen, before=items)

    def _follow(self, target: JSONValue, response: httpx.Response, own: Own) -> Walk | None:
        if not isinstance(target, str) or not target:
            return None
        url = own(target, response.request.url)
        if url is None:
            raise ResponseError(f"{response.request.url}: its next page is on another server: {target}")
        if url in self.cursors or url == str(response.request.url):
            raise _same(response)
        call: Call = {**self.call, "url": url}
        call.pop("params", None)
        return evolve(self, call=call, cursors=self.cursors | {url})


def _same(response: httpx.Response) -> ResponseError:
    return ResponseError(
        f"{response.request.url}: the server gives the same page again",
        hint="request single pages, or describe the pages in [pages] of the manifest",
    )


def _at(value: JSONValue, path: tuple[str, ...]) -> JSONValue:
    """The value of a field; an answer that has no such fields is itself what an empty path means."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_number(value: JSONValue) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: JSONValue, first: int) -> int:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else first


def _asked(call: Call, name: str, place: str) -> JSONValue:
    """What a request says of a parameter already."""
    if place == "body":
        body = call.get("json")
        return body.get(name) if isinstance(body, dict) else None
    said = call.get("params", {}).get(name)
    if isinstance(said, str):
        return said
    begin = f"{quote(name, safe='')}="
    parts = call["url"].partition("?")[2].split("&")
    return next((part.removeprefix(begin) for part in parts if part.startswith(begin)), None)


def _with(call: Call, paging: Paging, value: JSONValue) -> Call:
    """The request with another value of the parameter."""
    name = paging.name
    if paging.place == "body":
        body = call.get("json")
        return {**call, "json": {**(body if isinstance(body, dict) else {}), name: value}}
    path, mark, query = call["url"].partition("?")
    if not mark:
        return {**call, "params": {**call.get("params", {}), name: str(value)}}
    key = quote(name, safe="")
    kept = [part for part in query.split("&") if not part.startswith(f"{key}=")]
    text = quote(str(value), safe="")
    return {**call, "url": f"{path}?{'&'.join([*kept, f'{key}={text}'])}"}


def _link(response: httpx.Response) -> str | None:
    """The target of the link that leads to the next page."""
    said = ", ".join(response.headers.get_list("Link"))
    for target, parameters in cast("list[tuple[str, str]]", _LINKS.findall(said)):
        for name, quoted, token in cast("list[tuple[str, str, str]]", _PARAMETERS.findall(parameters)):
            if name.lower() == "rel":
                if "next" in (quoted or token).lower().split():
                    return target
                break  # Of several `rel`, the first one counts (RFC 8288 §3.3).
    return None


_LINKS: Final = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:\\.|[^"\\])*"|[^\s;,"]*))?)*)')
_PARAMETERS: Final = re.compile(r';\s*([^\s=;,]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;,"]*))')
"""Links and their parameters (RFC 8288 §3, RFC 9110 §5.6)."""
