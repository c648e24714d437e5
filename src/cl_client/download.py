"""What is fetched: one file of a job, streamed to disk, there whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import quote

from cl_api.compute.types import path_segment
from cl_client.errors import ComputeClientError, DownloadError, InvalidParameterError

if TYPE_CHECKING:
    from cl_client.transport import Transport

PIECE: Final = 1024 * 1024

DownloadCallback = Callable[[int, "int | None"], None]
"""Called with the bytes written so far, and the bytes in all where the server told."""


async def download_job_file(
    transport: Transport,
    job_id: str,
    file_path: str,
    dest: str | os.PathLike[str],
    *,
    on_progress: DownloadCallback | None = None,
) -> Path:
    """Stream a file of a job to `dest`.

    The bytes go to a temporary file beside `dest`, which takes its name when all of them are there: a download that
    fails leaves what was there before, and nothing half-written.

    Args:
        transport: the way to the server.
        job_id: the job.
        file_path: relative to the job, as its output names it, such as `output/thumbnail.jpg`.
        dest: a file name, or an existing folder that gets the file under its own name.
        on_progress: called after each piece.

    Returns:
        Where the file is.

    Raises:
        JobNotFoundError: no such job, or no such file in it.
        InvalidParameterError: `file_path` points outside of the job.
        DownloadError: the connection broke, or the file cannot be written (disk full, no permission).
    """
    url = f"/jobs/{path_segment(job_id)}/files/{quote(_relative(file_path))}"
    target = _target(Path(dest), file_path)
    # Compressed content would not have the length that the server announced.
    headers = {"Accept-Encoding": "identity"}
    async with transport.stream("GET", url, headers=headers) as response:
        length = cast("str", response.headers.get("content-length", ""))
        total = int(length) if length.isdigit() else None
        with whole_or_not_at_all(target) as file:
            received = 0
            with transport.translated(response.request):
                async for received in _write(response.aiter_raw(), file):
                    if on_progress is not None:
                        on_progress(received, total)
            if total is not None and received != total:
                raise DownloadError(f"{file_path} broke off after {received} of {total} bytes", job_id=job_id)
    return target


async def _write(chunks: AsyncIterator[bytes], file: BinaryIO) -> AsyncGenerator[int]:
    """Write what comes, a piece in a thread while the next one arrives; gives the bytes received so far."""
    received = waiting = 0
    piece: list[bytes] = []
    writing: asyncio.Future[None] | None = None
    try:
        async for chunk in chunks:
            piece.append(chunk)
            waiting += len(chunk)
            if waiting >= PIECE:
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(asyncio.to_thread(file.writelines, piece))
                received, waiting, piece = received + waiting, 0, []
                yield received
        if writing is not None:
            await writing
        await asyncio.to_thread(file.writelines, piece)
        yield received + waiting
    finally:
        # The file is closed after this, however it ended.
        if writing is not None:
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()


def _target(dest: Path, file_path: str) -> Path:
    return dest / PurePosixPath(file_path).name if dest.is_dir() else dest


def _relative(file_path: str) -> str:
    path = PurePosixPath(file_path)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise InvalidParameterError(f"{file_path!r} is not a path inside of a job, such as output/thumbnail.jpg")
    return str(path)


@contextlib.contextmanager
def whole_or_not_at_all(target: Path) -> Generator[BinaryIO]:
    """A file to write, which takes its place when the block ends well and is gone when it does not.

    Through a symbolic link, the file that it names is replaced, and the link stays.

    Raises:
        DownloadError: it cannot be written, or there is something that is not a file (a device would be replaced).
    """
    partial: Path | None = None
    try:
        if target.is_symlink():
            target = target.resolve()
        if target.exists() and not target.is_file():
            raise DownloadError(f"cannot write {target}: it is not a file", hint="give another place")
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:64]}.", suffix=".part", dir=target.parent)
        partial = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            yield file
        partial.chmod(0o666 & ~_umask())
        partial.replace(target)
        partial = None
    except ComputeClientError:
        raise
    except OSError as error:
        raise DownloadError(
            f"cannot write {target}: {error.strerror or error}", hint="free some space, or give another place"
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
