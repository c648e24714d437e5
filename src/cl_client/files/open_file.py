"""A file of a job that goes into a file that the caller has open, or into memory."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Final, Protocol, cast

from cl_client.errors import DownloadError, InvalidParameterError

IN_MEMORY: Final = 8 << 20
"""Bytes; longer files wait on disk until all of them is there."""
_PIECE: Final = 1 << 20


class Writable(Protocol):
    """A file that is open for writing bytes: `open(path, "wb")`, `io.BytesIO()`, `sys.stdout.buffer`."""

    def write(self, data: bytes, /) -> object: ...


Fetch = Callable[[BinaryIO], Awaitable[None]]
"""Fetches a file into one that can seek and is empty."""


async def into_memory(fetch: Fetch) -> bytes:
    """What is fetched, as bytes."""
    with io.BytesIO() as file:
        await fetch(file)
        return file.getvalue()


async def into_file(fetch: Fetch, file: Writable) -> int:
    """Write what is fetched to a file, all of it or nothing; how many bytes.

    Raises:
        InvalidParameterError: it is open as text or for reading, or closed.
        DownloadError: it cannot be written.
    """
    if isinstance(file, io.TextIOBase):
        raise InvalidParameterError("the file is open as text, and bytes are written: open it with 'wb'")
    if getattr(file, "closed", False) is True:
        raise InvalidParameterError("the file is closed, and cannot be written")
    if getattr(file, "writable", lambda: True)() is False:
        raise InvalidParameterError("the file is open for reading, and cannot be written: open it with 'wb'")
    try:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
            await fetch(cast("BinaryIO", whole))
            size = whole.seek(0, io.SEEK_END)
            whole.seek(0)
            # The file of the caller can be a pipe without a reader.
            await asyncio.to_thread(shutil.copyfileobj, whole, file, _PIECE)
        return size
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DownloadError(f"cannot write the file: {reason}") from error
