"""A picture in memory (Pillow, NumPy) as a file, without loss."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

from cl_client.errors import InputFileError, InvalidParameterError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.Image import SupportsArrayInterface as _HasArray

_AS_PNG: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B", "I;16L"})
"""The modes of Pillow that PNG holds."""
_AS_TIFF: Final = frozenset({"CMYK", "YCbCr", "LAB", "I", "F"})
_PIXELS: Final = frozenset({"|b1", "|u1", "<u2", ">u2"})
"""Types of arrays whose range says what black and white are; of floats and others, it does not."""
_FAST: Final = 1
"""zlib's level: the network is seldom so slow that a higher one is worth its time."""


class Picture(Protocol):
    """A `PIL.Image.Image`."""

    @property
    def mode(self) -> str: ...
    @property
    def size(self) -> tuple[int, int]: ...
    def save(self, fp: BinaryIO, format: str | None = None) -> None: ...


class Pixels(Protocol):
    """A NumPy array."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def __array_interface__(self) -> Mapping[str, object]: ...


class EncodedPicture:
    """A picture, encoded when it is first sent: PNG, or TIFF for what PNG does not hold (CMYK, LAB, floats).

    Its pixels, colour profile and EXIF tags stay as they are. Of several frames, the current one is sent.

    Args:
        source: a `PIL.Image.Image`, or an array of pixels: `uint8` or `bool` of the shape (height, width),
            (height, width, 3) as RGB or (height, width, 4) as RGBA, or `uint16` of the shape (height, width).

    Attributes:
        file_name: that of the file from which Pillow read it, with the suffix of what is sent.

    Raises:
        InvalidParameterError: the array is no picture, or Pillow is missing.
        InputFileError: it has no pixels.
    """

    def __init__(self, source: Picture | Pixels) -> None:
        self._picture = _picture(source)
        if 0 in self._picture.size:
            raise InputFileError("the picture is empty: there is nothing to send")
        self._format = "TIFF" if self._picture.mode in _AS_TIFF else "PNG"
        origin = cast("str", getattr(self._picture, "filename", "")) or "picture"
        self.file_name: str = Path(origin).with_suffix(f".{self._format.lower()}").name
        self._encoded: bytes | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoded is None:
            self._encoded = await asyncio.to_thread(self._encode)
        yield self._encoded

    def _encode(self) -> bytes:
        picture, file = self._picture, io.BytesIO()
        try:
            if picture.mode not in _AS_PNG | _AS_TIFF:
                picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
            # Without its tags, a photo would lie on its side.
            picture.save(file, self._format, exif=picture.getexif(), compress_level=_FAST)
        except (OSError, ValueError, SyntaxError) as error:
            raise InputFileError(f"cannot encode {self.file_name}: {error}") from error
        return file.getvalue()


def _picture(source: Picture | Pixels) -> Image.Image:
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise InvalidParameterError(
            "an array is sent as a PNG, for which Pillow is missing", hint="pip install pillow"
        ) from None
    if isinstance(source, Image.Image):
        return source
    pixels = cast("Pixels", source)
    kind = str(pixels.__array_interface__.get("typestr"))
    if kind in _PIXELS and len(pixels.shape) in (2, 3):
        with contextlib.suppress(TypeError, ValueError):
            return Image.fromarray(cast("_HasArray", pixels))
    raise InvalidParameterError(
        f"an array of {getattr(source, 'dtype', kind)} and the shape {pixels.shape} is no picture",
        hint="uint8 of the shape (height, width), (height, width, 3) or (height, width, 4) is one",
    )
