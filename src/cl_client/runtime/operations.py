"""What the typed operations of generated packages stand on: calls that are no jobs."""

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
        api: the wire layer of the client that they belong to.
    """

    _paging: ClassVar[type[Paging]] = Paging
    """By no name that a class of a spec could have."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {without_secrets(self._api.base_url)}>"

    async def _answer(self, call: Coroutine[object, object, Answer]) -> Answer:
        """What an endpoint gives.

        Raises:
            ResponseError: the answer is not what the spec promises.
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
        """The items of all pages, which are asked for one after the other.

        Args:
            call: the request for the first one.
            read: reads the answer.
            items: those of one page.
            paging: how there is a next one.

        Raises:
            ResponseError: an answer is not what the spec promises, the server gives the same page again, or the next
                one is on another server.
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
        """What a server says in JSON by the line, each as soon as it is there. The deadline of the client is for the
        beginning; `aclose()`, and being cancelled, end the answer.

        Args:
            call: the request.
            read: reads one item.
            accept: the media type.
            switch, place: the parameter that asks for a stream, where there is one.

        Raises:
            ResponseError: a line is not what the spec promises.
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
        """An answer that has begun, and its pieces."""
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
        """Stream an answer to a file, which is there whole or not at all.

        Args:
            call: the request.
            dest: a file name, or a folder that exists.
            name: of the file, in a folder.
            on_progress: called with the bytes written, and the bytes in all where known.
            never_json: whether JSON is another answer than the spec promises.

        Raises:
            DownloadError: JSON came in place of the file, or it cannot be written.
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
    """A body that is sent as it is: read when it is sent, piece by piece.

    Raises:
        InputFileError: it is no file, or may not be read.
    """
    # The transport streams an `Upload`; generated code knows only bytes.
    return cast("bytes", cast("object", as_upload(source)))
