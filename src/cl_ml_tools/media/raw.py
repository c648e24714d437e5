"""Raw pictures of cameras in TIFF (DNG, CR2, NEF, ARW): not developed here, but their previews are found.

The first picture of such a file is often a small one, so it is not taken for what the file shows.
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from cl_ml_tools.media.binary import unpack

if TYPE_CHECKING:
    from PIL import Image

WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, OFFSETS, COUNTS = 0x100, 0x101, 0x103, 0x106, 0x111, 0x117
SUB_IFDS, JPEG_START, JPEG_LENGTH, DNG_VERSION = 0x14A, 0x201, 0x202, 0xC612
# Of the sensor's own colours, one or three for each pixel (DNG 1.7 §4).
CFA, LINEAR_RAW = 32803, 34892
OLD_JPEG, JPEG = 6, 7
CR2 = b"CR\2\0"
SOI = b"\xff\xd8\xff"
MOST_DIRECTORIES, MOST_TAGS, MOST_VALUES = 32, 512, 16
# Cameras cut a few lines off around a preview.
FULL = 0.9
# Where a preview that was opened says how large the raw picture is.
KEY = "raw_size"


class Preview(NamedTuple):
    """A JPEG within the file, or with no length the first picture of it; and how large the raw picture is, if known."""

    start: int
    length: int
    raw_size: tuple[int, int] | None


def preview_of(path: Path) -> Preview | None:
    """The largest preview of a raw picture; `None` where the file is none."""
    with path.open("rb") as file:
        head = file.read(16)
        directories = _directories(file, head)
        sizes = [_size(tags) for tags in directories if _first(tags, PHOTOMETRIC) in {CFA, LINEAR_RAW}]
        is_cr2 = head[8:12] == CR2
        if not sizes and not is_cr2 and not any(DNG_VERSION in tags for tags in directories):
            return None
        raw_size = max(sizes, key=_area, default=None)
        found: list[tuple[int, int, int]] = []
        for number, tags in enumerate(directories):
            if _first(tags, PHOTOMETRIC) in {CFA, LINEAR_RAW} or (is_cr2 and number and WIDTH not in tags):
                continue
            start, length = _jpeg(tags)
            file.seek(start)
            if length and file.read(3) == SOI:
                found.append((_area(_size(tags)) or length, start, length))
            elif number == 0:
                found.append((_area(_size(tags)), 0, 0))
    _, start, length = max(found, default=(0, 0, 0))
    return Preview(start, length, raw_size)


def is_full(size: tuple[int, int], raw_size: tuple[int, int] | None) -> bool:
    """Whether a preview shows what the raw picture does, in as many pixels but for its edges."""
    return raw_size is None or (max(size) >= max(raw_size) * FULL and min(size) >= min(raw_size) * FULL)


def raw_size(picture: "Image.Image") -> tuple[int, int] | None:
    """How large the raw picture is that an opened one is the preview of; `None` where it is no preview."""
    return cast("tuple[int, int] | None", picture.info.get(KEY))


def _directories(file: BinaryIO, head: bytes) -> list[dict[int, list[int]]]:
    """The directories of a TIFF and those within them, the first one first."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8 or head[2:4] not in {b"*\0", b"\0*"}:
        return []
    (place,) = unpack(order + "I", head, 4)
    waiting, seen, found = [place], {0}, list[dict[int, list[int]]]()
    while waiting and len(found) < MOST_DIRECTORIES:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        try:
            tags, after = _directory(file, place, order)
        except struct.error:
            continue
        found.append(tags)
        waiting += [*tags.get(SUB_IFDS, []), after]
    return found


def _directory(file: BinaryIO, place: int, order: str) -> tuple[dict[int, list[int]], int]:
    file.seek(place)
    (count,) = unpack(order + "H", file.read(2))
    entries = [file.read(12) for _ in range(min(count, MOST_TAGS))]
    (after,) = unpack(order + "I", file.read(4).ljust(4, b"\0"))
    tags: dict[int, list[int]] = {}
    for entry in entries:
        number, kind, many = unpack(order + "HHI", entry)
        letter = {1: "B", 3: "H", 4: "I", 13: "I"}.get(kind)
        if letter is None:
            continue
        many = min(many, MOST_VALUES)
        size = many * struct.calcsize(letter)
        content = entry[8:12]
        if size > 4:
            (start,) = unpack(order + "I", content)
            file.seek(start)
            content = file.read(size)
        if len(content) >= size:
            tags[number] = [*unpack(f"{order}{many}{letter}", content)]
    return tags, after


def _jpeg(tags: dict[int, list[int]]) -> tuple[int, int]:
    if JPEG_START in tags:
        return _first(tags, JPEG_START), _first(tags, JPEG_LENGTH)
    if _first(tags, COMPRESSION) in {OLD_JPEG, JPEG} and len(tags.get(OFFSETS, [])) == 1:
        return _first(tags, OFFSETS), _first(tags, COUNTS)
    return 0, 0


def _first(tags: dict[int, list[int]], number: int) -> int:
    return (tags.get(number) or [0])[0]


def _size(tags: dict[int, list[int]]) -> tuple[int, int]:
    return _first(tags, WIDTH), _first(tags, HEIGHT)


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]
