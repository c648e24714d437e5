"""The EXIF of a picture as bytes: a small TIFF without pixels (CIPA DC-008 §4.5), often with `Exif\\0\\0` before it.

It is carried over byte by byte where that goes, because maker notes hold places in the block that only their maker
knows, and none of them is right after it has been written anew.
"""

import logging
import struct
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.media.binary import unpack

if TYPE_CHECKING:
    from PIL import Image

PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
MAKER_NOTE = 0x927C
MOST_TAGS = 1_000
# Tags of a TIFF that say how its pixels are stored, or hold what is carried in other ways: structure, SubIFDs, JPEG
# tables, XMP, IPTC, Photoshop, ICC, and those of raw pictures (TIFF 6.0 §8, DNG 1.7).
STRUCTURE = (
    frozenset({254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290})
    | frozenset({291, 292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 337})
    | frozenset({338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532})
    | frozenset({700, 33421, 33422, 33723, 34377, 34675, 37724, ORIENTATION})
    | frozenset(range(50706, 51200))
)

log = logging.getLogger(__name__)


class Shortened(NamedTuple):
    """A block that fits, and what had to be left out for that."""

    block: bytes
    left_out: tuple[str, ...]


def of(picture: "Image.Image", *, turned: bool = False) -> bytes:
    """The block of a picture without its prefix; empty where there is none that can be read.

    Its orientation is 1, unless `turned` keeps it for a picture that is still as it is stored.
    """
    found: object = picture.info.get("exif")
    try:
        if isinstance(found, bytes) and found:
            return bare(found) if turned else with_orientation_1(bare(found))
        tags = picture.getexif()
        left_out = STRUCTURE - {ORIENTATION} if turned else STRUCTURE
        kept = {number: value for number, value in _known(tags).items() if number not in left_out}
        if not kept:
            return b""
        return bare(_rewritten(tags, kept))
    except Exception:
        # Pillow writes anew what it has read, and trips over what odd writers wrote.
        log.info("EXIF that cannot be carried over is left out", exc_info=True)
        return b""


def bare(block: bytes) -> bytes:
    """Without the six bytes that JPEG has before it; HEIF and some writers have them twice."""
    while block.startswith(PREFIX):
        block = block[len(PREFIX) :]
    return block


def with_orientation_1(block: bytes) -> bytes:
    """The block with its orientation as 1, in its place; without the thumbnail of a picture that was turned."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 10:
        return block
    changed = bytearray(block)
    (start,) = unpack(order + "I", block, 4)
    if start + 2 > len(block):
        return block
    (count,) = unpack(order + "H", block, start)
    for place in range(start + 2, min(start + 2 + 12 * min(count, MOST_TAGS), len(block) - 11), 12):
        tag, kind = unpack(order + "HH", block, place)
        if tag != ORIENTATION:
            continue
        layout = order + ("I" if kind == 4 else "H")
        was_turned = unpack(layout, block, place + 8)[0] != 1
        struct.pack_into(layout, changed, place + 8, 1)
        after = start + 2 + 12 * count
        if was_turned and after + 4 <= len(block):
            # Where the directory of the thumbnail is.
            changed[after : after + 4] = bytes(4)
    return bytes(changed)


def shortened(block: bytes, limit: int) -> Shortened:
    """The block with at most so many bytes: without thumbnail, then maker notes, then what is largest."""
    if len(block) <= limit:
        return Shortened(block, ())
    from PIL import Image

    try:
        tags = Image.Exif()
        tags.load(PREFIX + block)
        left_out = ["thumbnail"]
        made = bare(_rewritten(tags, dict(tags)))
        inside = cast("dict[int, object]", tags.get_ifd(EXIF))
        if len(made) > limit and MAKER_NOTE in inside:
            del inside[MAKER_NOTE]
            left_out.append("maker notes")
            made = bare(tags.tobytes())
        while len(made) > limit:
            directory = max((cast("MutableMapping[int, object]", tags), inside), key=_largest)
            number = _largest_of(directory)
            left_out.append(_name(number))
            del directory[number]
            made = bare(tags.tobytes())
    except Exception:
        log.info("EXIF that is too long cannot be shortened, and is left out", exc_info=True)
        return Shortened(b"", ("all of it",))
    return Shortened(made, tuple(left_out))


def _rewritten(tags: "Image.Exif", kept: Mapping[int, object]) -> bytes:
    """Written anew: these tags of the main directory, and the directories in it."""
    from PIL import Image

    made = Image.Exif()
    for number, value in kept.items():
        if number in {EXIF, GPS}:
            found = cast("Mapping[int, object]", tags.get_ifd(number))
            inside = {tag: content for tag, content in found.items() if tag != INTEROPERABILITY}
            made.get_ifd(number).update(inside)
        elif number != INTEROPERABILITY:
            made[number] = value
    return made.tobytes()


def _known(tags: "Image.Exif") -> Mapping[int, object]:
    return cast("Mapping[int, object]", tags)


def _largest_of(tags: Mapping[int, object]) -> int:
    return max(tags, key=lambda number: _size(tags[number]))


def _largest(tags: Mapping[int, object]) -> int:
    return max((_size(value) for value in tags.values()), default=0)


def _size(value: object) -> int:
    return len(cast("bytes", value)) if isinstance(value, (bytes, str, tuple)) else 0


def _name(number: int) -> str:
    from PIL.ExifTags import TAGS

    return TAGS.get(number, f"{number:#06x}")
