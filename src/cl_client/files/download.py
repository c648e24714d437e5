"""Downloads a file of a job: it is streamed to disk, and leaves no incomplete file behind."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import mimetypes
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from attrs import frozen

from cl_client.errors import DownloadError, InvalidParameterError, ServerUnreachableError
from cl_client.files.content_coding import ContentCoding
from cl_client.files.job_path import path_in_job
from cl_client.files.redirects import followed
from cl_client.files.whole_file import whole_or_not_at_all
from cl_client.server.contract import Contract

if TYPE_CHECKING:
    from cl_client.http.transport import Transport

PIECE: Final = 1024 * 1024
CUTS: Final = 4
"""A download fails after this number of interruptions without a byte in between."""

_PARTIAL: Final = 206
_WHOLE: Final = frozenset({200, 203})
_BEYOND_THE_END: Final = 416

# RFC 9530: the digest of the whole file, also where a part of it is sent.
_REPR_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:(?P<digest>[A-Za-z0-9+/=]*):")
_CONTENT_RANGE: Final = re.compile(r"bytes +(?P<start>[0-9]+)-(?P<end>[0-9]+)/(?P<total>[0-9]+|\*)", re.IGNORECASE)
_LENGTH_OF_ALL: Final = re.compile(r"bytes +\*/(?P<total>[0-9]+)", re.IGNORECASE)

DownloadCallback = Callable[[int, "int | None"], None]
"""Called with the bytes written and, if known, the total."""


async def download_job_file(
    transport: Transport,
    contract: Contract,
    job_id: str,
    file_path: str,
    dest: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    on_progress: DownloadCallback | None = None,
) -> Path:
    """Stream a file of a job to `dest`.

    The bytes go to a temporary file beside `dest`, which is renamed at the end. A failed download leaves an earlier
    file unchanged. After an interruption, the download continues where it stopped. The content is verified with its
    SHA-256, if the server sends it.

    Args:
        transport: The connections to the server.
        contract: The routes and names of the server.
        job_id: Id of the job.
        file_path: Path of the file in the job, such as `output/thumbnail.jpg`, or its path on the server, which
            contains the id of the job.
        dest: Path of a file, or of an existing folder.
        sha256: The SHA-256 of the file, in hexadecimal. Default: that of the response (RFC 9530).
        on_progress: Called after each part.

    Returns:
        The path of the downloaded file.

    Raises:
        JobNotFoundError: The job or the file doesn't exist.
        InvalidParameterError: `file_path` leads out of the job.
        ServerUnreachableError: The connection broke and couldn't be restored (`RequestTimeoutError`: not in time).
        DownloadError: The file arrived incomplete, or can't be written (disk full, no permission).
    """
    target = _target(Path(dest), _relative(file_path, job_id))
    with whole_or_not_at_all(target) as file:
        await fetch_job_file(transport, contract, job_id, file_path, file, sha256=sha256, on_progress=on_progress)
    return target


async def fetch_job_file(
    transport: Transport,
    contract: Contract,
    job_id: str,
    file_path: str,
    file: BinaryIO,
    *,
    sha256: str | None = None,
    on_progress: DownloadCallback | None = None,
) -> None:
    """Stream a file of a job into an open file that can seek and is empty. Otherwise as `download_job_file`."""
    path = _relative(file_path, job_id)
    url = contract.file_path(job_id, path)
    fetch = _Fetch(transport, url, file, sha256, on_progress, is_media=_is_media(path))
    async with transport.in_time("GET", url):
        await fetch.all()


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
        *,
        is_media: bool = False,
    ) -> None:
        self._is_media = is_media
        self._transport = transport
        self._url = url
        self._file = file
        self._promised = sha256
        self._told: str | None = None
        self._digest = hashlib.sha256()
        self._sent_digest = hashlib.sha256()
        self._coding = ContentCoding("")
        self._total: int | None = None
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
        while True:
            before = self.received
            cut: ServerUnreachableError | None = None
            try:
                await self._go_on()
            except ServerUnreachableError as error:
                cut = error
            if self.whole:
                break
            # A cut is outlasted as long as it goes forward; that the server is there at all is `retry`'s affair.
            tries = CUTS if self.received > before else tries - 1
            begins_anew = cut is None and self.received == 0
            if tries == 0 or not (self.resumable or begins_anew):
                raise cut or self._broken_off()
        self._verify()

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
        async with followed(self._transport, self._url, headers, {_BEYOND_THE_END}) as response:
            etag = cast("str", response.headers.get("etag", ""))
            if response.status_code == _BEYOND_THE_END:
                self._beyond_the_end(response.headers)
                return
            part = _Part.of(response.status_code, response.headers, self._url, asked=self.received > 0)
            if part.start not in (0, self.received):
                raise DownloadError(
                    f"{self._url}: asked for the bytes from {self.received}, got those from {part.start}"
                )
            if part.start and etag and etag != self._etag:
                # Of another file by now, though it was asked for only if it is the same (RFC 9110 §13.1.5).
                self._begin_anew()
                return
            if self._is_media and is_json(response.headers):
                raise DownloadError(f"{self._url}: the server answered with JSON in place of the file")
            self._coding = _coding(response.headers, self._url)
            # Compressed, the bytes of the file are none that the server could go on from.
            kept = bool(part.start)
            self._etag = (etag or (self._etag if kept else "")) if self._coding.is_plain else ""
            self._told = _digest_in(response.headers) or (self._told if kept else None)
            self._rewind(part.start)
            total = part.total if self._coding.is_plain else None

            def told(received: int) -> None:
                if self._on_progress is not None:
                    self._on_progress(self._file.tell() if total is None else part.start + received, total)

            try:
                with self._transport.translated(response.request):
                    await _write(response.aiter_raw(), self._append, told)
            finally:
                self._file.flush()
                self.received = self._file.tell()
        self._end(part, total)

    def _end(self, part: _Part, total: int | None) -> None:
        """Take in that a response came to its end.

        Raises:
            DownloadError: it had less than it announced, and the rest cannot be asked for.
        """
        try:
            self._coding.finish()
        except ValueError as error:
            raise self._damaged(error) from None
        self._total = total
        if total is not None and self.received > total:
            raise DownloadError(f"{self._url} has {self.received} bytes, and was to have {total}")
        # Of how much there is, a part need not tell; then the next question finds out.
        self.whole = self.received == total if total is not None else not part.is_continued

    def _beyond_the_end(self, headers: Mapping[str, str]) -> None:
        """Take in that there is nothing from where we wanted to go on: all is here, or it is another file by now."""
        match = _LENGTH_OF_ALL.fullmatch(headers.get("content-range", "").strip())
        if match is not None and int(match["total"]) == self.received:
            self.whole = True
        else:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._etag, self._told = "", None
        self._rewind(0)

    def _verify(self) -> None:
        wanted = self._promised or self._told
        found = {self._digest.hexdigest()}
        if self._promised is None:
            # Of compressed content, the digest is that of what is sent (RFC 9530 §3), or meant to be that of the file.
            found.add(self._sent_digest.hexdigest())
        if wanted is not None and wanted not in found:
            raise DownloadError(
                f"{self._url} arrived damaged: its SHA-256 is {self._digest.hexdigest()}, and should be {wanted}",
                hint="fetch it again",
            )

    def _append(self, pieces: Sequence[bytes]) -> None:
        if self._coding.is_plain:
            for piece in pieces:
                self._digest.update(piece)
            self._file.writelines(pieces)
            return
        try:
            for piece in pieces:
                self._sent_digest.update(piece)
                for inner in self._coding.decoded(piece):
                    self._digest.update(inner)
                    self._file.write(inner)
        except ValueError as error:
            raise self._damaged(error) from None

    def _rewind(self, start: int) -> None:
        if start == 0:
            self._digest, self._sent_digest = hashlib.sha256(), hashlib.sha256()
        self._file.seek(start)
        self._file.truncate()
        self.received = start

    def _damaged(self, error: ValueError) -> DownloadError:
        return DownloadError(f"{self._url} cannot be read: {error}", hint="fetch it again")

    def _broken_off(self) -> DownloadError:
        so_far = str(self.received) if self._total is None else f"{self.received} of {self._total}"
        return DownloadError(f"{self._url} broke off after {so_far} bytes")


@frozen
class _Part:
    """What a response holds of a file (RFC 9110 §14.4).

    Attributes:
        start: where its body begins in the file.
        total: how long the file is; `None` where the server does not say.
        is_continued: whether more may follow.
    """

    start: int
    total: int | None
    is_continued: bool

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], url: str, *, asked: bool) -> _Part:
        """Read the head of a response.

        Args:
            status: 2xx.
            headers: of the response.
            url: of the file.
            asked: whether a part was asked for.

        Raises:
            DownloadError: it holds no file.
        """
        if status == _PARTIAL:
            match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
            if match is None:
                raise DownloadError(f"{url}: the server sent a part, and does not say which (HTTP 206)")
            total = None if match["total"] == "*" else int(match["total"])
            return cls(int(match["start"]), total, asked)
        if status not in _WHOLE:
            raise DownloadError(f"{url}: the server answered without a file (HTTP {status})")
        length = headers.get("content-length", "")
        # Where both are given, the length is not of this body (RFC 9112 §6.3).
        told = length.isascii() and length.isdigit() and "transfer-encoding" not in headers
        return cls(0, int(length) if told else None, is_continued=False)


def _coding(headers: Mapping[str, str], url: str) -> ContentCoding:
    try:
        return ContentCoding(headers.get("content-encoding", ""))
    except ValueError as error:
        raise DownloadError(f"{url}: {error}", hint="a proxy on the way may do that") from None


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
    """Wait for a thread, which can't be cancelled. A cancellation takes effect when the thread has closed the file."""
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        while not writing.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([writing])
        raise


def _target(dest: Path, file_path: str) -> Path:
    return dest / PurePosixPath(file_path).name if dest.is_dir() else dest


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether the head of a response says that its body is JSON (RFC 8259 §11, RFC 6839 §3.1)."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _is_media(path: str) -> bool:
    """Whether a file is called as a picture, a film, sound or an archive is."""
    kind, _ = mimetypes.guess_type(path, strict=False)
    return kind is not None and kind.startswith(("image/", "audio/", "video/", "application/zip", "application/pdf"))


def _relative(file_path: str, job_id: str) -> str:
    path = PurePosixPath(path_in_job(file_path, job_id))
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise InvalidParameterError(f"{file_path!r} is not a path inside of a job, such as output/thumbnail.jpg")
    return str(path)
