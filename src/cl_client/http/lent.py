"""Connections of the program: a transport or a client that it has, of httpx or of httpx2. It closes them itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, cast

from cl_client.errors import ClientClosedError
from cl_client.http.library import Library, httpx, library_of

if TYPE_CHECKING:
    from cl_client.http.options import AnyClient, AnyTransport

_CODED = frozenset({b"content-encoding", b"transfer-encoding", b"content-length"})


class LentTransport(httpx.AsyncBaseTransport):
    """Sends through a transport of the program."""

    def __init__(self, transport: AnyTransport) -> None:
        self.beneath: httpx.AsyncBaseTransport = cast("httpx.AsyncBaseTransport", transport)
        self._library = _library(transport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx wants it."""
        return _ours(await self.beneath.handle_async_request(_theirs(request, self._library)))


class LentClient(httpx.AsyncBaseTransport):
    """Sends through a client of the program.

    Args:
        client: of httpx or httpx2.
        is_ours: whether an address is of our server: nobody else is told who the client is.
    """

    def __init__(self, client: AnyClient, is_ours: Callable[[httpx.URL], bool]) -> None:
        self._client = cast("httpx.AsyncClient", client)
        self._library = _library(client)
        self._is_ours = is_ours

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx wants it.

        Raises:
            ClientClosedError: the client is closed.
        """
        client = self._client
        if client.is_closed:
            raise ClientClosedError("the http_client that was given is closed")
        theirs = _theirs(request, self._library)
        if not self._is_ours(request.url) or "Authorization" in request.headers:
            return _ours(await self._send(theirs, request, signed=False))
        return _ours(await self._send(theirs, request, signed=True))

    async def _send(self, theirs: httpx.Request, request: httpx.Request, *, signed: bool) -> httpx.Response:
        client = self._client
        if self._is_ours(request.url):
            for name, value in client.headers.items():
                theirs.headers.setdefault(name, value)
        if "Cookie" not in theirs.headers:
            client.cookies.set_cookie_header(theirs)
        if signed:
            return await client.send(theirs, stream=True, follow_redirects=False)
        return await client.send(theirs, stream=True, follow_redirects=False, auth=None)


def _library(value: object) -> Library:
    return library_of(value) or cast("Library", httpx)


def _theirs(request: httpx.Request, library: Library) -> httpx.Request:
    """A request as their library has it."""
    if library.Request is httpx.Request:
        return request
    return library.Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        stream=_stream(library, cast("httpx.AsyncByteStream", request.stream)),
        extensions=request.extensions,
    )


def _ours(theirs: httpx.Response) -> httpx.Response:
    """An answer of theirs as ours."""
    if isinstance(cast("object", theirs), httpx.Response):
        return theirs
    if theirs.is_stream_consumed:
        # A hook of theirs has read it, and undone its coding.
        headers = [(name, value) for name, value in theirs.headers.raw if name.lower() not in _CODED]
        return httpx.Response(theirs.status_code, headers=headers, content=theirs.content, extensions=theirs.extensions)
    body = _stream(cast("Library", httpx), cast("httpx.AsyncByteStream", theirs.stream))
    return httpx.Response(theirs.status_code, headers=theirs.headers.raw, stream=body, extensions=theirs.extensions)


def _stream(library: Library, beneath: httpx.AsyncByteStream) -> httpx.AsyncByteStream:
    """A body as a library has it."""

    class Body(library.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return beneath.__aiter__()

        async def aclose(self) -> None:
            await beneath.aclose()

    return Body()
