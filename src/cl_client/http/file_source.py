"""The types of inputs, and their conversion to bytes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeGuard, cast

from cl_client.errors import InputFileError, InputNotFoundError, InvalidParameterError
from cl_client.http.encoded_picture import EncodedPicture, Picture, Pixels
from cl_client.http.remote_file import DataUrl, RemoteFile
from cl_client.wire.types import Readable

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
"""RFC 3986 §3.1; a Windows drive has one slash behind its colon, if any."""

_SHOWN: Final = 40


class AsyncReadable(Protocol):
    """A file that is read with `await`: Starlette's and FastAPI's `UploadFile`, files of aiofiles."""

    def read(self, size: int = -1, /) -> Awaitable[bytes]: ...


class FormFile(Protocol):
    """An uploaded file as aiohttp has it."""

    @property
    def filename(self) -> str | None: ...
    @property
    def file(self) -> Readable: ...


class FormStream(Protocol):
    """An uploaded file as Werkzeug and Flask have it."""

    @property
    def filename(self) -> str | None: ...
    @property
    def stream(self) -> Readable: ...


class UrlObject(Protocol):
    """A URL as httpx, yarl, pydantic and `urllib.parse` have it: what it is as text is what is fetched."""

    @property
    def scheme(self) -> str: ...


FileSource = (
    str
    | UrlObject
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Readable
    | AsyncReadable
    | AsyncIterable[bytes]
    | FormFile
    | FormStream
    | Picture
    | Pixels
)
"""What can be sent, in the words of a signature; `Upload` documents each."""

Content = Path | bytes | memoryview | BinaryIO | AsyncIterable[bytes] | DataUrl | RemoteFile | EncodedPicture
"""What a source is in the end. The last three are made only when they are sent, and can be sent again."""


def content_of(source: object) -> tuple[Content, str]:
    """The content of a source, and its file name.

    Raises:
        InputNotFoundError, InputFileError, InvalidParameterError: there is none, and why.
    """
    source = as_text(source)
    if isinstance(source, str) and (fetched := _of_url(source)) is not None:
        return fetched, fetched.file_name
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(cast("str | os.PathLike[str]", source))
        if not path or "\0" in path:
            raise InputNotFoundError(f"{path!r} is no path of a file")
        return Path(path), Path(path).name
    if isinstance(source, bytes):
        return source, "file"
    if isinstance(source, (bytearray, memoryview)):
        # A view may count in other units than bytes.
        view = memoryview(cast("bytes", source))
        return view.cast("B") if view.c_contiguous else view.tobytes(), "file"
    if _is_picture(source) or _is_pixels(source):
        picture = EncodedPicture(source)
        return picture, picture.file_name
    return _of_file(source)


def name_of(source: object) -> str:
    """What a source is called in a list: the path or URL itself (the beginning of a `data:` URL), or its file name."""
    source = as_text(source)
    if isinstance(source, (str, os.PathLike)):
        text = os.fsdecode(cast("str | os.PathLike[str]", source))
        return f"{text[:_SHOWN]}…" if len(text) > _SHOWN and text[:5].lower() == "data:" else text
    return name_in(source)


def name_in(source: object) -> str:
    """The file name that an object has: that of an `Upload`, an open file, an upload to a web framework, a picture."""
    for attribute in ("file_name", "filename", "name"):
        name: object = getattr(source, attribute, None)
        if isinstance(name, str) and (last := Path(name.replace("\\", "/")).name.replace("\0", "")):
            return last
    return "file"


def is_url(source: object) -> bool:
    """Whether that is the URL of a file that is fetched."""
    source = as_text(source)
    return isinstance(source, str) and re.match("(?:https?://|data:)", source, re.IGNORECASE) is not None


def as_text(source: object) -> object:
    """A URL object as text; everything else as it is."""
    scheme: object = getattr(source, "scheme", None)
    if not isinstance(scheme, str):
        return source
    # Of what `urllib.parse` makes, the text is that of a tuple.
    whole: object = getattr(source, "geturl", None)
    text = whole() if callable(whole) else str(source)
    return text if isinstance(text, str) and (is_url(text) or _URL.match(text)) else source


def _of_url(text: str) -> DataUrl | RemoteFile | None:
    """What a URL stands for; `None` for a path.

    Raises:
        InvalidParameterError: it is of a scheme that is not fetched.
        InputFileError: a data URL that cannot be read.
    """
    if is_url(text):
        return DataUrl(text) if text[:5].lower() == "data:" else RemoteFile(text)
    match = _URL.match(text)
    if match is None or os.path.lexists(text):
        return None
    scheme = match["scheme"].lower()
    raise InvalidParameterError(
        f"{text[:200]} is not fetched: {scheme} is not http, https or data",
        hint="give the path of the file" if scheme == "file" else "download it first, and give its path",
    )


def _of_file(source: object) -> tuple[Content, str]:
    name = name_in(source)
    # Of an upload to a web framework, the file beneath can be read again, and without `await`.
    for inner in ("file", "stream"):
        beneath: object = getattr(source, inner, None)
        if hasattr(source, "filename") and hasattr(beneath, "read"):
            return _of_file(beneath)[0], name
    if isinstance(source, io.TextIOBase):
        raise InvalidParameterError(f"{name} is open as text, and bytes are sent: open it with 'rb', or encode it")
    if getattr(source, "closed", False) is True:
        raise InputFileError(f"{name} is closed, and cannot be read")
    if isinstance(source, AsyncIterable) or callable(getattr(source, "read", None)):
        return cast("Content", source), name
    raise InvalidParameterError(
        f"a {type(source).__name__} cannot be sent: give a path, a URL, bytes, an open file or a picture"
    )


def _is_picture(source: object) -> TypeGuard[Picture]:
    return callable(cast("Callable[..., object] | None", getattr(source, "save", None))) and all(
        hasattr(source, name) for name in ("mode", "size", "getbands")
    )


def _is_pixels(source: object) -> TypeGuard[Pixels]:
    return hasattr(source, "__array_interface__") and hasattr(source, "shape")
