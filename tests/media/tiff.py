"""TIFF files, made tag by tag (TIFF 6.0 §2), of kinds that Pillow reads and does not write."""

import struct
from collections.abc import Mapping, Sequence

import numpy
from numpy.typing import NDArray

# struct's letters for the field types of TIFF 6.0 §2.
LETTERS = {1: "B", 2: "s", 3: "H", 4: "I", 7: "s", 11: "f", 12: "d", 8: "h", 9: "i"}
Value = bytes | Sequence[int] | Sequence[float]


def tiff(
    pixels: NDArray[numpy.generic],
    tags: Mapping[int, tuple[int, Value]] | None = None,
    *,
    photometric: int = 1,
    big_endian: bool = False,
) -> bytes:
    """A TIFF of one strip. `pixels` is height × width (× channels); `tags` maps a tag to its type and value.

    SampleFormat and BitsPerSample are those of the numbers.
    """
    order = ">" if big_endian else "<"
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = pixels.dtype
    data = pixels.astype(kind.newbyteorder(order)).tobytes()
    fields: dict[int, tuple[int, Value]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [kind.itemsize * 8] * channels),
        259: (3, [1]),
        262: (3, [photometric]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(data)]),
        339: (3, [{"u": 1, "i": 2, "f": 3}[kind.kind]] * channels),
        **(tags or {}),
    }
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
