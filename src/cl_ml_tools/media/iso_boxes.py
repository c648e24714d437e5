"""The boxes of which MP4, HEIC, AVIF and JPEG 2000 files are made (ISO/IEC 14496-12 §4.2)."""

from collections.abc import Generator
from typing import BinaryIO

# Of one box; what would be more is not looked at.
MOST = 1_000


def boxes(file: BinaryIO, start: int, end: int) -> Generator[tuple[bytes, int, int]]:
    """The boxes between two places of a file: kind, start of the content, end, which may be behind that of the file."""
    for _ in range(MOST):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        length, kind, content = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if length == 1:
            length, content = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if length == 0 else start + length
        if stop < content:
            return
        yield kind, content, stop
        start = stop


def find(file: BinaryIO, start: int, end: int, *path: bytes) -> Generator[int]:
    """Where the content of boxes begins that lie in each other like this, of which only the last kind is repeated."""
    for kind, content, stop in boxes(file, start, end):
        if kind != path[0]:
            continue
        if len(path) == 1:
            yield content
        else:
            # `meta` has a version before its boxes.
            yield from find(file, content + 4 * (kind == b"meta"), min(stop, end), *path[1:])
            return
