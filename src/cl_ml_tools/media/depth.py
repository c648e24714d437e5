"""Deep samples: what numbers of 12, 16 and 32 bits mean, and how they become 8 or 16 bits. The one place that scales.

Everything that looks at pixels (thumbnails, conversions, hashes, models) goes through here, so a picture is as bright
in one as in the other.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

# TIFF 6.0: PhotometricInterpretation, BitsPerSample, Min/MaxSampleValue, SampleFormat, SMin/SMaxSampleValue.
PHOTOMETRIC, BITS, LOWEST, HIGHEST, SAMPLE_FORMAT, S_LOWEST, S_HIGHEST = 262, 258, 280, 281, 339, 340, 341
WHITE_IS_ZERO = 0
SIGNED = 2
# Light above 1 that a scene may hold. Numbers beyond it are no light, but counted in whole steps.
HEADROOM = 16.0
# Ranges of whole numbers that are kept in wider ones.
WHOLE = (0xFF, 0xFFFF)
# Rows are scaled in pieces of this many numbers, so that little memory is taken beside the picture.
PIECE = 1 << 17


class Range(NamedTuple):
    """The number of black and the number of white."""

    black: float
    white: float


WIDEST = Range(0, 65_535)


def is_deep(picture: "Image.Image") -> bool:
    """Whether its samples have more than 8 bits."""
    return picture.mode.startswith("I") or picture.mode == "F"


def scaled(picture: "Image.Image", bits: Literal[8, 16]) -> "Image.Image":
    """A deep picture as L or I;16, from black to white as its file means it; others as they are."""
    if not is_deep(picture) or (picture.mode == "I;16" and bits == 16 and _range_of_16_bits(picture) == WIDEST):
        return picture
    import numpy
    from PIL import Image

    top = 255 if bits == 8 else 65_535
    kind = numpy.uint8 if bits == 8 else numpy.uint16
    out = numpy.empty((picture.height, picture.width), dtype=kind)
    rows = max(PIECE // max(picture.width, 1), 1)
    if picture.mode.startswith("I;16"):
        # There are few enough numbers for a table of all of them.
        table = _table(_range_of_16_bits(picture), bits)
        for start in range(0, picture.height, rows):
            piece = _numbers(picture.crop((0, start, picture.width, min(start + rows, picture.height))))
            # No number is beyond the table; to have that checked takes a second copy.
            numpy.take(table, cast("NDArray[numpy.uint16]", piece), out=out[start : start + rows], mode="clip")
        return _beside(picture, Image.fromarray(out))
    numbers = _numbers(picture)
    found = _range(picture, numbers)
    for start in range(0, picture.height, rows):
        piece = numbers[start : start + rows].astype(numpy.float64)
        out[start : start + rows] = _steps(piece, found, top).astype(kind)
    return _beside(picture, Image.fromarray(out))


def all_scaled(
    numbers: "NDArray[numpy.generic]", said: Range | None, *, inverted: bool = False
) -> "NDArray[numpy.uint16]":
    """Samples of any shape as 16 bits, from black to white as is said of them, or as their type means it."""
    import numpy

    found = said or _meant_by(numbers)
    if inverted:
        found = Range(found.white, found.black)
    out = numpy.empty(numbers.shape, dtype=numpy.uint16)
    height = len(numbers)
    rows = max(PIECE * height // max(numbers.size, 1), 1)
    for start in range(0, height, rows):
        piece = numbers[start : start + rows].astype(numpy.float64)
        out[start : start + rows] = _steps(piece, found, 65_535).astype(numpy.uint16)
    return out


@lru_cache(maxsize=4)
def _table(range: "Range", bits: Literal[8, 16]) -> "NDArray[numpy.unsignedinteger]":
    """What each number of 16 bits becomes."""
    import numpy

    top, kind = (255, numpy.uint8) if bits == 8 else (65_535, numpy.uint16)
    return _steps(numpy.arange(65_536, dtype=numpy.float64), range, top).astype(kind)


def matches(picture: "Image.Image", value: int) -> "Image.Image":
    """A mask (L) of a deep picture that is black where samples have exactly this value: its transparent colour."""
    import numpy
    from PIL import Image

    others = numpy.not_equal(cast("NDArray[numpy.float64]", _numbers(picture)), value)
    return Image.fromarray(others.astype(numpy.uint8) * numpy.uint8(255))


def _numbers(picture: "Image.Image") -> "NDArray[numpy.generic]":
    import numpy

    numbers = numpy.asarray(picture)
    if picture.mode == "I" and _tag(picture, SAMPLE_FORMAT, 1) == 1 and _tag(picture, BITS, 32) == 32:
        # Pillow has no unsigned numbers of 32 bits, and shows the upper half of them as negative.
        unsigned = numbers.view(numpy.uint32)
        return unsigned if picture.format == "TIFF" else numbers
    return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)


def _steps(numbers: "NDArray[numpy.float64]", range: Range, top: int) -> "NDArray[numpy.float64]":
    import numpy

    span = range.white - range.black
    part = (numbers - range.black) / span if span else numbers * 0
    return numpy.nan_to_num(numpy.clip(part, 0, 1)) * top + 0.5


def _range(picture: "Image.Image", numbers: "NDArray[numpy.generic]") -> Range:
    return _as_white_is(picture, stated(picture) or _meant(picture, numbers))


def _range_of_16_bits(picture: "Image.Image") -> Range:
    """The range of unsigned numbers, for which none of them has to be looked at."""
    meant = Range(0, 2 ** min(_tag(picture, BITS, 16) or 16, 16) - 1)
    return _as_white_is(picture, stated(picture) or meant)


def _as_white_is(picture: "Image.Image", found: Range) -> Range:
    inverted = _tag(picture, PHOTOMETRIC, 1) == WHITE_IS_ZERO
    return Range(found.white, found.black) if inverted else found


def stated(picture: "Image.Image") -> Range | None:
    """The range that the file names; that of SampleFormat before the older one, which holds no fractions."""
    for lowest, highest in ((S_LOWEST, S_HIGHEST), (LOWEST, HIGHEST)):
        black, white = _tag(picture, lowest, 0), _tag(picture, highest, None)
        if black is not None and white is not None and black < white:
            return Range(black, white)
    return None


def _meant(picture: "Image.Image", numbers: "NDArray[numpy.generic]") -> Range:
    """The range of a file that names none."""
    if picture.mode == "I" and picture.format == "TIFF" and _tag(picture, BITS, 32) == 16:
        return Range(-32_768, 32_767)
    if picture.mode == "I" and picture.format != "TIFF":
        # Pillow has scaled them already (PPM, JPEG 2000).
        return Range(0, 65_535)
    return _meant_by(numbers)


def _meant_by(numbers: "NDArray[numpy.generic]") -> Range:
    """The range of numbers of which nothing but their type is known."""
    if numbers.dtype.itemsize == 1:
        return Range(-128, 127) if numbers.dtype.kind == "i" else Range(0, 255)
    if numbers.dtype.itemsize == 2 and numbers.dtype.kind in "iu":
        return Range(-32_768, 32_767) if numbers.dtype.kind == "i" else WIDEST
    floating = numbers.dtype.kind == "f"
    low, high = _extremes(numbers)
    if floating and high <= HEADROOM:
        return Range(0, 1)
    if low >= 0:
        # Numbers of 8 and 16 bits are often kept in 32, as Pillow and scientific programs write them.
        for white in WHOLE:
            if high <= white:
                return Range(0, white)
    if floating:
        return Range(min(low, 0), high)
    if numbers.dtype.kind == "u":
        return Range(0, 2**32 - 1)
    return Range(0 if low >= 0 else -(2**31), 2**31 - 1)


def _extremes(numbers: "NDArray[numpy.generic]") -> tuple[float, float]:
    import numpy

    finite = numbers[numpy.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    if not finite.size:
        return 0.0, 0.0
    ordered = cast("NDArray[numpy.float64]", finite)
    return cast("float", ordered.min()), cast("float", ordered.max())


def _tag(picture: "Image.Image", number: int, otherwise: int | None) -> float | None:
    """The first number of a TIFF tag; `otherwise` where it is not there, or the picture is no TIFF."""
    tags = cast("Mapping[int, object]", getattr(picture, "tag_v2", {}))
    found = tags.get(number, otherwise)
    if isinstance(found, tuple):
        found = cast("tuple[object, ...]", found)[0] if found else otherwise
    return float(found) if isinstance(found, (int, float)) else otherwise


def _beside(picture: "Image.Image", made: "Image.Image") -> "Image.Image":
    made.info = dict(picture.info)
    return made
