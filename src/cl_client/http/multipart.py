"""The body that carries files and parameters: `multipart/form-data` (RFC 7578), streamed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from cl_client.http.upload import FileInput, Upload, as_upload

if TYPE_CHECKING:
    from httpx._types import RequestData, RequestFiles

SMALL: Final = 64 * 1024
"""Up to this number of bytes, joining two parts costs less than writing twice."""

TOGETHER: Final = 256 * 1024
"""Small parts are written when they have this number of bytes."""

FormField = tuple[str, Upload | bytes, str | None, str | None]
"""Name, content, file name (`None` for a plain field) and media type of one part."""


class Multipart:
    """A `multipart/form-data` body.

    Attributes:
        headers: that go with it: its length too, where all parts know theirs.
    """

    def __init__(self, fields: Iterable[FormField]) -> None:
        # 128 random bits: no file contains it by chance, and it can't be planted in one (RFC 2046 §5.1.1).
        boundary = secrets.token_hex(16)
        self._parts: list[tuple[bytes, Upload | bytes]] = [
            (_head(boundary, name, file_name, media_type), content) for name, content, file_name, media_type in fields
        ]
        self._tail: bytes = f"--{boundary}--\r\n".encode()
        self.headers: dict[str, str] = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        if (length := self.length) is not None:
            self.headers["Content-Length"] = str(length)

    @property
    def length(self) -> int | None:
        """Bytes; `None` where a part does not know its own."""
        total = len(self._tail)
        for head, content in self._parts:
            size = len(content) if isinstance(content, bytes) else content.size
            if size is None:
                return None
            total += len(head) + size + 2
        return total

    @property
    def replayable(self) -> bool:
        """Whether it can be sent (again)."""
        return all(isinstance(content, bytes) or content.replayable for _, content in self._parts)

    def close(self) -> None:
        """Close what sending opened; it can be sent again all the same."""
        for _, content in self._parts:
            if isinstance(content, Upload):
                content.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # What is between large pieces goes out together, in few writes.
        between: list[bytes] = []
        waiting = 0
        for head, content in self._parts:
            between.append(head)
            if isinstance(content, bytes):
                between.append(content)
            elif content.size is not None and content.size <= SMALL:
                between += [piece async for piece in content.pieces()]
            else:
                async for piece in content.pieces():
                    if len(piece) <= SMALL:
                        yield b"".join([*between, piece])
                    else:
                        if between:
                            yield b"".join(between)
                        yield piece
                    between, waiting = [], 0
            between.append(b"\r\n")
            waiting += len(head) + (content.size or 0 if isinstance(content, Upload) else len(content))
            if waiting > TOGETHER:
                yield b"".join(between)
                between, waiting = [], 0
        yield b"".join([*between, self._tail])


class PlainBody:
    """A file as the whole body, streamed. Otherwise as `Multipart`."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.headers: dict[str, str] = {} if upload.size is None else {"Content-Length": str(upload.size)}

    @property
    def replayable(self) -> bool:
        return self._upload.replayable

    def close(self) -> None:
        self._upload.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._upload.pieces():
            yield piece


def form_fields(data: RequestData | None, files: RequestFiles) -> Iterator[FormField]:
    """The fields of a request as httpx and generated code have them."""
    yield from _plain_fields(data)
    yield from _file_fields(files)


def _head(boundary: str, name: str, file_name: str | None, media_type: str | None) -> bytes:
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"']
    if file_name is not None:
        lines[1] += f'; filename="{_quoted(file_name)}"'
        lines.append(f"Content-Type: {media_type or 'application/octet-stream'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    """Escape as browsers do, so that a name cannot end its header (HTML Living Standard §4.10.21.8)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _plain_fields(data: Mapping[str, object] | None) -> Iterator[FormField]:
    """A field with several values is several parts, as OpenAPI 3.1 §4.8.15 has it."""
    for name, value in (data or {}).items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        for one in values:
            yield name, str(one).encode(), None, None


def _file_fields(files: RequestFiles) -> Iterator[FormField]:
    """The parts of generated code: name, content and media type of each file, as httpx takes them."""
    for name, part in files.items() if isinstance(files, Mapping) else files:
        file_name, content, media_type = cast("tuple[str, FileInput, str | None]", part)
        yield name, as_upload(content), file_name, media_type
