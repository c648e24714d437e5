"""TIFF files, made tag by tag (TIFF 6.0 §2), of kinds that Pillow reads and does not write."""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

# struct's letters for the field types of TIFF 6.0 §2.
LETTERS = {1: "B", 2: "s", 3: "H", 4: "I", 7: "s", 11: "f", 12: "d", 8: "h", 9: "i"}
Value = bytes | Sequence[int] | Sequence[float]


class Layout(NamedTuple):
    """How the samples lie in a file (TIFF 6.0 §3, §14, §15): in strips of `rows` rows, or in square tiles."""

    rows: int | None = None
    tile: int | None = None
    planes: bool = False
    deflate: bool = False
    predictor: int = 1

    def blocks(self, pixels: NDArray[numpy.generic], order: str) -> list[bytes]:
        """Each strip or tile as bytes."""
        planes = numpy.split(pixels, pixels.shape[2], axis=2) if self.planes else [pixels]
        return [self._packed(block, order) for plane in planes for block in self._cut(plane)]

    def _cut(self, plane: NDArray[numpy.generic]) -> Iterator[NDArray[numpy.generic]]:
        high, wide = (self.tile, self.tile) if self.tile else (self.rows or plane.shape[0], plane.shape[1])
        for top in range(0, plane.shape[0], high):
            for left in range(0, plane.shape[1], wide):
                block = plane[top : top + high, left : left + wide]
                more = ((0, high - block.shape[0]), (0, wide - block.shape[1]), (0, 0))
                yield numpy.pad(block, more) if self.tile else block

    def _packed(self, block: NDArray[numpy.generic], order: str) -> bytes:
        height, width, each = block.shape
        size = block.dtype.itemsize
        content = block.astype(block.dtype.newbyteorder(order)).tobytes()
        if self.predictor == 2:
            whole = numpy.frombuffer(content, f"{order}u{size}").reshape(height, width, each)
            content = numpy.diff(whole, axis=1, prepend=0).astype(whole.dtype).tobytes()
        if self.predictor == 3:
            high = block.astype(block.dtype.newbyteorder(">")).view(numpy.uint8).reshape(height, width * each, size)
            parted = high.swapaxes(1, 2).reshape(height, size * width, each)
            content = numpy.diff(parted, axis=1, prepend=0).astype(numpy.uint8).tobytes()
        return zlib.compress(content) if self.deflate else content

    def tags(self) -> dict[int, tuple[int, Value]]:
        """What the directory says of it."""
        said: dict[int, tuple[int, Value]] = {259: (3, [8 if self.deflate else 1]), 284: (3, [2 if self.planes else 1])}
        if self.predictor != 1:
            said[317] = (3, [self.predictor])
        if self.tile:
            said |= {322: (4, [self.tile]), 323: (4, [self.tile])}
        elif self.rows:
            said[278] = (4, [self.rows])
        return said


PLAIN = Layout()


def tiff(
    pixels: NDArray[numpy.generic],
    tags: Mapping[int, tuple[int, Value]] | None = None,
    *,
    photometric: int = 1,
    big_endian: bool = False,
    layout: Layout = PLAIN,
) -> bytes:
    """A TIFF of one strip, or another layout.

    `pixels` is height × width (× channels); `tags` maps a tag to its type and value.
    SampleFormat and BitsPerSample are those of the numbers.
    """
    order = ">" if big_endian else "<"
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = pixels.dtype
    blocks = layout.blocks(pixels.reshape(height, width, channels), order)
    data = b"".join(blocks)
    sizes = [len(block) for block in blocks]
    offsets = [8 + sum(sizes[:number]) for number in range(len(sizes))]
    at, counts = (324, 325) if layout.tile else (273, 279)
    fields: dict[int, tuple[int, Value]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [kind.itemsize * 8] * channels),
        262: (3, [photometric]),
        at: (4, offsets),
        277: (3, [channels]),
        278: (4, [height]),
        counts: (4, sizes),
        339: (3, [{"u": 1, "i": 2, "f": 3}[kind.kind]] * channels),
        **layout.tags(),
        **(tags or {}),
    }
    if layout.tile:
        del fields[278]
    end = 8 + len(data) + len(data) % 2
    directory = struct.pack(order + "H", len(fields))
    extra = b""
    start = end + 2 + 12 * len(fields) + 4
    for tag, (type, value) in sorted(fields.items()):
        letter = LETTERS[type]
        content = value if isinstance(value, bytes) else struct.pack(f"{order}{len(value)}{letter}", *value)
        entry = content.ljust(4, b"\0")
        if len(content) > 4:
            entry = struct.pack(order + "I", start + len(extra))
            extra += content + b"\0" * (len(content) % 2)
        directory += struct.pack(order + "HHI", tag, type, len(value)) + entry
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", end)
    return head + data.ljust(end - 8, b"\0") + directory + bytes(4) + extra
