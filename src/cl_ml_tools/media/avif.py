"""AVIF as its writers made it: what libavif refuses, and is plain all the same.

Early encoders wrote the properties of picture and alpha channel into boxes of their own, where ISO/IEC 23008-12 §9.3.1
wants one, or gave the alpha channel no size (§6.5.3.1). Such a file is read as a copy in which that is put right.
"""

import io
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cl_ml_tools.media import iso_boxes
from cl_ml_tools.media.binary import unpack

LONGEST_META = 1 << 20
MOST_ITEMS = 10_000


class Associations(NamedTuple):
    """The `ipma` box: for each item, which properties it has, by their places (ISO/IEC 14496-12 §8.11.14)."""

    version: int
    wide: bool
    items: dict[int, list[int]]

    def widened(self, wide: bool) -> dict[int, list[int]]:
        """The same, in places of 16 bits where others need them."""
        if self.wide or not wide:
            return self.items
        return {number: [(at & 0x80) << 8 | at & 0x7F for at in places] for number, places in self.items.items()}

    def box(self) -> bytes:
        """The box itself. A place is kept with the bit that says whether it is essential."""
        content = struct.pack(">BBBBI", self.version, 0, 0, int(self.wide), len(self.items))
        for number, places in self.items.items():
            content += struct.pack(">I" if self.version else ">H", number) + bytes([len(places)])
            content += struct.pack(f">{len(places)}{'H' if self.wide else 'B'}", *places)
        return _box(b"ipma", content)


def mended(path: Path) -> io.BytesIO | None:
    """The file as libavif reads it; `None` where there is nothing to be put right."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        found = next(((start, stop) for kind, start, stop in iso_boxes.boxes(file, 0, end) if kind == b"meta"), None)
        if found is None or found[1] - found[0] > LONGEST_META or found[1] > end:
            return None
        try:
            meta = _mended(file, *found)
        except (struct.error, IndexError):
            return None
        if meta is None:
            return None
        file.seek(0)
        content = bytearray(file.read())
    # The places of the data are counted from the beginning of the file: nothing may move, so the box goes to the end.
    content[found[0] - 4 : found[0]] = b"free"
    return io.BytesIO(bytes(content) + _box(b"meta", meta))


def property_of_primary(path: Path, wanted: bytes) -> bytes | None:
    """The content of a property that the file's own picture has (ISO/IEC 23008-12 §6.5); `None` where it has none.

    Raises `struct.error` or `IndexError` where the boxes make no sense.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        found = next(((start, stop) for kind, start, stop in iso_boxes.boxes(file, 0, end) if kind == b"meta"), None)
        if found is None or found[1] - found[0] > LONGEST_META:
            return None
        outer = [*iso_boxes.boxes(file, found[0] + 4, found[1])]
        inner = [box for kind, *place in outer if kind == b"iprp" for box in iso_boxes.boxes(file, *place)]
        properties = [box for kind, *place in inner if kind == b"ipco" for box in iso_boxes.boxes(file, *place)]
        if not any(kind == wanted for kind, _, __ in properties):
            return None
        (start,) = (place[0] for kind, *place in outer if kind == b"pitm")
        content = _read(file, start, start + 8)
        (primary,) = unpack(">I" if content[0] else ">H", content, 4)
        for each in (_associations(_read(file, *place)) for kind, *place in inner if kind == b"ipma"):
            for at in each.items.get(primary, []):
                kind, *place = properties[(at & (0x7FFF if each.wide else 0x7F)) - 1]
                if kind == wanted:
                    return _read(file, *place)
    return None


def _mended(file: BinaryIO, start: int, stop: int) -> bytes | None:
    """The content of the `meta` box with one box of properties, and a size for each item."""
    outer = [*iso_boxes.boxes(file, start + 4, stop)]
    inner = [box for kind, *place in outer if kind == b"iprp" for box in iso_boxes.boxes(file, *place)]
    properties = [box for kind, *place in inner if kind == b"ipco" for box in iso_boxes.boxes(file, *place)]
    lists = [_associations(_read(file, *place)) for kind, *place in inner if kind == b"ipma"]
    if not lists:
        return None
    wide = any(each.wide for each in lists)
    items = {number: each.widened(wide)[number] for each in lists for number in each.items}
    changed = len(lists) > 1
    sizes = {place for place, (kind, _, __) in enumerate(properties, 1) if kind == b"ispe"}
    mask = 0x7FFF if wide else 0x7F
    references = b"".join(_read(file, *place) for kind, *place in outer if kind == b"iref")
    for item, master in _auxiliaries(references).items() if references else ():
        size = next((place & mask for place in items.get(master, []) if place & mask in sizes), None)
        if item in items and size is not None and not any(place & mask in sizes for place in items[item]):
            items[item].insert(0, size)
            changed = True
    if not changed:
        return None
    one = Associations(max(each.version for each in lists), wide, items).box()
    boxes = b"".join(_box(kind, _read(file, *place)) for kind, *place in inner if kind != b"ipma")
    parts = [_box(kind, boxes + one if kind == b"iprp" else _read(file, *place)) for kind, *place in outer]
    return _read(file, start, start + 4) + b"".join(parts)


def _associations(content: bytes) -> Associations:
    version, flags = content[0], int.from_bytes(content[1:4])
    (count,) = unpack(">I", content, 4)
    wide, place = bool(flags & 1), 8
    items: dict[int, list[int]] = {}
    for _ in range(min(count, MOST_ITEMS)):
        (number,) = unpack(">I" if version else ">H", content, place)
        place += 4 if version else 2
        length = content[place]
        items[number] = [*unpack(f">{length}{'H' if wide else 'B'}", content, place + 1)]
        place += 1 + length * (2 if wide else 1)
    return Associations(version, wide, items)


def _auxiliaries(content: bytes) -> dict[int, int]:
    """Which item each auxiliary one belongs to (`auxl`)."""
    letter = ">I" if content[0] else ">H"
    width = struct.calcsize(letter)
    found: dict[int, int] = {}
    file = io.BytesIO(content)
    for kind, start, _ in iso_boxes.boxes(file, 4, len(content)):
        if kind == b"auxl":
            (item,) = unpack(letter, content, start)
            (master,) = unpack(letter, content, start + width + 2)
            found[item] = master
    return found


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content
