"""What an API looks at before it makes a job of an upload."""

import io
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import intake
from cl_ml_tools.media.limits import NotAPictureError, TooManyPixelsError
from cl_ml_tools.media.picture import READABLE
from cl_ml_tools.media.picture_header import Header, read
from cl_ml_tools.media.video import NotAVideoError
from tests.media import photo
from tests.media.film import film
from tests.media.heic import heic

SIZE = (64, 48)


def written(format: str, **options: object) -> bytes:
    """A picture as Pillow writes it."""
    buffer = io.BytesIO()
    photo.corners(*SIZE).save(buffer, format, **options)
    return buffer.getvalue()


PICTURES = {format: written(format) for format in READABLE} | {
    "progressive JPEG": written("JPEG", progressive=True),
    "JPEG with a comment": written("JPEG", comment=bytes(60_000)),
    "lossless WebP": written("WEBP", lossless=True),
    "WebP with EXIF": photo.encoded(photo.corners(*SIZE), "WEBP", orientation=3),
    "big TIFF": written("TIFF", big_tiff=True),
    "JPEG 2000 without boxes": written("JPEG2000", no_jp2=True),
    "HEIC": heic(photo.corners(*SIZE)),
    "JPEG with a film behind it": written("JPEG") + film(1),
}
# Their header has no size that would be simple to find.
UNSAID = {"PPM", "ICO"}
# They say where their end is.
ENDING = ("JPEG", "progressive JPEG", "PNG", "WEBP", "lossless WebP")
FILMS = {
    "mp4": "mpeg4", "mov": "mpeg4", "3gp": "mpeg4", "matroska": "mpeg4", "webm": "libvpx", "avi": "mpeg4",
    "mpegts": "mpeg2video", "mpeg": "mpeg2video", "flv": "flv", "asf": "mpeg4", "ogg": "libvpx",
    "mxf": "mpeg2video", "h264": "libx264", "hevc": "libx265", "m4v": "mpeg4", "mpeg2video": "mpeg2video",
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_every_picture_that_is_read_is_taken_and_its_size_is_known(kind: str) -> None:
    file = io.BytesIO(PICTURES[kind])
    intake.picture(file, "photo")
    intake.picture_or_film(file, "photo")
    assert read(file) == Header(None if kind in UNSAID else SIZE, cut=False)


@given(st.sampled_from(ENDING), st.floats(0, 1, exclude_max=True))
@settings(max_examples=80)
def test_a_picture_that_is_cut_off_is_refused(kind: str, part: float) -> None:
    whole = PICTURES[kind]
    with pytest.raises(TaskError, match=r"^photo is (damaged: its end is missing|not an image)"):
        intake.picture(io.BytesIO(whole[: int(len(whole) * part)]), "photo")


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_a_picture_in_boxes_is_refused_when_it_ends_within_one(kind: str) -> None:
    for cut in (1, 20, 60):
        with pytest.raises(TaskError, match=r"^photo is damaged: its end is missing$"):
            intake.picture(io.BytesIO(PICTURES[kind][:-cut]), "photo")
    # What somebody has appended is not looked at.
    intake.picture(io.BytesIO(PICTURES[kind] + b"trailer of a telephone"), "photo")


@given(st.sampled_from([*PICTURES.values()]), st.integers(0, 200), st.binary(max_size=400))
@example(b"II*\0\xff\xff\xff\xff", 0, b"")
@example(b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 0, b"")
@example(PICTURES["HEIC"][:32], 32, b"\0\0\0\1meta\xff\xff\xff\xff\xff\xff\xff\xff" * 4)
@settings(max_examples=150)
def test_whatever_the_header_says_a_task_error_is_the_worst(whole: bytes, place: int, wrong: bytes) -> None:
    broken = whole[:place] + wrong + whole[place + len(wrong) :]
    with suppress(TaskError):
        intake.picture(io.BytesIO(broken), "photo")


def tags(width: int, height: int) -> bytes:
    """The first two of a TIFF."""
    return struct.pack("<HHIIHHII", 0x100, 4, 1, width, 0x101, 4, 1, height)


@pytest.mark.parametrize(
    ("kind", "sides"),
    [
        ("PNG", lambda width, height: struct.pack(">II", width, height)),
        ("BMP", lambda width, height: struct.pack("<II", width, height)),
        ("GIF", lambda width, height: struct.pack("<HH", width, height)),
        ("QOI", lambda width, height: struct.pack(">II", width, height)),
        ("HEIC", lambda width, height: struct.pack(">II", width, height)),
        ("AVIF", lambda width, height: struct.pack(">II", width, height)),
        ("JPEG2000", lambda width, height: struct.pack(">II", height, width)),
        ("JPEG", lambda width, height: struct.pack(">HH", height, width)),
        ("TIFF", tags),
    ],
)
def test_more_pixels_than_there_is_memory_for_are_refused_by_the_header(
    kind: str, sides: Callable[[int, int], bytes]
) -> None:
    content = PICTURES[kind].replace(sides(*SIZE), sides(60_000, 60_000), 1)
    with pytest.raises(TooManyPixelsError, match=r"^photo is too large: more than 256 million pixels$"):
        intake.picture(io.BytesIO(content), "photo")


@pytest.mark.parametrize("format", FILMS)
def test_every_film_that_is_read_is_taken(format: str) -> None:
    file = io.BytesIO(film(0.5, (176, 144), rate=25, format=format, codec=FILMS[format]))
    intake.film(file, "film")
    intake.picture_or_film(file, "film")
    with pytest.raises(NotAPictureError):
        intake.picture(file, "film")


def test_recordings_with_a_time_before_each_packet_are_films() -> None:
    stream = film(0.5, format="mpegts", codec="mpeg2video")
    packets = [b"time" + stream[start : start + 188] for start in range(0, len(stream), 188)]
    intake.film(io.BytesIO(b"".join(packets)), "film.m2ts")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text/plain"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text/plain"),
        (b"<?xml version='1.0'?><MPD/>", "text/plain"),
        (b"PK\3\4" + bytes(40), "application/zip"),
        (PICTURES["JPEG"], "image/jpeg"),
        (b"G" * 40, "text/plain"),
        (bytes(4000), "application/octet-stream"),
    ],
)
def test_what_is_no_film_is_refused_by_what_it_is(content: bytes, kind: str) -> None:
    with pytest.raises(NotAVideoError) as refused:
        intake.film(io.BytesIO(content), "a.mp4")
    assert str(refused.value) == f"a.mp4 is not a video that FFmpeg can read ({kind})"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIC", "TIFF"])
def test_a_file_that_goes_on_and_on_is_looked_at_for_a_moment(kind: str) -> None:
    """Segments, chunks, boxes and tags without end."""
    endless = {
        "JPEG": PICTURES["JPEG"][:2] + b"\xff\xe1\0\2" * (1 << 20),
        "PNG": PICTURES["PNG"][:33] + (bytes(4) + b"teXt" + bytes(4)) * (1 << 19),
        "HEIC": PICTURES["HEIC"][:24] + b"\0\0\0\x08free" * (1 << 19),
        "TIFF": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * (4 << 20),
    }[kind]
    began = time.process_time()
    intake.picture(io.BytesIO(endless), "photo")
    assert time.process_time() - began < 1


def test_a_jpeg_costs_next_to_nothing() -> None:
    """What is looked at must not be felt: one of two megapixels takes less than a millisecond."""
    file = io.BytesIO(photo.photo(1920, 1080))
    times: list[float] = []
    for _ in range(20):
        began = time.process_time()
        intake.picture(file, "photo")
        times.append(time.process_time() - began)
    assert min(times) < 0.001
