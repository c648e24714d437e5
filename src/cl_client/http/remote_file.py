"""A file that is given as a URL: fetched by the client, and passed on piece by piece."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote_to_bytes

from cl_client.config.addresses import without_secrets
from cl_client.errors import ComputeClientError, InputFileError, InvalidParameterError, ResponseError

if TYPE_CHECKING:
    from cl_client.http.library import httpx

LARGEST: Final = 4 << 30
"""Bytes that are fetched of a URL where `Upload(max_size=…)` does not say another bound."""

_TIMEOUT: Final = 30.0
_RIGHT: Final = "is the URL right?"


class DataUrl:
    """The content of a `data:` URL (RFC 2397).

    Attributes:
        content: decoded.
        mime_type: as the URL says; `text/plain` where it does not.
        file_name: `file`, with the suffix of that media type.

    Raises:
        InputFileError: it cannot be decoded.
    """

    def __init__(self, url: str) -> None:
        head, comma, data = url[len("data:") :].partition(",")
        kind, *parameters = [part.strip().lower() for part in head.split(";")]
        try:
            if not comma:
                raise ValueError("it has no comma")
            self.content: bytes = unquote_to_bytes(data)
            if "base64" in parameters:
                self.content = _base64(self.content)
        except ValueError as error:
            raise InputFileError(f"{url[:40]}… is no data URL: {error}") from None
        self.mime_type: str = kind or "text/plain"
        self.file_name: str = f"file{mimetypes.guess_extension(self.mime_type) or ''}"


class RemoteFile:
    """A file on a web server, fetched each time that it is sent.

    Redirects are followed. The server is sent nothing that is ours but a user agent: no token and no cookie. A user and
    password in the URL are for its own host. Proxies of the environment are used.

    Args:
        url: with http or https.

    Attributes:
        file_name: the last part of the path.
        max_size: bytes; a longer file is an error.

    Raises:
        InvalidParameterError: the URL has no host.
    """

    def __init__(self, url: str) -> None:
        address = _address(url)
        where = f"{address.scheme}://{address.netloc.decode()}"
        who = f"{address.userinfo.decode()}@" if address.userinfo else ""
        self._server = where.replace("//", f"//{who}", 1)
        self._url = address.copy_with(userinfo=b"", fragment=None)
        # What is secret in a URL, a password or a signature, stays out of messages.
        self._shown = f"{where}{address.path}"
        self.file_name: str = PurePosixPath(address.path).name.replace("\0", "") or "file"
        self.max_size: int = LARGEST

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # Here, because paths and bytes do not need httpx.
        from cl_client.files.redirects import followed
        from cl_client.http.sender import Sender

        read = 0
        try:
            async with (
                Sender(self._server, timeout=_TIMEOUT, when_away=_RIGHT) as transport,
                followed(transport, str(self._url), {"Accept-Encoding": "identity"}, ()) as response,
            ):
                with transport.translated(response.request):
                    self._check(_length(cast("str", response.headers.get("content-length", ""))))
                    async for piece in response.aiter_bytes():
                        read += len(piece)
                        self._check(read)
                        yield piece
        except InputFileError:
            raise
        except ResponseError as error:
            raise InputFileError(
                f"cannot fetch {self._shown}: HTTP {error.status}", hint="is the URL right?"
            ) from error
        except ComputeClientError as error:
            raise InputFileError(f"cannot fetch {self._shown}: {error.reason}", hint=error.hint) from error
        if read == 0:
            raise InputFileError(f"{self._shown} is empty: there is nothing to send")

    def _check(self, size: int) -> None:
        if size > self.max_size:
            raise InputFileError(
                f"{self._shown} has more than {self.max_size} bytes",
                hint="Upload(url, max_size=...) sets another bound",
            )


def _address(url: str) -> httpx.URL:
    from cl_client.http.library import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidParameterError(f"{without_secrets(url)[:200]} is not a URL: {error}") from None
    if not address.host:
        raise InvalidParameterError(f"{url[:200]} is not a URL: it has no host")
    return address


def _base64(text: bytes) -> bytes:
    """Decode as browsers do (WHATWG Infra §7): without white space, and the padding may be missing."""
    plain = b"".join(text.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _length(header: str) -> int:
    return int(header) if header.isascii() and header.isdigit() else 0
