"""The basis of the typed operations of generated packages: calls that aren't jobs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar, cast

from cl_client.config.addresses import without_secrets
from cl_client.errors import DownloadError, ResponseError
from cl_client.files.download import DownloadCallback, is_json
from cl_client.files.whole_file import whole_or_not_at_all
from cl_client.http.error_translation import promised
from cl_client.http.upload import FileInput, as_upload
from cl_client.runtime.pages import Paging
from cl_client.runtime.streams import DONE, ServerEvent, asked, events, json_lines, read_event
from cl_client.wire.client import Client
from cl_client.wire.types import Call, JSONValue, Unset

if TYPE_CHECKING:
    from cl_client.http.library import Response
    from cl_client.http.transport import Transport

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class OperationGroup:
    """The operations of one tag of a spec.

    Args:
        api: The wire layer of the client.
    """

    _paging: ClassVar[type[Paging]] = Paging
    """Its name can't clash with a class of a document."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {without_secrets(self._api.base_url)}>"

    async def _answer(self, call: Coroutine[object, object, Answer]) -> Answer:
        """Get the response of an endpoint.

        Raises:
            ResponseError: The response doesn't match the document.
        """
        with promised():
            return await call

    async def _pages(
        self,
        call: Call,
        read: Callable[[Response], Answer],
        items: Callable[[Answer], Sequence[Item] | Unset | None],
        paging: Paging,
    ) -> AsyncGenerator[Item]:
        """Iterate over the items of all pages. Each page is requested when it is needed.

        Args:
            call: The request for the first page.
            read: Reads a response.
            items: Returns the items of a page.
            paging: How to request the next page.

        Raises:
            ResponseError: A response doesn't match the document, the server returns the same page again, or the next
                page is on another server.
        """
        transport = cast("Transport", self._api.get_async_httpx_client())
        walk = paging.walk(call)
        while walk is not None:
            response = await transport.request(**walk.call)
            with promised():
                found = items(read(response))
            walk = walk.after(response, transport.own)
            for item in found or ():
                yield item

    async def _lines(
        self,
        call: Call,
        read: Callable[[JSONValue], Item],
        accept: str,
        switch: str = "",
        place: Literal["query", "body"] = "body",
    ) -> AsyncGenerator[Item]:
        """Iterate over the JSON lines of a response as they arrive. The deadline of the client applies to the start of
        the response. `aclose()` and a cancellation end the response.

        Args:
            call: The request.
            read: Reads an item.
            accept: The media type.
            switch, place: The parameter that requests a stream, if there is one.

        Raises:
            ResponseError: A line doesn't match the document.
        """
        async with self._stream(asked(call, accept, switch, place)) as (response, pieces):
            async for item in json_lines(pieces, response, read):
                yield item

    async def _events(
        self,
        call: Call,
        read: Callable[[JSONValue], Item],
        accept: str,
        switch: str = "",
        place: Literal["query", "body"] = "body",
    ) -> AsyncGenerator[ServerEvent[Item]]:
        """The events of a server whose data is JSON; as `_lines`. Data that says `[DONE]` ends them."""
        async with self._stream(asked(call, accept, switch, place)) as (response, pieces):
            async for event in events(pieces, response):
                if event.data == DONE:
                    return
                yield read_event(event, response, read)

    async def _text_events(
        self, call: Call, accept: str, switch: str = "", place: Literal["query", "body"] = "body"
    ) -> AsyncGenerator[ServerEvent[str]]:
        """The events of a server whose data is any text; as `_lines`."""
        async with self._stream(asked(call, accept, switch, place)) as (response, pieces):
            async for event in events(pieces, response):
                yield event

    @contextlib.asynccontextmanager
    async def _stream(self, call: Call) -> AsyncGenerator[tuple[Response, AsyncGenerator[bytes]]]:
        """A response that has started, and its parts."""
        transport = cast("Transport", self._api.get_async_httpx_client())
        request = transport.build_request(**call)
        response = await transport.send(request, stream=True)
        try:
            kind = cast("str", response.headers.get("content-type", "")).partition(";")[0].strip().lower()
            if call.get("headers", {}).get("Accept") == "text/event-stream" and kind == "application/json":
                raise ResponseError(f"{request.url}: the server answered with JSON in place of a stream")
            with transport.translated(request):
                yield response, _pieces(response)
        finally:
            await response.aclose()

    async def _save(
        self,
        call: Call,
        dest: str | os.PathLike[str],
        name: str,
        on_progress: DownloadCallback | None,
        *,
        never_json: bool = False,
    ) -> Path:
        """Stream a response to a file. Leaves no incomplete file behind.

        Args:
            call: The request.
            dest: Path of a file, or of an existing folder.
            name: The name of the file in a folder.
            on_progress: Called with the bytes written and, if known, the total.
            never_json: Whether JSON is an unexpected response.

        Raises:
            DownloadError: The response is JSON instead of the file, or the file can't be written.
        """
        target = _target(Path(dest), name)
        transport = cast("Transport", self._api.get_async_httpx_client())
        request = transport.build_request(**call)
        with whole_or_not_at_all(target) as file:
            async with transport.in_time(request.method, request.url):
                response = await transport.send(request, stream=True)
                try:
                    if never_json and is_json(cast("Mapping[str, str]", response.headers)):
                        raise DownloadError(f"{request.url}: the server answered with JSON in place of the file")
                    with transport.translated(request):
                        length = cast("str | None", response.headers.get("content-length"))
                        written = 0
                        async for piece in response.aiter_bytes():
                            file.write(piece)
                            written += len(piece)
                            if on_progress is not None:
                                on_progress(written, int(length) if length and length.isdecimal() else None)
                finally:
                    await response.aclose()
        return target


async def _pieces(response: Response) -> AsyncGenerator[bytes]:
    async for piece in response.aiter_bytes():
        yield piece


def _target(dest: Path, name: str) -> Path:
    return dest / name if dest.is_dir() else dest


def content(source: FileInput) -> bytes:
    """A body without encoding, which is streamed when it is sent.

    Raises:
        InputFileError: It isn't a file, or can't be read.
    """
    # The transport streams an `Upload`; generated code knows only bytes.
    return cast("bytes", cast("object", as_upload(source)))
