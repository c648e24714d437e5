"""Teaches Pillow to read HEIC, when the first one arrives."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cl_ml_tools.media import avif
from cl_ml_tools.media.binary import unpack
from cl_ml_tools.threads import threads

if TYPE_CHECKING:
    from PIL import Image

FORMAT = "HEIF"
# ISO/IEC 23008-12 §10: the brands of still images and sequences that are coded with HEVC.
BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
AVIF = frozenset({b"avif", b"avis"})


def is_heif(path: Path) -> bool:
    """Whether the file says that it is one, in its first box (ISO/IEC 14496-12 §4.3)."""
    with path.open("rb") as file:
        brands = _brands(file.read(64))
    return bool(brands & BRANDS) and not brands & AVIF


def is_avif(path: Path) -> bool:
    """Whether the file says that it is AVIF."""
    with path.open("rb") as file:
        return bool(_brands(file.read(64)) & AVIF)


def is_still(head: bytes) -> bool:
    """Whether a file that begins like this says that it is HEIC or AVIF, and not a film."""
    return bool(_brands(head) & (BRANDS | AVIF))


def _brands(head: bytes) -> set[bytes]:
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))}


def clean_aperture(picture: "Image.Image", path: Path) -> "Image.Image":
    """The part of an AVIF that is to be shown (`clap`, §6.5.9), which libavif leaves to its users."""
    try:
        found = avif.property_of_primary(path, b"clap")
        box = None if found is None else _aperture(found, picture.size)
    except (struct.error, IndexError, ZeroDivisionError):
        return picture
    if box is None:
        return picture
    part = picture.crop(box)
    part.format = picture.format
    return part


def _aperture(content: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom, of fractions (ISO/IEC 14496-12 §12.1.4); `None` where it is not within the picture."""
    numbers = unpack(">IIIIiIiI", content)
    across, down, right, below = (Fraction(numbers[at], numbers[at + 1]) for at in range(0, 8, 2))
    left = (size[0] - across) / 2 + right
    top = (size[1] - down) / 2 + below
    box = (round(left), round(top), round(left + across), round(top + down))
    inside = 0 <= box[0] < box[2] <= size[0] and 0 <= box[1] < box[3] <= size[1]
    return box if inside else None


def teach() -> bool:
    """Register the reader with Pillow; `False` where pi-heif is not installed."""
    from PIL import Image

    if FORMAT in Image.OPEN:
        return True
    try:
        from pi_heif import register_heif_opener  # pyright: ignore[reportUnknownVariableType] - it takes **kwargs
    except ImportError:
        return False
    register_heif_opener(decode_threads=threads(), thumbnails=False, depth_images=False, aux_images=False)
    return True


def stored_orientation(info: dict[str | tuple[int, int], object]) -> int | None:
    """The EXIF orientation as the file has it: the reader turns the picture, and says 1 from then on."""
    return cast("int | None", info.get("original_orientation"))
