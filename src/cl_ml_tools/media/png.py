"""What Pillow leaves as the file has it in PNG: transparent colours in the samples of the file (PNG §11.3.1.1)."""

import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from cl_ml_tools.media import colour, gamma
from cl_ml_tools.media.tiles import read_as, tiles

if TYPE_CHECKING:
    from PIL import Image

# How much a sample of 1, 2 or 4 bits is scaled when it becomes one of 8.
GREY_SCALES = {"1": 255, "L;2": 85, "L;4": 17}
WIDE = "RGB;16B"
# The same data with the other byte of each sample; Pillow takes one of the two.
LOW_BYTES = "RGB;16L"


def understood(picture: "Image.Image", file: BinaryIO) -> "Image.Image":
    """A PNG that was opened, with its transparent colour in the numbers that its pixels have. `file` is the same PNG.

    One of 16 bits becomes an alpha channel, because Pillow keeps 8 bits of each sample, in which others are the same.
    """
    key = cast("object", picture.info.get("transparency"))
    rawmode = next((tile.rawmode for tile in tiles(picture)), "")
    # Pillow takes grey and alpha of 16 bits for four colours.
    gamma.understood(picture, grey=rawmode.startswith("LA;") or colour.space(picture.mode) == "GRAY")
    if isinstance(key, int) and rawmode in GREY_SCALES:
        picture.info["transparency"] = min(key * GREY_SCALES[rawmode], 255)
    elif isinstance(key, tuple) and rawmode == WIDE:
        return _with_alpha(picture, file, cast("tuple[int, ...]", key))
    return picture


def _with_alpha(picture: "Image.Image", file: BinaryIO, key: tuple[int, ...]) -> "Image.Image":
    from PIL import Image, ImageChops

    hidden = Image.new("L", picture.size, 255)
    with Image.open(file, formats=["PNG"]) as low:
        read_as(low, lambda _: LOW_BYTES)
        for half, shift in ((picture, 8), (low, 0)):
            for channel, number in zip(half.split(), key, strict=True):
                byte = number >> shift & 0xFF
                hidden = ImageChops.multiply(hidden, channel.point([255 * (level == byte) for level in range(256)]))
    made = picture.convert("RGB")
    made.info.pop("transparency", None)
    made.putalpha(ImageChops.invert(hidden))
    made.format = picture.format
    return made


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG (PNG §5.3)."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(content, zlib.crc32(kind)).to_bytes(4)
