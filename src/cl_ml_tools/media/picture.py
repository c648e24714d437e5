"""Opens pictures with Pillow, which is imported when the first one is; the only place that opens an upload with it."""

import io
import logging
import struct
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import avif, exif_block, heif, limits, png, raw, samples, tiff, wide
from cl_ml_tools.media.limits import NotAPictureError, TooManyPixelsError
from cl_ml_tools.media.media_type import media_type
from cl_ml_tools.requirement import install_command

if TYPE_CHECKING:
    from PIL import Image

# Named, because Pillow otherwise tries every format it has, and some of those start other programs (EPS).
READABLE = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "ICO", "PPM", "QOI")

# What Pillow raises for content that makes no sense to it; every format has its favourites.
UNREADABLE = (SyntaxError, ValueError, EOFError, OSError, RuntimeError, struct.error)

log = logging.getLogger(__name__)


def warm() -> None:
    """Load Pillow and its formats."""
    from PIL import Image

    Image.init()


@contextmanager
def open_picture(path: Path, name: str, *, decoded: bool = True) -> Generator["Image.Image"]:
    """Open a picture; raises `NotAPictureError`, or `TaskError` when it is too large or damaged.

    `decoded` is whether anybody looks at its pixels: then they have to have room in memory.
    """
    from PIL import Image

    def unknown(_: str) -> TaskError:
        said = tiff.refusal(path, name) if media_type(path) == "image/tiff" else None
        return NotAPictureError(said or f"{name} is not an image that Pillow can read ({media_type(path)})")

    def damaged(why: str) -> TaskError:
        return TaskError(f"{name} is damaged: {why}")

    # Pillow warns at this number, and refuses at twice as many.
    Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS // 2
    formats = READABLE
    if heif.is_heif(path):
        if not heif.teach():
            raise NotAPictureError(f"{name} is HEIC, which this server cannot read: {install_command('pi_heif')}")
        formats = (heif.FORMAT,)
    _teach()
    try:
        with ExitStack() as stack:
            with warnings.catch_warnings(), blaming_the_picture(unknown):
                # Nor does anybody act upon what it has to say of damaged tags.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                warnings.simplefilter("ignore", UserWarning)
                picture = stack.enter_context(_opened(path, formats))
            if decoded:
                _expect_room(picture, name)
            with blaming_the_picture(damaged):
                found = _understood(picture, path, stack)
                yield wide.join(found) if decoded else found
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(name) from error


@cache
def _teach() -> None:
    """Tell Pillow of kinds of TIFF, once."""
    tiff.teach(samples.kinds())


def _expect_room(picture: "Image.Image", name: str) -> None:
    """Have it refused before it is decoded, if there is no room: one of one colour is a few bytes in its file."""
    from PIL.JpegImagePlugin import JpegImageFile

    kind = samples.kind_of(picture)
    each = kind.bytes_each if kind else _bytes_each(picture.mode)

    def check() -> None:
        limits.check_memory(name, picture.width * picture.height * each)

    if not isinstance(picture, JpegImageFile):
        check()
        return
    # It may be asked for at an eighth of its size, which is known when it is loaded.
    prepare = picture.load_prepare

    def prepared() -> None:
        check()
        # Once is enough; else picture and function would hold each other, and its pixels wait for the collector.
        del picture.load_prepare
        prepare()

    picture.load_prepare = prepared


def _bytes_each(mode: str) -> int:
    """What a pixel takes in Pillow, which has the colours of one together in 32 bits."""
    if mode in {"1", "L", "P"}:
        return 1
    return 2 if mode.startswith("I;16") else 4


def _opened(path: Path, formats: tuple[str, ...]) -> "Image.Image":
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(path, formats=formats)
    except UnidentifiedImageError:
        mended = avif.mended(path) if heif.is_avif(path) else None
        if mended is None:
            raise
        return Image.open(mended, formats=("AVIF",))


def _understood(picture: "Image.Image", path: Path, stack: ExitStack) -> "Image.Image":
    """The picture with what its file says and Pillow does not do."""
    wide.mark(picture)
    if picture.format == "PNG":
        return png.understood(picture, stack.enter_context(path.open("rb")))
    if picture.format == "AVIF":
        return heif.clean_aperture(picture, path)
    if picture.format != "TIFF":
        return picture
    preview = raw.preview_of(path)
    return tiff.native(picture) if preview is None else _preview(picture, path, preview, stack)


def _preview(picture: "Image.Image", path: Path, preview: raw.Preview, stack: ExitStack) -> "Image.Image":
    """The preview of a raw picture, which is turned as the file says."""
    from PIL import Image

    block = exif_block.of(picture, turned=True)
    if preview.length:
        with path.open("rb") as file:
            file.seek(preview.start)
            content = io.BytesIO(file.read(preview.length))
        picture = stack.enter_context(Image.open(content, formats=("JPEG",)))
        picture.info["exif"] = block
    picture.info[raw.KEY] = preview.raw_size or picture.size
    return picture


@contextmanager
def blaming_the_picture(told: Callable[[str], TaskError]) -> Generator[None]:
    """Turn what Pillow raises into what the user is told; what is the machine's fault (a full disk) stays as it is."""
    try:
        yield
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise told(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
