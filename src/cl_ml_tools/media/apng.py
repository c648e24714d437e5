"""Animated PNG (PNG, third edition §4.9): frames, as they are seen one after the other.

Pillow joins frames in the mode of the file, so those of a palette end in the wrong colours and what is disposed of
is the first colour; and it takes a default image that is hidden for the first frame. So the chunks are read here, and
each frame is decoded as a PNG of its own.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cl_ml_tools.media import png, transparency
from cl_ml_tools.media.binary import unpack

if TYPE_CHECKING:
    from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What the frames share: everything that says how numbers become colours.
SHARED = frozenset({b"PLTE", b"tRNS", b"sBIT"})
MOST_CHUNKS = 1_000_000
MOST_SHARED = 1 << 20
DISPOSE_BACKGROUND, DISPOSE_PREVIOUS = 1, 2
BLEND_SOURCE = 0
# Color types without alpha: grey, RGB, palette.
OPAQUE = frozenset({0, 2, 3})


class Frame(NamedTuple):
    """A frame as the file describes it: its place, how long it stays (ms), and where its data lies."""

    size: tuple[int, int]
    place: tuple[int, int]
    duration: int
    dispose: int
    blend: int
    data: list[tuple[int, int]]


class Apng:
    """The frames of an animated PNG. Raises `SyntaxError` where the chunks make no sense."""

    def __init__(self, path: Path, profile: object = None) -> None:
        self._path = path
        self._profile = profile
        self._shared = b""
        self._header = b""
        self.frames: list[Frame] = []
        with path.open("rb") as file:
            self._read(file)
        if not self.frames:
            raise SyntaxError("it has no frames")

    def _read(self, file: BinaryIO) -> None:
        if file.read(8) != SIGNATURE:
            raise SyntaxError("it is no PNG")
        place = 8
        for _ in range(MOST_CHUNKS):
            file.seek(place)
            head = file.read(8)
            if len(head) < 8 or head[4:] == b"IEND":
                return
            length, kind = int.from_bytes(head[:4]), head[4:]
            if kind == b"IHDR":
                self._header = file.read(length)
            elif kind in SHARED and len(self._shared) + length < MOST_SHARED:
                self._shared += head + file.read(length + 4)
            elif kind == b"fcTL":
                self.frames.append(_control(file.read(26)))
            elif kind == b"IDAT" and self.frames:
                self.frames[-1].data.append((place + 8, length))
            elif kind == b"fdAT" and self.frames:
                # Its number comes before the data.
                self.frames[-1].data.append((place + 12, length - 4))
            place += length + 12

    @property
    def opaque(self) -> bool:
        """Whether it is known of all frames that they are opaque; the first is as large as the picture (PNG §4.9)."""
        kept = all(frame.dispose != DISPOSE_BACKGROUND for frame in self.frames)
        first = self.frames[0].dispose != DISPOSE_PREVIOUS
        return kept and first and b"tRNS" not in self._shared and self._header[9] in OPAQUE

    def shown(self) -> "Iterator[Image.Image]":
        """The frames, each as RGBA with what the ones before it left. It is the same picture that changes."""
        from PIL import Image

        width, height = unpack(">II", self._header)
        canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        for number, frame in enumerate(self.frames):
            right, below = _corner(frame)
            if right > width or below > height:
                raise SyntaxError("a frame is outside of the picture")
            before = canvas.copy() if frame.dispose == DISPOSE_PREVIOUS and number else None
            made = self._decoded(frame)
            if frame.blend == BLEND_SOURCE:
                canvas.paste(made, frame.place)
            else:
                canvas.alpha_composite(made, frame.place)
            canvas.info = {"duration": frame.duration, "icc_profile": self._profile}
            yield canvas
            if before is not None:
                canvas = before
            elif frame.dispose in {DISPOSE_BACKGROUND, DISPOSE_PREVIOUS}:
                canvas.paste((0, 0, 0, 0), (*frame.place, *_corner(frame)))

    def _decoded(self, frame: Frame) -> "Image.Image":
        from PIL import Image

        header = struct.pack(">II", *frame.size) + self._header[8:]
        with self._path.open("rb") as file:
            data = b"".join(_at(file, *piece) for piece in frame.data)
        head, tail = png.chunk(b"IHDR", header), png.chunk(b"IEND", b"")
        content = SIGNATURE + head + self._shared + png.chunk(b"IDAT", data) + tail
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            made = transparency.layered(png.understood(opened, io.BytesIO(content)))
            made.load()
            return made


def _control(content: bytes) -> Frame:
    width, height, x, y, part, of, dispose, blend = unpack(">4xIIIIHHBB", content.ljust(26, b"\0"))
    return Frame((width, height), (x, y), round(1000 * part / (of or 100)), dispose, blend, [])


def _corner(frame: Frame) -> tuple[int, int]:
    return frame.place[0] + frame.size[0], frame.place[1] + frame.size[1]


def _at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(max(length, 0))
