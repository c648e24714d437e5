"""What is seen of a picture: upright, 8 bits, in sRGB. Thumbnails, hashes and models look at pictures through this."""

import logging
from typing import TYPE_CHECKING, cast

from cl_ml_tools.media import colour, depth, transparency

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
# Modes that can be resized without surprises, and keep their colours until it is known how large they are to be.
RESIZABLE = frozenset({"L", "RGB", "RGBA", "CMYK", "LAB"})

log = logging.getLogger(__name__)


def is_turned(picture: "Image.Image") -> bool:
    """Whether EXIF orientation swaps width and height."""
    return orientation(picture) in {5, 6, 7, 8}


def orientation(picture: "Image.Image") -> int:
    """EXIF orientation, 1 to 8 (CIPA DC-008 §4.6.4); 1 where there is none that can be read.

    Pillow turns a TIFF itself, and has the size of what is seen from the beginning.
    """
    if picture.format == "TIFF":
        return 1
    try:
        found = cast("object", picture.getexif().get(ORIENTATION, 1))
    except Exception:
        log.info("EXIF that cannot be read is ignored", exc_info=True)
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(picture: "Image.Image", stored: int | None = None) -> "Image.Image":
    """The picture turned as its EXIF orientation says, or `stored` where that is known already."""
    number = orientation(picture) if stored is None else stored
    if number == 1:
        return picture
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[number])


def resizable(picture: "Image.Image") -> "Image.Image":
    """The picture in 8 bits that can be averaged: its own colours, with alpha where it is transparent."""
    if transparency.is_transparent(picture):
        return transparency.layered(picture)
    flat = depth.scaled(picture, 8)
    return flat if flat.mode in RESIZABLE else flat.convert("L" if flat.mode == "1" else "RGB")


def seen(picture: "Image.Image") -> "Image.Image":
    """The picture as L, RGB or RGBA in sRGB."""
    return colour.to_srgb(resizable(picture))


def opaque(picture: "Image.Image") -> "Image.Image":
    """The picture as L or RGB in sRGB, on white."""
    flat = resizable(picture)
    return colour.to_srgb(transparency.on_white(flat) if transparency.is_transparent(flat) else flat)
