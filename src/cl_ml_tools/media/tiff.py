"""What Pillow leaves out of TIFF: kinds of samples of which it reads the twins in the other byte order."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cl_ml_tools.media.tiles import read_as

if TYPE_CHECKING:
    from PIL import Image

LITTLE, BIG = b"II", b"MM"
UNSIGNED, SIGNED, FLOATING = (1,), (2,), (3,)
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
    **{(LITTLE, white, FLOATING, 1, (64,), ()): ("F", "F;64F") for white in (0, 1)},
    **{(BIG, white, FLOATING, 1, (64,), ()): ("F", "F;64BF") for white in (0, 1)},
    # Of Lab, a and b are signed.
    **{(order, 8, (1, 2, 2), 1, (8, 8, 8), ()): ("LAB", "LAB") for order in (LITTLE, BIG)},
    # Grey and alpha of 16 bits: four bytes, of which `wide.join` makes what they are.
    **{(order, 1, UNSIGNED, 1, (16, 16), (extra,)): ("RGBA", "RGBA") for order in (LITTLE, BIG) for extra in (0, 2)},
}
BITS, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
# PhotometricInterpretation (TIFF 6.0 §8, §16, §21, §23).
SPACES = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "CIELab", 10: "CIELab"}
# libtiff gives numbers in the byte order of the machine, whatever that of the file.
LIBTIFF = "libtiff"
NATIVE = {
    "F;32BF": "F;32NF",
    "F;32F": "F;32NF",
    "I;32B": "I;32N",
    "I;32BS": "I;32NS",
    "I;16BS": "I;16NS",
    "F;64F": "F;64NF",
    "F;64BF": "F;64NF",
}


def teach(others: Mapping[tuple[object, ...], tuple[str, str]]) -> None:
    """Tell Pillow of them, and of others."""
    from PIL import TiffImagePlugin

    table = cast("dict[tuple[object, ...], tuple[str, str]]", TiffImagePlugin.OPEN_INFO)
    for key, modes in (*KINDS.items(), *others.items()):
        table.setdefault(key, modes)
    # It takes signed bytes for others, and stumbles over a plane that is no colour.
    for order in (LITTLE, BIG):
        for key in ((order, 1, SIGNED, 1, (8,), ()), (order, 2, UNSIGNED, 1, (8, 8, 8), ())):
            table[key] = others[key]


def refusal(path: Path, name: str) -> str | None:
    """What is said of a TIFF that Pillow does not read: what is in it, and what helps. `None` where it is no TIFF."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        with path.open("rb") as file:
            directory = ImageFileDirectory_v2(file.read(8))
            file.seek(cast("int", directory.next))
            directory.load(file)
            bits = cast("tuple[int, ...]", directory.get(BITS, (1,)))
            kind = cast("tuple[int, ...]", directory.get(SAMPLE_FORMAT, (1,)))[0]
            space = SPACES.get(cast("int", directory.get(PHOTOMETRIC, -1)), "unknown colours")
    except (SyntaxError, ValueError, TypeError, OSError, struct.error):
        return None
    samples = f"{len(bits)} × {bits[0]} bits" + (" floating point" if (kind,) == FLOATING else "")
    return f"{name} is a TIFF of {space} with {samples}, which cannot be read: save it as a PNG, as ImageMagick can"


def native(picture: "Image.Image") -> "Image.Image":
    """A TIFF that was opened, with numbers of 32 bits that libtiff unpacks in the byte order in which they come."""
    read_as(
        picture, lambda tile: NATIVE.get(tile.rawmode, tile.rawmode) if tile.codec_name == LIBTIFF else tile.rawmode
    )
    return picture
