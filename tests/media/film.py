"""Films, made frame by frame."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.packet import Packet
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
    times: Sequence[float] | None = None,
    pixel: Fraction | None = None,
    black: float = 0,
    options: dict[str, str] | None = None,
    colours: tuple[int, int, int, int] | None = None,
) -> bytes:
    """A film of the corners, with a bar that moves; `turned` says how many degrees a player has to turn it.

    `times` are the seconds at which its frames are shown, the last one when it ends; without them `rate` says it.
    `pixel` is the shape of its pixels, `black` the seconds at the beginning of which nothing is seen, `options` are for
    the encoder, `colours` the numbers of range, primaries, transfer and matrix (H.273) that the film says it has.
    """
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.bit_rate = 400_000
        stream.codec_context.options = options or {}
        if colours is not None:
            context = stream.codec_context
            context.color_range, context.color_primaries, context.color_trc, context.colorspace = colours
        if pixel is not None:
            stream.codec_context.sample_aspect_ratio = pixel
        tone = container.add_stream("aac", rate=44_100) if sound else None
        if times is not None:
            # Without frames in another order, a file keeps how long the last one is shown.
            stream.codec_context.time_base, stream.codec_context.max_b_frames = Fraction(1, 1000), 0
        for number in range(round(seconds * rate) if times is None else len(times) - 1):
            frame = (picture or corners(*size)).copy()
            frame.paste("black", (number % size[0], size[1] // 2 - 1, number % size[0] + 4, size[1] // 2 + 1))
            if number < black * rate:
                frame = Image.new("RGB", frame.size)
            shown = av.VideoFrame.from_image(frame)
            if colours is not None:
                shown = shown.reformat(format="yuv420p", dst_color_range=colours[0])
            shown.pts, shown.time_base = number, Fraction(1, rate)
            if times is not None:
                shown.pts, shown.time_base = round(times[number] * 1000), Fraction(1, 1000)
            container.mux(lasting(stream.encode(shown), times))
        container.mux(lasting(stream.encode(None), times))
        if tone is not None:
            for number in range(int(seconds * 44_100 / 1024)):
                silence = AudioFrame(format="fltp", layout="stereo", samples=1024)
                for plane in silence.planes:
                    plane.update(bytes(plane.buffer_size))
                silence.sample_rate, silence.pts = 44_100, number * 1024
                container.mux(tone.encode(silence))
            container.mux(tone.encode(None))
    return shown_by(out.getvalue(), *MATRICES[turned]) if turned else out.getvalue()


def shown_by(content: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """A film whose display matrix says that the pixel at (x, y) is seen at (ax + cy, bx + dy)."""
    changed = bytearray(content)
    place = changed.index(b"tkhd") + 4 + 4 + 36
    changed[place : place + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return bytes(changed)


def without_start(content: bytes) -> bytes:
    """A transport stream that was cut in the middle of what its only key frame begins."""
    return content[len(content) // 2 // 188 * 188 :]


def lasting(packets: list[Packet], times: Sequence[float] | None) -> list[Packet]:
    """Packets that say how long their frame is shown, which encoders only guess."""
    moments = [round(time * 1000) for time in times or ()]
    for packet in packets:
        if moments and packet.pts is not None:
            packet.duration = moments[moments.index(packet.pts) + 1] - packet.pts
    return packets


def damaged(content: bytes, *numbers: int) -> bytes:
    """A film in H.264 whose frames of these numbers, as they are stored, cannot be read: their units have no length."""
    broken = bytearray(content)
    with av.open(io.BytesIO(content)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pos is not None and packet.size]
    for number in numbers:
        place = packets[number].pos or 0
        broken[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(broken)
