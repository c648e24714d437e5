"""Reads and writes pictures with Pillow, which is imported when the first one is."""

import logging
import struct
import warnings
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.artifact import publishing
from cl_ml_tools.compute_module import TaskError, UnsupportedMediaTypeError
from cl_ml_tools.media import heif

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 256_000_000
ORIENTATION = 0x0112

# Named, because Pillow otherwise tries every format it has, and some of those start other programs (EPS).
READABLE = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "ICO", "PPM", "QOI")

# What Pillow raises for content that makes no sense to it; every format has its favourites.
UNREADABLE = (SyntaxError, ValueError, EOFError, OSError, RuntimeError, struct.error)

log = logging.getLogger(__name__)


class NotAPictureError(UnsupportedMediaTypeError):
    """The file is not an image that Pillow can read."""


class TooManyPixelsError(TaskError):
    """The picture would be too large in memory, however small its file is."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is too large: more than {MAX_PIXELS // 1_000_000} million pixels")


class Target(NamedTuple):
    """What a format can hold."""

    pillow: str
    modes: frozenset[str]
    alpha: bool
    quality: bool = False
    exif: bool = False
    moves: bool = False


_JPEG = Target("JPEG", frozenset({"L", "RGB"}), alpha=False, quality=True, exif=True)
TARGETS: dict[str, Target] = {
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "png": Target("PNG", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}), alpha=True, exif=True),
    "webp": Target("WEBP", frozenset({"RGB", "RGBA"}), alpha=True, quality=True, exif=True, moves=True),
    "gif": Target("GIF", frozenset({"1", "L", "P", "RGB", "RGBA"}), alpha=True, moves=True),
    "bmp": Target("BMP", frozenset({"1", "L", "P", "RGB"}), alpha=False),
    "tiff": Target("TIFF", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"}), alpha=True),
}


def warm() -> None:
    """Load Pillow and its formats."""
    from PIL import Image

    Image.init()


@contextmanager
def open_picture(path: Path, name: str) -> Generator["Image.Image"]:
    """Open a picture; raises `NotAPictureError`, or `TaskError` when it is too large or damaged."""
    from PIL import Image

    def unknown(_: str) -> TaskError:
        return NotAPictureError(f"{name} is not an image that Pillow can read ({media_type(path)})")

    def damaged(why: str) -> TaskError:
        return TaskError(f"{name} is damaged: {why}")

    # Pillow warns at this number, and refuses at twice as many.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    formats = READABLE
    if heif.is_heif(path):
        if not heif.teach():
            raise NotAPictureError(f"{name} is HEIC, which this server cannot read: pip install 'cl-client[ml]'")
        formats = (heif.FORMAT,)
    try:
        with warnings.catch_warnings(), _blaming_the_picture(unknown):
            # Nor does anybody act upon what it has to say of damaged tags.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            picture = Image.open(path, formats=formats)
        with picture, _blaming_the_picture(damaged):
            yield picture
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(name) from error


@contextmanager
def _blaming_the_picture(told: Callable[[str], TaskError]) -> Generator[None]:
    """Turn what Pillow raises into what the user is told; what is the machine's fault (a full disk) stays as it is."""
    try:
        yield
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise told(_one_line(error)) from error


def media_type(path: Path) -> str:
    """The media type of a file by its first bytes."""
    with path.open("rb") as file:
        return media_type_of(file.read(4096))


def media_type_of(head: bytes) -> str:
    """The media type of a file that begins like this."""
    import filetype

    guess: object = filetype.guess_mime(head)  # pyright: ignore[reportUnknownMemberType] (it says no types)
    if isinstance(guess, str):
        return guess
    try:
        # A character may be cut at the end of the piece, which an incremental decoder forgives.
        text = getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain" if all(c.isprintable() or c.isspace() for c in text) else "application/octet-stream"


def is_turned(picture: "Image.Image") -> bool:
    """Whether EXIF orientation swaps width and height; not where the size is already that of what is seen (TIFF)."""
    return picture.format != "TIFF" and orientation(picture) in {5, 6, 7, 8}


def orientation(picture: "Image.Image") -> int:
    """EXIF orientation, 1 to 8 (CIPA DC-008 §4.6.4); 1 where there is none that can be read."""
    try:
        found = cast("object", picture.getexif().get(ORIENTATION, 1))
    except Exception:
        log.info("EXIF that cannot be read is ignored", exc_info=True)
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(picture: "Image.Image") -> "Image.Image":
    """The picture with its EXIF orientation applied, and taken out of the EXIF."""
    if orientation(picture) == 1:
        return picture
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def transparent(picture: "Image.Image") -> bool:
    """Whether the picture has an alpha channel or a transparent colour."""
    return picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info


def flat_mode(picture: "Image.Image") -> "Image.Image":
    """The picture as L, RGB or RGBA: what can be resized without surprises."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(picture)
    if picture.mode in {"L", "RGB", "RGBA"} and "transparency" not in picture.info:
        return picture
    if transparent(picture):
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def save_picture(
    picture: "Image.Image",
    path: Path,
    format: str,
    quality: int,
    *,
    name: str,
    keep_exif: bool = True,
    frames: Mapping[str, object] | None = None,
) -> None:
    """Write a picture as `format` (a key of `TARGETS`), with its colour profile where it still fits.

    With `frames` (see `animation.py`) all of it is written, else the frame that it stands at.
    """
    target = TARGETS[format]
    # The frames are fitted as they are written, one after the other.
    fitted = _fit(picture, target) if frames is None else picture
    options: dict[str, object] = dict(frames or {})
    profile: object = picture.info.get("icc_profile")
    same_colours = (picture.mode == "CMYK") == (fitted.mode == "CMYK") and fitted.mode not in {"L", "LA", "1"}
    if isinstance(profile, bytes) and same_colours:
        options["icc_profile"] = profile
    exif: object = picture.info.get("exif")
    if keep_exif and target.exif and isinstance(exif, bytes):
        options["exif"] = exif
    if target.quality:
        options["quality"] = quality

    def impossible(why: str) -> TaskError:
        return TaskError(f"{name} cannot be written as {format}: {why}")

    with publishing(path) as part, _blaming_the_picture(impossible):
        fitted.save(part, target.pillow, **options)


def _fit(picture: "Image.Image", target: Target) -> "Image.Image":
    if transparent(picture) and not target.alpha:
        from PIL import Image

        layer = picture.convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    if picture.mode in target.modes:
        return picture
    return flat_mode(picture) if flat_mode(picture).mode in target.modes else flat_mode(picture).convert("RGB")


def _eight_bits(picture: "Image.Image") -> "Image.Image":
    """16-bit grey to 8-bit grey: by its high byte, not clipped at 255 as a plain conversion does."""
    if picture.mode == "F":
        return picture.convert("L")
    wide = picture.convert("I")
    extrema = wide.getextrema()
    top = extrema[1]
    if isinstance(top, (int, float)) and top <= 255:
        return wide.convert("L")
    return wide.point(lambda value: value * (1 / 257)).convert("L")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
