"""What is sent: a file as the caller has it, and the multipart body (RFC 7578) that carries it.

The body is streamed: whatever the size of the file, one piece of it is in memory at a time, and a file on disk is
read in a thread, so the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import io
import mimetypes
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

from cl_client.errors import InputFileError, InputNotFoundError

PIECE: Final = 1024 * 1024

FileInput = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the content itself, or an open binary file (read from where it stands)."""

UploadCallback = Callable[[int, int], None]
"""Called with the bytes sent so far and the bytes in all."""


class Upload:
    """One file to send, checked when it is made and read when it is sent.

    Attributes:
        file_name: the name that the server is told.
        mime_type: guessed from the name.
        size: in bytes.
    """

    def __init__(self, source: FileInput, on_progress: UploadCallback | None = None) -> None:
        """Take a file to send.

        Raises:
            InputNotFoundError: there is no such file.
            InputFileError: it is a folder, may not be read, or is empty.
        """
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        if isinstance(source, (str, os.PathLike)):
            self._path = Path(source)
            self.file_name: str = self._path.name
            self.size: int = _size_on_disk(self._path)
        else:
            self._file = io.BytesIO(source) if isinstance(source, bytes) else source
            name: object = getattr(source, "name", None)
            self.file_name = Path(name).name if isinstance(name, str) else "file"
            self.size = _size_of_rest(self._file)
        if self.size == 0:
            raise InputFileError(f"{self.file_name} is empty: there is nothing to send")
        self.mime_type: str = mimetypes.guess_type(self.file_name)[0] or "application/octet-stream"
        self._on_progress = on_progress

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; a file on disk is opened by the first call, and closed when it is at its end.

        Raises:
            InputFileError: the file cannot be read.
        """
        try:
            if self._path is not None and self._file is None:
                self._file = self._path.open("rb")
            if self._file is None:
                raise InputFileError(f"{self.file_name} was read to its end")
            piece = self._file.read(size)
        except OSError as error:
            raise InputFileError(f"cannot read {self.file_name}: {error.strerror or error}") from error
        if not piece:
            self.close()
        return piece

    def close(self) -> None:
        """Close what `read` opened."""
        if self._path is not None and self._file is not None:
            self._file.close()
            self._file = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content, in pieces of at most 1 MiB, read in a thread.

        Raises:
            InputFileError: the file cannot be read, or changed its size since it was looked at.
        """
        sent = 0
        try:
            while piece := await asyncio.to_thread(self.read, PIECE):
                sent += len(piece)
                if sent > self.size:
                    break
                yield piece
                if self._on_progress is not None:
                    self._on_progress(sent, self.size)
        finally:
            self.close()
        if sent != self.size:
            raise InputFileError(f"{self.file_name} changed while it was sent: it had {self.size} bytes")


FormField = tuple[str, "Upload | bytes", str | None, str | None]
"""Name, content, file name (`None` for a plain field) and media type of one part."""


class Multipart:
    """A `multipart/form-data` body, whose length is known before it is sent."""

    def __init__(self, fields: Iterable[FormField]) -> None:
        # 128 random bits: no file holds it by chance, and nobody can plant it in one (RFC 2046 §5.1.1).
        boundary = secrets.token_hex(16)
        self.content_type: str = f"multipart/form-data; boundary={boundary}"
        self._parts: list[tuple[bytes, Upload | bytes]] = [
            (_head(boundary, name, file_name, media_type), content) for name, content, file_name, media_type in fields
        ]
        self._tail: bytes = f"--{boundary}--\r\n".encode()
        self.length: int = sum(len(head) + _length(content) + 2 for head, content in self._parts) + len(self._tail)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for head, content in self._parts:
            yield head
            if isinstance(content, bytes):
                yield content
            else:
                async for piece in content.pieces():
                    yield piece
            yield b"\r\n"
        yield self._tail


def _head(boundary: str, name: str, file_name: str | None, media_type: str | None) -> bytes:
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"']
    if file_name is not None:
        lines[1] += f'; filename="{_quoted(file_name)}"'
        lines.append(f"Content-Type: {media_type or 'application/octet-stream'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    """Escape as browsers do, so that a name cannot end its header (HTML Living Standard §4.10.21.8)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _length(content: Upload | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.size


def _size_on_disk(path: Path) -> int:
    try:
        if path.is_dir():
            raise InputFileError(f"{path} is a folder: give the files in it")
        with path.open("rb"):
            return path.stat().st_size
    except FileNotFoundError:
        raise InputNotFoundError(f"{path} does not exist") from None
    except InputFileError:
        raise
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error


def _size_of_rest(file: BinaryIO) -> int:
    try:
        here = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(here)
    except (OSError, ValueError) as error:
        raise InputFileError("this file object cannot tell its size: read it into bytes first") from error
    return end - here
