"""What is fetched: one file of a job, streamed to disk, there whole or not at all."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cl_client.dialect import Dialect
from cl_client.errors import ComputeClientError, DownloadError, InvalidParameterError, ServerUnreachableError

if TYPE_CHECKING:
    from cl_client.transport import Transport

PIECE: Final = 1024 * 1024
CUTS: Final = 4
"""So many cuts in a row without a byte in between end a download."""
PARTIAL: Final = 206

# RFC 9530: the digest of the whole file, also where a part of it is sent.
_REPR_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:(?P<digest>[A-Za-z0-9+/=]*):")
_CONTENT_RANGE: Final = re.compile(r"bytes (?P<start>[0-9]+)-[0-9]+/(?P<total>[0-9]+)")

DownloadCallback = Callable[[int, "int | None"], None]
"""Called with the bytes written so far, and the bytes in all where the server told."""


async def download_job_file(
    transport: Transport,
    dialect: Dialect,
    job_id: str,
    file_path: str,
    dest: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    on_progress: DownloadCallback | None = None,
) -> Path:
    """Stream a file of a job to `dest`.

    The bytes go to a temporary file beside `dest`, which takes its name when all of them are there: a download that
    fails leaves what was there before, and nothing half-written. After a cut it goes on where it was. The content is
    held against its SHA-256, where the server tells it.

    Args:
        transport: the way to the server.
        dialect: what the server calls things.
        job_id: the job.
        file_path: relative to the job, as its output names it, such as `output/thumbnail.jpg`.
        dest: a file name, or an existing folder that gets the file under its own name.
        sha256: of the file, in hexadecimal; when not given, what the response says (RFC 9530) counts.
        on_progress: called after each piece.

    Returns:
        Where the file is.

    Raises:
        JobNotFoundError: no such job, or no such file in it.
        InvalidParameterError: `file_path` points outside of the job.
        ServerUnreachableError: the connection broke, and did not come back (`RequestTimeoutError`: not in time).
        DownloadError: it did not arrive as it is on the server, or cannot be written (disk full, no permission).
    """
    url = dialect.file_path(job_id, _relative(file_path))
    target = _target(Path(dest), file_path)
    with whole_or_not_at_all(target) as file:
        fetch = _Fetch(transport, url, file, sha256, on_progress)
        async with transport.in_time("GET", url):
            await fetch.all()
    return target


class _Fetch:
    """One file on its way, perhaps in several responses (RFC 9110 §14).

    Attributes:
        received: bytes in the file.
        whole: whether that is all of it.
        resumable: whether the server gave a strong validator, by which the rest can be asked for.
    """

    def __init__(
        self,
        transport: Transport,
        url: str,
        file: BinaryIO,
        sha256: str | None,
        on_progress: DownloadCallback | None,
    ) -> None:
        self._transport = transport
        self._url = url
        self._file = file
        self._promised = sha256
        self._told: str | None = None
        self._digest = hashlib.sha256()
        self._on_progress = on_progress
        self._etag = ""
        self.received = 0
        self.whole = False

    @property
    def resumable(self) -> bool:
        return self._etag.startswith('"')

    async def all(self) -> None:
        """Fetch all of it.

        Raises:
            ServerUnreachableError: the connection broke, and did not come back.
            DownloadError: it is not what the server announced.
        """
        tries = CUTS
        while not self.whole:
            before = self.received
            try:
                await self._go_on()
            except ServerUnreachableError:
                # A cut is outlasted as long as it goes forward; that the server is there at all is `retry`'s affair.
                tries = CUTS if self.received > before else tries - 1
                if not self.resumable or tries == 0:
                    raise
        wanted = self._promised or self._told
        if wanted is not None and wanted != self._digest.hexdigest():
            raise DownloadError(
                f"{self._url} arrived damaged: its SHA-256 is {self._digest.hexdigest()}, and should be {wanted}",
                hint="fetch it again",
            )

    async def _go_on(self) -> None:
        """Fetch the rest, or all of it when it is another file by now.

        Raises:
            ServerUnreachableError: the connection broke.
            DownloadError: the server sent less than it announced, or something that was not asked for.
        """
        # Compressed content would not have the length that the server announced.
        headers = {"Accept-Encoding": "identity"}
        if self._promised is None:
            headers["Want-Repr-Digest"] = "sha-256=1"
        if self.received:
            headers |= {"Range": f"bytes={self.received}-", "If-Range": self._etag}
        async with self._transport.stream("GET", self._url, headers=headers) as response:
            start, total = _place(response.status_code, response.headers)
            if start not in (0, self.received):
                raise DownloadError(f"{self._url}: asked for the bytes from {self.received}, got those from {start}")
            self._etag = cast("str", response.headers.get("etag", ""))
            self._told = _digest_in(response.headers)
            self._rewind(start)

            def told(received: int) -> None:
                if self._on_progress is not None:
                    self._on_progress(start + received, total)

            try:
                with self._transport.translated(response.request):
                    await _write(response.aiter_raw(), self._append, told)
            finally:
                self._file.flush()
                self.received = self._file.tell()
        if total is not None and self.received != total:
            raise DownloadError(f"{self._url} broke off after {self.received} of {total} bytes")
        self.whole = True

    def _append(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._digest.update(piece)
        self._file.writelines(pieces)

    def _rewind(self, start: int) -> None:
        if start == 0:
            self._digest = hashlib.sha256()
        self._file.seek(start)
        self._file.truncate()
        self.received = start


def _place(status: int, headers: Mapping[str, str]) -> tuple[int, int | None]:
    """Where the body of a response begins in the file, and how long the file is, where the server says so."""
    if status == PARTIAL and (match := _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))):
        return int(match["start"]), int(match["total"])
    length = headers.get("content-length", "")
    return 0, int(length) if length.isdigit() else None


def _digest_in(headers: Mapping[str, str]) -> str | None:
    """The SHA-256 that a response gives for the whole file, in hexadecimal."""
    found = _REPR_DIGEST.search(headers.get("repr-digest", ""))
    try:
        return None if found is None else base64.b64decode(found["digest"], validate=True).hex()
    except binascii.Error:
        return None


async def _write(
    chunks: AsyncIterator[bytes], write: Callable[[Sequence[bytes]], None], told: Callable[[int], None]
) -> None:
    """Write what comes, a piece in a thread while the next one arrives; tells the bytes received so far."""
    loop = asyncio.get_running_loop()
    received = waiting = 0
    piece: list[bytes] = []
    writing: asyncio.Future[None] | None = None
    try:
        async for chunk in chunks:
            piece.append(chunk)
            waiting += len(chunk)
            if waiting >= PIECE:
                if writing is not None:
                    await _outlast(writing)
                writing = loop.run_in_executor(None, write, piece)
                received, waiting, piece = received + waiting, 0, []
                told(received)
    finally:
        # However it ended: the file is used or closed after this, and what came before a cut is kept.
        if writing is not None:
            await _outlast(writing)
        await _outlast(loop.run_in_executor(None, write, piece))
    told(received + waiting)


async def _outlast(writing: asyncio.Future[None]) -> None:
    """Wait for a thread, which nobody can cancel: whoever tries is heard when it has let go of the file."""
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        while not writing.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([writing])
        raise


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
