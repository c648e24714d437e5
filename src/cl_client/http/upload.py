"""Uploads: files in any form that a caller has them.

A file is streamed. Only one chunk of it is in memory at a time, and a file on disk is read in a thread, so the event
loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import io
import mimetypes
import stat
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final, Self, TypeVar, cast

from cl_client.errors import InputFileError, InputNotFoundError
from cl_client.http.encoded_picture import EncodedPicture
from cl_client.http.file_source import FileSource, content_of
from cl_client.http.remote_file import DataUrl, RemoteFile

PIECE: Final = 1024 * 1024

Answer = TypeVar("Answer")

UploadCallback = Callable[[int, "int | None"], None]
"""Called with the bytes sent and, if known, the total. A file that is sent again after a broken connection starts at
the beginning."""


class Upload:
    """A file to send. It is checked when you create the object, and read when it is sent.

    Pass one instead of a path to set the name or the size of the file.

    Args:
        source: One of these:

            - A path, which can be a named pipe
            - A URL as `str`. The client fetches `http` and `https` URLs and passes the content on in chunks, without
              sending its token. A `data:` URL contains the content. A `pathlib.Path` is never a URL.
            - The content: `bytes`, `bytearray`, `memoryview`
            - A file that is open for reading bytes, sent from its current position. Its `read` can be a coroutine
            - An async iterable of bytes
            - An upload of a web framework: FastAPI, Starlette, Flask, Werkzeug, Django, aiohttp
            - A `PIL.Image.Image`, sent as PNG with its profile and tags (as TIFF if PNG doesn't support its mode)
            - A NumPy array, if Pillow is installed: `uint8` of the shape (height, width), (height, width, 3) as RGB
              or (height, width, 4) as RGBA; also `bool` and `uint16` of the shape (height, width)
        on_progress: Called after each chunk.
        file_name: Name of the file for the server. Default: the name of the source, or `file`.
        size: Size in bytes, if the source doesn't know it. Without a size, the body is sent in chunks (RFC 9112 §7.1).
        max_size: The maximum number of bytes to fetch from a URL. Default: 4 GiB.

    Attributes:
        file_name: Name of the file for the server.
        mime_type: Media type, guessed from the name.
        size: Size in bytes, or `None` if unknown.

    Raises:
        InputNotFoundError: The file doesn't exist.
        InputFileError: The source is a folder, can't be read, or is empty.
        InvalidParameterError: The type of the source isn't supported.
    """

    def __init__(
        self,
        source: FileSource,
        on_progress: UploadCallback | None = None,
        *,
        file_name: str | None = None,
        size: int | None = None,
        max_size: int | None = None,
    ) -> None:
        self._start: int | None = None
        content, name = content_of(source)
        if isinstance(content, DataUrl):
            content = content.content
        if isinstance(content, RemoteFile) and max_size is not None:
            content.max_size = max_size
        if isinstance(content, Path):
            known = _size_on_disk(content)
        elif isinstance(content, (bytes, memoryview)):
            known = len(content)
        elif isinstance(content, AsyncIterable):
            known = None
        else:
            self._start, known = _place(content, name)
        self._once = known is None and not isinstance(content, RemoteFile | EncodedPicture)
        self._source = content
        self._on_progress = on_progress
        self._begun = False
        self._opened: BinaryIO | None = None
        self.size: int | None = size if known is None else known
        self.file_name: str = file_name or name
        self.mime_type: str = mimetypes.guess_type(self.file_name)[0] or "application/octet-stream"
        if self.size == 0:
            raise InputFileError(f"{self.file_name} is empty: there is nothing to send")

    @property
    def replayable(self) -> bool:
        """Whether it can be sent again: paths, bytes and seekable files can; other sources can be sent once."""
        return not (self._once and self._begun)

    def fits(self, size: int) -> bool:
        """Return whether the file has at most this number of bytes, known in advance, and can be read again."""
        return not self._once and self.size is not None and self.size <= size

    @property
    def is_held(self) -> bool:
        """Whether the content is in memory."""
        return isinstance(self._source, bytes)

    async def held(self) -> Self:
        """Return a copy that has the content in memory.

        Raises:
            InputFileError: As `pieces`.
        """
        if self.is_held:
            return self
        quiet = copy.copy(self)
        quiet._on_progress = None
        content = b"".join([piece async for piece in quiet.pieces()])
        held = copy.copy(self)
        held._source, held._start = content, None
        return held

    def telling(self, on_progress: UploadCallback | None) -> Self:
        """Return a copy with this callback, if it is given."""
        told = copy.copy(self)
        told._on_progress = on_progress or self._on_progress
        return told

    def close(self) -> None:
        """Close the file that sending has opened."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the content from the beginning, in chunks. Files on disk are read in a thread.

        Raises:
            InputFileError: The source can't be read, can't be read a second time, is empty, or has changed its size.
        """
        if not self.replayable:
            raise InputFileError(f"{self.file_name} was sent already, and cannot be read a second time")
        self._begun = True
        sent = 0
        try:
            async for piece in self._read():
                if not isinstance(cast("object", piece), (bytes, bytearray, memoryview)):
                    raise InputFileError(f"{self.file_name} gives {type(piece).__name__}, and bytes are to be sent")
                sent += len(piece)
                if self.size is not None and sent > self.size:
                    break
                yield piece
                if self._on_progress is not None:
                    self._on_progress(sent, self.size)
        except OSError as error:
            raise InputFileError(f"cannot read {self.file_name}: {error.strerror or error}") from error
        if self.size is not None and sent != self.size:
            raise InputFileError(f"{self.file_name} changed while it was sent: it had {self.size} bytes")
        if sent == 0:
            raise InputFileError(f"{self.file_name} is empty: there is nothing to send")

    async def _read(self) -> AsyncIterator[bytes]:
        source = self._source
        if isinstance(source, (bytes, memoryview)):
            for start in range(0, len(source), PIECE):
                yield cast("bytes", source[start : start + PIECE])  # or a view, which is sent as it is
        elif isinstance(source, AsyncIterable):
            async for piece in source:
                yield piece
        elif isinstance(source, Path) and self._once:
            # A pipe may keep a thread waiting. To close it then would have the loop wait too: its end alone closes it.
            pipe = await asyncio.to_thread(source.open, "rb")
            while piece := await asyncio.to_thread(pipe.read, PIECE):
                yield piece
            pipe.close()
        elif isinstance(source, Path):
            file = self._opened = source.open("rb")
            try:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
                    if len(piece) < PIECE:
                        break  # At its end, a file gives less than it is asked for.
            finally:
                file.close()
        else:
            if self._start is not None:
                await self._ask(source.seek, self._start)
            while piece := await self._ask(source.read, PIECE):
                yield piece

    async def _ask(self, method: Callable[[int], Answer], number: int) -> Answer:
        """Have an open file do something, in a thread unless it is an async one.

        Raises:
            InputFileError: it is closed meanwhile, or is no file after all.
        """
        try:
            if inspect.iscoroutinefunction(method):
                return cast("Answer", await method(number))
            answer = await asyncio.to_thread(method, number)
            return await cast("Awaitable[Answer]", answer) if inspect.isawaitable(answer) else answer
        except (ValueError, TypeError, AttributeError) as error:
            raise InputFileError(f"cannot read {self.file_name}: {error}") from error


FileInput = FileSource | Upload
"""A path, a URL, the content, an open file, a picture (Pillow, NumPy), or an `Upload` of one of these.

`Upload` documents each of them."""


def as_upload(source: FileInput, on_progress: UploadCallback | None = None) -> Upload:
    """A file as it is sent; as `Upload`, which may be one already."""
    return source.telling(on_progress) if isinstance(source, Upload) else Upload(source, on_progress)


def _size_on_disk(path: Path) -> int | None:
    """The size of a file; `None` for a pipe or a device, which is not opened before it is sent."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputFileError(f"{path} is a folder: give the files in it")
        if not stat.S_ISREG(found.st_mode):
            return None
        with path.open("rb"):
            return found.st_size
    except FileNotFoundError:
        raise InputNotFoundError(f"{path} does not exist") from None
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error


def _place(file: BinaryIO, name: str) -> tuple[int | None, int | None]:
    """Where an open file stands, and how many bytes follow; both `None` where it cannot go back there.

    Raises:
        InputFileError: it cannot be read.
    """
    if any(inspect.iscoroutinefunction(getattr(file, method, None)) for method in ("tell", "seek")):
        return None, None
    if not getattr(file, "readable", _yes)():
        raise InputFileError(f"{name} is open for writing, and cannot be read")
    try:
        here = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(here)
        return here, end - here
    except (OSError, ValueError, TypeError, AttributeError):
        return None, None


def _yes() -> bool:
    return True
