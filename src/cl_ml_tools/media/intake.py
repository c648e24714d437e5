"""What is looked at before an upload becomes a job: its first bytes, and whether its end is there.

Nothing is decoded here, for this is the process that serves everybody. What gets through may still be damaged: a worker
trusts nobody, and fails such a job. `name` is that by which the user knows the file.
"""

import re
from typing import BinaryIO

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import limits, picture_header
from cl_ml_tools.media.limits import NotAPictureError, TooManyPixelsError
from cl_ml_tools.media.media_type import media_type_of
from cl_ml_tools.media.video import NotAVideoError

HEAD = 4096
TAGS_FIRST = rb"\xff\xd8\xff|\x89PNG"
# How the films begin that `video.open_video` reads. MPEG's start code is that of program streams and of bare H.264 too.
FILMS = (
    rb"....(ftyp|styp|moov|moof|mdat|free|skip|wide|pnot|sidx|uuid|udta|junk|pict)",
    rb"\x1a\x45\xdf\xa3",
    rb"RIFF....AVI",
    rb"\0{2,8}\x01",
    rb"FLV",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    rb"OggS",
    rb"\x06\x0e\x2b\x34",
)
# Of MPEG-TS, with the time stamps or checksums that recorders add (ISO/IEC 13818-1 §2.4.3.2).
PACKETS = (188, 192, 204)
SYNC = 0x47


class CutOffError(TaskError):
    """The end of the picture is missing."""


def picture(file: BinaryIO, name: str) -> None:
    """Whether it may be a picture. Raises `NotAPictureError`, or `TaskError` for one that is too large or cut off."""
    header = picture_header.read(file)
    if header is None:
        raise NotAPictureError(f"{name} is not an image that Pillow can read ({media_type_of(_head(file))})")
    if header.pixels > limits.MAX_PIXELS:
        raise TooManyPixelsError(name)
    if header.cut:
        raise CutOffError(f"{name} is damaged: its end is missing")


def picture_with_tags(file: BinaryIO, name: str) -> None:
    """As `picture`, but one that is cut off is taken where its tags come before its pixels (JPEG, PNG)."""
    try:
        picture(file, name)
    except CutOffError:
        if not re.match(TAGS_FIRST, _head(file)):
            raise


def film(file: BinaryIO, name: str) -> None:
    """Whether it may be a film. Raises `NotAVideoError`."""
    head = _head(file)
    if not _is_film(head):
        raise NotAVideoError(f"{name} is not a video that FFmpeg can read ({media_type_of(head)})")


def picture_or_film(file: BinaryIO, name: str) -> None:
    """Whether it may be one of both. Raises as `picture` does."""
    try:
        picture(file, name)
    except NotAPictureError:
        if not _is_film(_head(file)):
            raise


def _is_film(head: bytes) -> bool:
    return any(re.match(start, head, re.DOTALL) for start in FILMS) or any(
        set(head[first::size][:5]) == {SYNC} for size in PACKETS for first in range(min(size, len(head) - 4 * size))
    )


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEAD)
