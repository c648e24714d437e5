"""Films, made frame by frame."""

import io
import struct
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from PIL import Image

from tests.media.photo import corners

# Rows of the display matrix (ISO/IEC 14496-12 §8.3.2) that turn the picture clockwise by so many degrees.
MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def film(
    seconds: float = 2,
    size: tuple[int, int] = (160, 120),
    *,
    rate: int = 10,
    sound: bool = False,
    format: str = "mp4",
    codec: str = "mpeg4",
    turned: int = 0,
    picture: Image.Image | None = None,
) -> bytes:
    """A film of the corners, with a bar that moves; `turned` says how many degrees a player has to turn it."""
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.bit_rate = 400_000
        tone = container.add_stream("aac", rate=44_100) if sound else None
        for number in range(round(seconds * rate)):
            frame = (picture or corners(*size)).copy()
            frame.paste("black", (number % size[0], size[1] // 2 - 1, number % size[0] + 4, size[1] // 2 + 1))
            shown = av.VideoFrame.from_image(frame)
            shown.pts, shown.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
        if tone is not None:
            for number in range(int(seconds * 44_100 / 1024)):
                silence = AudioFrame(format="fltp", layout="stereo", samples=1024)
                for plane in silence.planes:
                    plane.update(bytes(plane.buffer_size))
                silence.sample_rate, silence.pts = 44_100, number * 1024
                container.mux(tone.encode(silence))
            container.mux(tone.encode(None))
    content = bytearray(out.getvalue())
    if turned:
        place = content.index(b"tkhd") + 4 + 4 + 36
        a, b, c, d = (value << 16 for value in MATRICES[turned])
        content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return bytes(content)
