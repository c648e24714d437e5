"""Animated GIF (89a specification, §20 to §23): frames, as they are seen one after the other.

What a frame leaves behind when it is disposed of is nothing, as all viewers have it, and not the background colour of
the file, which Pillow paints where a frame has no transparent colour.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cl_ml_tools.media.binary import unpack

if TYPE_CHECKING:
    from PIL import Image

EXTENSION, IMAGE, TRAILER, CONTROL = 0x21, 0x2C, 0x3B, 0xF9
TABLE, INTERLACED = 0x80, 0x40
TO_BACKGROUND, TO_PREVIOUS = 2, 3
MOST_BLOCKS = 10_000_000
# How much larger than the picture a frame may be, which is cut off at its edges.
LARGEST = 4


class Frame(NamedTuple):
    """A frame as the file describes it: a GIF of its own, its place, what becomes of it, how long it stays (ms)."""

    content: bytes
    size: tuple[int, int]
    place: tuple[int, int]
    clear: int | None
    dispose: int
    duration: int

    def covers(self, whole: tuple[int, int]) -> bool:
        """Whether it covers a picture of this size."""
        right, below = self.place[0] + self.size[0], self.place[1] + self.size[1]
        return self.place == (0, 0) and right >= whole[0] and below >= whole[1]


class Outline(NamedTuple):
    """How many frames an animation has, and whether it is known of all that they are opaque."""

    length: int
    opaque: bool


class Gif:
    """The frames of a GIF. Raises `SyntaxError` or `EOFError` where its blocks make no sense, or end early."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def frames(self) -> Iterator[Frame]:
        """The frames, read one after the other."""
        with self._path.open("rb") as file:
            head = file.read(13)
            if head[:3] != b"GIF" or len(head) < 13:
                raise SyntaxError("it is no GIF")
            table = _table(file, head[10])
            flags, delay, clear = 0, 0, 0
            for _ in range(MOST_BLOCKS):
                kind = file.read(1)
                if kind == bytes([EXTENSION]):
                    if file.read(1) == bytes([CONTROL]):
                        flags, delay, clear = unpack("<BHB", _blocks(file).ljust(4, b"\0"))
                    else:
                        _blocks(file)
                elif kind == bytes([IMAGE]):
                    yield _frame(file, table, (flags, delay, clear))
                    flags, delay, clear = 0, 0, 0
                elif kind == bytes([TRAILER]):
                    return
                elif not kind:
                    raise EOFError("it ends before its last block")

    def size(self) -> tuple[int, int]:
        """Width and height of what the frames are seen on."""
        with self._path.open("rb") as file:
            width, height = unpack("<6xHH", file.read(10))
        return width, height

    def outline(self) -> Outline:
        """How many frames there are, and whether all of them are opaque, without decoding any."""
        count, opaque = 0, True
        for frame in self.frames():
            if not count:
                opaque = frame.clear is None and frame.covers(self.size())
            opaque = opaque and frame.dispose != TO_BACKGROUND
            count += 1
        return Outline(count, opaque)

    def shown(self) -> "Iterator[Image.Image]":
        """The frames, each as RGBA with what the ones before it left. It is the same picture that changes."""
        from PIL import Image

        size = self.size()
        canvas = Image.new("RGBA", size, (0, 0, 0, 0))
        for frame in self.frames():
            if frame.size[0] * frame.size[1] > LARGEST * canvas.width * canvas.height:
                raise SyntaxError("a frame is larger than the picture")
            before = canvas.copy() if frame.dispose == TO_PREVIOUS else None
            made = _decoded(frame)
            canvas.paste(made, frame.place, made)
            canvas.info = {"duration": frame.duration}
            yield canvas
            if before is not None:
                canvas = before
            elif frame.dispose == TO_BACKGROUND:
                right, below = frame.place[0] + frame.size[0], frame.place[1] + frame.size[1]
                canvas.paste((0, 0, 0, 0), (*frame.place, right, below))


def _frame(file: BinaryIO, shared: tuple[int, bytes], control: tuple[int, int, int]) -> Frame:
    descriptor = file.read(9)
    if len(descriptor) < 9:
        raise EOFError("it ends within a frame")
    x, y, width, height, flags = unpack("<HHHHB", descriptor)
    bits, table = _table(file, flags) if flags & TABLE else shared
    least = file.read(1)
    data = _blocks(file, whole=True)
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    content = b"GIF89a" + size + bytes([(TABLE | bits) if table else 0, 0, 0]) + table
    content += bytes([IMAGE]) + bytes(4) + size + bytes([flags & INTERLACED]) + least + data + bytes([TRAILER])
    what, delay, clear = control
    return Frame(content, (width, height), (x, y), clear if what & 1 else None, what >> 2 & 7, delay * 10)


def _decoded(frame: Frame) -> "Image.Image":
    from PIL import Image

    with Image.open(io.BytesIO(frame.content), formats=["GIF"]) as opened:
        if frame.clear is not None:
            opened.info["transparency"] = frame.clear
        made = opened.convert("RGBA")
        made.load()
        return made


def _table(file: BinaryIO, flags: int) -> tuple[int, bytes]:
    """The colours that follow, and the bits that say how many."""
    return (flags & 7, file.read(3 << ((flags & 7) + 1))) if flags & TABLE else (0, b"")


def _blocks(file: BinaryIO, *, whole: bool = False) -> bytes:
    """The content of blocks up to an empty one; with `whole`, as they are."""
    parts: list[bytes] = []
    while True:
        length = file.read(1)
        if not length:
            raise EOFError("it ends within a block")
        part = file.read(length[0])
        if len(part) < length[0]:
            raise EOFError("it ends within a block")
        parts.append(length + part if whole else part)
        if length == b"\0":
            return b"".join(parts)
