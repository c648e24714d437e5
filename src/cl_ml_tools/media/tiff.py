"""What Pillow leaves out of TIFF: kinds of samples of which it reads the twins in the other byte order."""

from typing import TYPE_CHECKING, cast

from cl_ml_tools.media.tiles import read_as

if TYPE_CHECKING:
    from PIL import Image

LITTLE, BIG = b"II", b"MM"
UNSIGNED, SIGNED = (1,), (2,)
# Byte order, photometric interpretation, sample format, fill order, bits, extra samples → mode and raw mode.
KINDS = {
    (BIG, 0, UNSIGNED, 1, (16,), ()): ("I;16B", "I;16B"),
    (BIG, 1, UNSIGNED, 1, (12,), ()): ("I;16", "I;12"),
    (LITTLE, 0, UNSIGNED, 1, (12,), ()): ("I;16", "I;12"),
    (BIG, 0, UNSIGNED, 1, (12,), ()): ("I;16", "I;12"),
    (BIG, 1, UNSIGNED, 1, (32,), ()): ("I", "I;32B"),
    (LITTLE, 0, UNSIGNED, 1, (32,), ()): ("I", "I;32N"),
    (BIG, 0, UNSIGNED, 1, (32,), ()): ("I", "I;32B"),
    (LITTLE, 0, SIGNED, 1, (16,), ()): ("I", "I;16S"),
    (BIG, 0, SIGNED, 1, (16,), ()): ("I", "I;16BS"),
    (LITTLE, 0, SIGNED, 1, (32,), ()): ("I", "I;32S"),
    (BIG, 0, SIGNED, 1, (32,), ()): ("I", "I;32BS"),
}
# libtiff gives numbers in the byte order of the machine, whatever that of the file.
LIBTIFF = "libtiff"
NATIVE = {"F;32BF": "F;32NF", "F;32F": "F;32NF", "I;32B": "I;32N", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}


def teach() -> None:
    """Tell Pillow of them."""
    from PIL import TiffImagePlugin

    table = cast("dict[tuple[object, ...], tuple[str, str]]", TiffImagePlugin.OPEN_INFO)
    for key, modes in KINDS.items():
        table.setdefault(key, modes)


def understood(picture: "Image.Image") -> "Image.Image":
    """A TIFF that was opened, with numbers of 32 bits that libtiff unpacks in the byte order in which they come."""
    read_as(
        picture, lambda tile: NATIVE.get(tile.rawmode, tile.rawmode) if tile.codec_name == LIBTIFF else tile.rawmode
    )
    return picture
