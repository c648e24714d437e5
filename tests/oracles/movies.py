"""Animations, made chunk by chunk or frame by frame, with all that makes them hard."""

import io
import struct
import zlib

import numpy
from PIL import Image

SIZE = (48, 32)
COLOURS = [(200, 130, 130), (130, 160, 160), (140, 160, 200), (230, 200, 140)]


class PngFrame:
    """A frame of an animated PNG: its pixels (indices or samples) and how it joins those before it."""

    def __init__(
        self, pixels: numpy.ndarray, place: tuple[int, int] = (0, 0), *, dispose: int = 0, blend: int = 0, ms: int = 100
    ) -> None:
        self.pixels, self.place, self.dispose, self.blend, self.ms = pixels, place, dispose, blend, ms


def apng(
    frames: list[PngFrame],
    *,
    colour: int,
    palette: bytes = b"",
    clear: bytes = b"",
    hidden: numpy.ndarray | None = None,
) -> bytes:
    """An animated PNG (PNG, third edition §11.3.6); `hidden` is a default image that is no frame."""
    width, height = SIZE
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    out += _chunk(b"acTL", struct.pack(">II", len(frames), 0))
    out += (_chunk(b"PLTE", palette) if palette else b"") + (_chunk(b"tRNS", clear) if clear else b"")
    if hidden is not None:
        out += _chunk(b"IDAT", _data(hidden))
    number = 0
    for index, frame in enumerate(frames):
        high, wide = frame.pixels.shape[:2]
        control = struct.pack(
            ">IIIIIHHBB", number, wide, high, *frame.place, frame.ms, 1000, frame.dispose, frame.blend
        )
        out += _chunk(b"fcTL", control)
        number += 1
        if index == 0 and hidden is None:
            out += _chunk(b"IDAT", _data(frame.pixels))
        else:
            out += _chunk(b"fdAT", struct.pack(">I", number) + _data(frame.pixels))
            number += 1
    return out + _chunk(b"IEND", b"")


def _data(pixels: numpy.ndarray) -> bytes:
    return zlib.compress(b"".join(b"\0" + row.astype(numpy.uint8).tobytes() for row in pixels))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def _full(value: object) -> numpy.ndarray:
    return numpy.full((SIZE[1], SIZE[0], *numpy.shape(value)), value)


def _part(value: object) -> numpy.ndarray:
    return numpy.full((12, 16, *numpy.shape(value)), value)


PALETTE = bytes(value for colour in COLOURS for value in colour)
WHOLE = numpy.indices((SIZE[1], SIZE[0])).sum(axis=0) // 16 % 4

APNGS: dict[str, bytes] = {
    "palette": apng(
        [PngFrame(WHOLE), PngFrame((WHOLE + 1) % 4, ms=50), PngFrame(_part(2), (8, 8)), PngFrame(_part(3), (30, 20))],
        colour=3, palette=PALETTE,
    ),
    "palette, a clear colour, put over": apng(
        [PngFrame(WHOLE, dispose=1), PngFrame(_part(0), (4, 4), blend=1), PngFrame(_part(2), (20, 10), blend=1)],
        colour=3, palette=PALETTE, clear=bytes([0]),
    ),
    "background": apng(
        [PngFrame(_full((200, 30, 30, 255))), PngFrame(_part((0, 0, 255, 255)), (8, 8), dispose=1),
         PngFrame(_part((0, 200, 0, 255)), (20, 16), blend=1)],
        colour=6,
    ),
    "previous": apng(
        [PngFrame(_full((200, 30, 30, 255))), PngFrame(_part((0, 0, 255, 255)), (8, 8), dispose=2),
         PngFrame(_part((0, 200, 0, 128)), (20, 16), blend=1)],
        colour=6,
    ),
    "hidden default image": apng(
        [PngFrame(_full((0, 200, 0))), PngFrame(_part((0, 0, 200)), (8, 8))], colour=2, hidden=_full((255, 0, 0)),
    ),
    "grey": apng([PngFrame(_full(40)), PngFrame(_part(220), (8, 8))], colour=0),
}  # fmt: skip


GIFS = {
    f"disposal {disposal}{', with a clear colour' * clear}": (disposal, clear)
    for disposal in range(4)
    for clear in (False, True)
}


def gif(disposal: int, *, clear: bool) -> bytes:
    """A GIF (89a) whose frames are smaller than it, byte by byte as far as Pillow does not decide it."""
    frames: list[Image.Image] = []
    for number, place in enumerate([(0, 0, *SIZE), (8, 8, 24, 20), (20, 12, 40, 30)]):
        picture = Image.new("P", (place[2] - place[0], place[3] - place[1]), number)
        picture.putpalette(PALETTE)
        if clear:
            picture.paste(3, (2, 2, picture.width - 4, picture.height - 4))
        frames.append(picture)
    out = b"GIF89a" + struct.pack("<HHBBB", *SIZE, 0b1000_0001, 0, 0) + PALETTE
    out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    # What was before the first frame, viewers do not agree about, so that one stays.
    for disposed, picture, place in zip(
        (1 if disposal == 3 else disposal, disposal, disposal), frames, [(0, 0), (8, 8), (20, 12)], strict=True
    ):
        buffer = io.BytesIO()
        picture.save(buffer, "GIF", optimize=False, interlace=0)
        content = buffer.getvalue()
        # The data begins after the descriptor of the one image that Pillow has written.
        start = content.rindex(b"\x2c", 0, content.index(struct.pack("<HH", *picture.size), 20))
        data = content[start + 10 :]
        table = content[start + 9] & 0x80 and 3 * 2 ** ((content[start + 9] & 7) + 1)
        data = data[table:-1]
        out += b"\x21\xf9\x04" + bytes([disposed << 2 | clear]) + struct.pack("<H", 10) + bytes([3 * clear, 0])
        out += b"\x2c" + struct.pack("<HHHH", *place, *picture.size) + b"\0" + data
    return out + b"\x3b"
