"""What a picture says of itself before it is decoded. Little is read, and little is kept, whatever the file holds."""

import re
import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from cl_ml_tools.media import heif
from cl_ml_tools.media.binary import unpack
from cl_ml_tools.media.iso_boxes import boxes, find

# What would be more is not looked at: whoever decodes the file does.
MOST_SEGMENTS = 10_000
MOST_CHUNKS = 100_000
MOST_TAGS = 4_096
# Bytes behind the end of a JPEG in which that is looked for: telephones append films.
TRAILER = 16 << 20
PIECE = 64 << 10


class Header(NamedTuple):
    """`size` is width and height in pixels, where the header tells; `cut`: whether the end of the file is missing."""

    size: tuple[int, int] | None = None
    cut: bool = False

    @property
    def pixels(self) -> int:
        """How many there are; 0 where that is not known."""
        return 0 if self.size is None else self.size[0] * self.size[1]


Reader = Callable[[BinaryIO, bytes, int], Header | None]


def read(file: BinaryIO) -> Header | None:
    """The header of a picture in one of the formats that `picture.open_picture` reads; `None` where it is none."""
    end = file.seek(0, 2)
    file.seek(0)
    head = file.read(64)
    for signature, reader in FORMATS:
        if re.match(signature, head, re.DOTALL):
            try:
                return reader(file, head, end)
            except struct.error:
                # It ends within its header.
                return Header(cut=True)
    return None


def _jpeg(file: BinaryIO, head: bytes, end: int) -> Header:
    """ITU-T T.81 §B: segments up to the first scan, and an end of image behind it."""
    del head
    size: tuple[int, int] | None = None
    position = 2
    for _ in range(MOST_SEGMENTS):
        file.seek(position)
        segment = file.read(9)
        kind, length = unpack(">xBH", segment)
        if segment[0] != 0xFF:
            break
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD7:
            # A byte that fills, and markers without a length.
            position += 1 if kind == 0xFF else 2
            continue
        if kind in FRAMES:
            height, width = unpack(">5xHH", segment)
            size = (width, height)
        position += 2 + length
        if kind == START_OF_SCAN:
            return Header(size, cut=not _has_end(file, position, end))
    return Header(size)


# SOF0 to SOF15 without DHT, JPG and DAC, which lie between them.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
START_OF_SCAN = 0xDA
# In a scan, no other byte but 0 and a restart follows 0xFF.
END_OF_IMAGE = b"\xff\xd9"


def _has_end(file: BinaryIO, start: int, end: int) -> bool:
    """Whether an end of image is there, searched from behind; where that would be much work, it is taken to be."""
    lowest = max(start, end - TRAILER)
    stop = end
    while stop > lowest:
        begin = max(stop - PIECE, lowest)
        file.seek(begin)
        # One byte more, because a marker may lie on the edge.
        if END_OF_IMAGE in file.read(stop - begin + 1):
            return True
        stop = begin
    return lowest > start


def _png(file: BinaryIO, head: bytes, end: int) -> Header:
    """PNG §5.3: chunks up to IEND."""
    width, height = unpack(">16xII", head)
    position = 8
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        chunk = file.read(8)
        length = int.from_bytes(chunk[:4], "big")
        position += length + 12
        if len(chunk) < 8 or position > end:
            return Header((width, height), cut=True)
        if chunk[4:] == b"IEND":
            break
    return Header((width, height))


def _webp(file: BinaryIO, head: bytes, end: int) -> Header:
    """RFC 9649 §2: the size of the file, and of the canvas or the one frame."""
    del file
    (length,) = unpack("<4xI", head)
    cut = length + 8 > end
    if head[12:16] == b"VP8X":
        return Header((int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1), cut)
    if head[12:16] == b"VP8L":
        (bits,) = unpack("<21xI", head)
        return Header(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), cut)
    width, height = unpack("<26xHH", head)
    return Header((width & 0x3FFF, height & 0x3FFF), cut)


def _tiff(file: BinaryIO, head: bytes, end: int) -> Header:
    """TIFF 6.0 §2, and BigTIFF: the tags of the first picture."""
    order = "<" if head[:2] == b"II" else ">"
    big = 0x2B in head[2:4]
    (position,) = unpack(order + ("8xQ" if big else "4xI"), head)
    file.seek(min(position, end))
    (count,) = unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
    sides = {0x100: 0, 0x101: 0}
    for _ in range(min(count, MOST_TAGS)):
        tag = file.read(20 if big else 12)
        number, kind = unpack(order + "HH", tag)
        if number in sides:
            value = {3: "H", 16: "Q"}.get(kind, "I")
            (sides[number],) = unpack(order + ("12x" if big else "8x") + value, tag)
    return Header((sides[0x100], sides[0x101]))


def _iso(file: BinaryIO, head: bytes, end: int) -> Header | None:
    """ISO/IEC 23008-12 §6.5.3: the largest picture of all; what they are made of has to be there whole."""
    if not heif.is_still(head):
        # A film.
        return None
    cut = any(stop > end for kind, _, stop in boxes(file, 0, end) if kind in {b"meta", b"mdat"})
    sizes: list[tuple[int, int]] = []
    for start in find(file, 0, end, b"meta", b"iprp", b"ipco", b"ispe"):
        file.seek(start)
        width, height = unpack(">4xII", file.read(12))
        sizes.append((width, height))
    return Header(max(sizes, key=lambda size: size[0] * size[1], default=None), cut)


def _jpeg2000(file: BinaryIO, head: bytes, end: int) -> Header:
    """ISO/IEC 15444-1 §I.5.3.1: the header box of the picture."""
    del head
    for start in find(file, 0, end, b"jp2h", b"ihdr"):
        file.seek(start)
        height, width = unpack(">II", file.read(8))
        return Header((width, height))
    return Header()


def _at(layout: str) -> Reader:
    """A reader for formats that have their size at one place."""

    def reader(file: BinaryIO, head: bytes, end: int) -> Header:
        del file, end
        width, height = unpack(layout, head)
        return Header((abs(width), abs(height)))

    return reader


def _unknown(file: BinaryIO, head: bytes, end: int) -> Header:
    """Of a format that does not tell its size in a simple way."""
    del file, head, end
    return Header()


DIB = rb"[\x28\x34\x38\x40\x6c\x7c]\0\0\0"
# How files begin, as Pillow tells them apart.
FORMATS: tuple[tuple[bytes, Reader], ...] = (
    (rb"\xff\xd8\xff", _jpeg),
    (rb"\x89PNG\r\n\x1a\n", _png),
    (rb"RIFF....WEBP", _webp),
    (rb"GIF8[79]a", _at("<6xHH")),
    (rb"....ftyp", _iso),
    (rb"(II|MM)(\0[*+]|[*+]\0)", _tiff),
    (rb"BM.{12}" + DIB, _at("<18xii")),
    (rb"BM.{12}\x0c\0\0\0", _at("<18xHH")),
    (DIB, _at("<4xii")),
    (rb"\x0c\0\0\0", _at("<4xHH")),
    (rb"\0\0\0\x0cjP  \r\n\x87\n", _jpeg2000),
    (rb"\xffO\xffQ", _at(">8xII")),
    (rb"qoif", _at(">4xII")),
    (rb"P([1-6f]|0CMYK|y(P|RGBA|CMYK))\s", _unknown),
    (rb"\0\0\x01\0", _unknown),
)
