"""What the typed operations of generated packages stand on: calls that are no jobs."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from cl_client.errors import DownloadError
from cl_client.files.download import DownloadCallback, is_json
from cl_client.files.whole_file import whole_or_not_at_all
from cl_client.http.error_translation import promised
from cl_client.http.upload import FileInput, as_upload
from cl_client.runtime.plugin import upload
from cl_client.wire.client import Client
from cl_client.wire.types import UNSET, Call, File, JSONObject, JSONValue, Unset

if TYPE_CHECKING:
    from cl_client.http.transport import Transport

__all__ = [
    "UNSET",
    "Call",
    "DownloadCallback",
    "File",
    "FileInput",
    "JSONObject",
    "JSONValue",
    "OperationGroup",
    "Unset",
    "content",
    "upload",
]

Answer = TypeVar("Answer")


class OperationGroup:
    """The operations of one tag of a spec.

    Args:
        api: the wire layer of the client that they belong to.
    """

    def __init__(self, api: Client) -> None:
        self._api = api

    async def _answer(self, call: Coroutine[object, object, Answer]) -> Answer:
        """What an endpoint gives.

        Raises:
            ResponseError: the answer is not what the spec promises.
        """
        with promised():
            return await call

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


def _target(dest: Path, name: str) -> Path:
    return dest / name if dest.is_dir() else dest


def content(source: FileInput) -> bytes:
    """A body that is sent as it is: read when it is sent, piece by piece.

    Raises:
        InputFileError: it is no file, or may not be read.
    """
    # The transport streams an `Upload`; generated code knows only bytes.
    return cast("bytes", cast("object", as_upload(source)))
