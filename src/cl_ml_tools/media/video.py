"""Opens films with PyAV, which is imported when the first one is; the only place that opens an upload with FFmpeg."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, cast

from cl_ml_tools.compute_module import TaskError, UnsupportedMediaTypeError
from cl_ml_tools.media import limits
from cl_ml_tools.media.black import BLACK, brightness
from cl_ml_tools.media.media_type import media_type
from cl_ml_tools.media.upright import Upright, shown_size
from cl_ml_tools.threads import threads

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL import Image

# Formats that hold everything themselves. Others (HLS, DASH, concat, SDP) are lists of addresses, and FFmpeg
# would open what an upload names there: files of this machine, and of its network.
READABLE = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "mxf",
    "h264", "hevc", "m4v",
)  # fmt: skip
# Those whose header says how long they are.
HEADED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf"})
OPTIONS = {"format_whitelist": ",".join(READABLE), "protocol_whitelist": "file", "enable_drefs": "0"}
MAX_PIXELS = 64_000_000
# What a decoder keeps at least (ISO/IEC 14496-10 §A.3.1 allows 16 for reference), each with half as much for colour.
FRAMES = 4
Kind = Literal["KEY", "ALL", "DAMAGED"]
MICROSECOND = 1_000_000
# More frames than a decoder keeps to itself: one for each thread, and those that are shown in another order.
MOST_HELD_BACK = 256

# Where a picture is looked for: part of the film, which frames, and how many of them. Without any key frame a picture
# only builds up, and decoders call all of it damaged.
TRIES: tuple[tuple[float, Kind, int], ...] = (
    (0.1, "KEY", 8),
    (0.5, "KEY", 8),
    (0.0, "KEY", 8),
    (0.0, "ALL", 250),
    (0.0, "DAMAGED", 250),
)

log = logging.getLogger(__name__)


F = TypeVar("F", contravariant=True)


class Encoder(Protocol[F]):
    """What is used of an output stream of PyAV, whose own annotations leave the kind of packets open."""

    def encode(self, frame: F | None = None) -> Sequence[object]:
        """The packets that are ready after one more frame, or after the last one (`None`)."""
        ...


class Muxer(Protocol):
    """What is used of an output container of PyAV."""

    def add_stream(self, codec_name: str, *, rate: Fraction | int) -> object:
        """A stream that is encoded with this codec."""
        ...

    def close(self) -> None:
        """Write the end, and close the file."""
        ...

    def mux(self, packets: Sequence[object]) -> None:
        """Write packets."""
        ...


class NotAVideoError(UnsupportedMediaTypeError):
    """The file is not a film that FFmpeg can read."""


@contextmanager
def open_video(path: Path, name: str) -> Generator["tuple[InputContainer, VideoStream]"]:
    """Open a film and its first moving picture; raises `NotAVideoError`, or `TaskError` when it is damaged."""
    import av
    from av.error import FFmpegError
    from av.stream import Disposition

    try:
        container = av.open(path, "r", options=dict(OPTIONS))
    except (FFmpegError, ValueError) as error:
        raise NotAVideoError(f"{name} is not a video that FFmpeg can read ({media_type(path)})") from error
    with container:
        # A cover is a still, even in a film.
        streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams:
            raise NotAVideoError(f"{name} has no moving picture in it")
        stream = streams[0]
        if stream.width < 1 or stream.height < 1:
            raise TaskError(f"{name} is damaged: its picture has no size")
        if stream.width * stream.height > MAX_PIXELS:
            raise TaskError(f"{name} is too large: more than {MAX_PIXELS // 1_000_000} million pixels")
        limits.check_memory(name, FRAMES * 3 * stream.width * stream.height // 2)
        stream.codec_context.thread_count = threads()
        try:
            yield container, stream
        except FFmpegError as error:
            if isinstance(error, OSError) and error.errno is not None and 0 < error.errno < 4096:
                raise OSError(error.errno, error.strerror) from error
            raise TaskError(f"{name} is damaged: {error.strerror}") from error


def seconds(container: "InputContainer", stream: "VideoStream") -> float:
    """How long a film is; 0 where it does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # In microseconds (AV_TIME_BASE).
    return container.duration / MICROSECOND if container.duration else 0.0


def said_length(container: "InputContainer", stream: "VideoStream") -> float:
    """How long a film says it is in its header, in seconds; 0 where FFmpeg has to guess it from what is in the file."""
    return seconds(container, stream) if container.format.name in HEADED else 0.0


def lasting(frame: "VideoFrame") -> float:
    """How many seconds a frame is shown; 0 where the film does not say."""
    return float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0


def decoded(packet: "Packet[Stream] | Packet[VideoStream]") -> tuple[list[object], int]:
    """The frames of a packet, and how many were too damaged to be read.

    The empty packet at the end asks for the frames that are still held back; a damaged one does not hide the others.
    """
    from av.error import EOFError as EndOfFileError
    from av.error import FFmpegError

    damaged = 0
    while True:
        try:
            return list(packet.decode()), damaged
        except EndOfFileError:
            return [], damaged
        except FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            damaged += 1
            if packet.size or damaged > MOST_HELD_BACK:
                return [], damaged


class Convertible(Protocol):
    """A frame, with the annotation that it lacks."""

    def to_image(self) -> "Image.Image":
        """The frame as a picture."""
        ...


def grab(path: Path, name: str) -> "Image.Image":
    """A frame of a film as a picture, upright and of square pixels.

    It is the key frame at a tenth of the film, because films begin in black, or the first after it that is not black.
    A film that has one key frame, or was cut without any, is read from its beginning.
    """
    brightest: tuple[float, Image.Image] | None = None
    for part, frames, most in TRIES:
        if frames == "DAMAGED" and brightest is not None:
            break
        # Opened anew, because not every film can be wound back to its beginning.
        with open_video(path, name) as (container, stream):
            if not _wound(container, stream, part, frames):
                continue
            for picture in islice(_pictures(container, stream), most):
                light = brightness(picture)
                if light >= BLACK:
                    return picture
                if brightest is None or light > brightest[0]:
                    brightest = light, picture
    if brightest is None:
        raise TaskError(f"{name} is damaged: not one frame can be read")
    return brightest[1]


def _wound(container: "InputContainer", stream: "VideoStream", part: float, frames: Kind) -> bool:
    """Go to a part of a film, to read these frames of it; `False` where it is too short or has no index."""
    from av.codec.context import Flags

    stream.codec_context.skip_frame = "NONKEY" if frames == "KEY" else "DEFAULT"
    if frames == "DAMAGED":
        stream.codec_context.flags |= Flags.output_corrupt
    return part == 0 or go_to(container, stream, part)


def go_to(container: "InputContainer", stream: "VideoStream", part: float) -> bool:
    """Go to a part of a film, 0 to 1; `False` where it is too short or has no index."""
    from av.error import FFmpegError

    length = seconds(container, stream)
    try:
        container.seek((container.start_time or 0) + int(length * part * MICROSECOND))
    except FFmpegError:
        return False
    return length > 1


def _pictures(container: "InputContainer", stream: "VideoStream") -> Generator["Image.Image"]:
    """What is seen of a film from here on; damaged frames are left out."""
    from av.video.frame import VideoFrame

    upright = Upright(stream, still=True)
    for packet in container.demux(stream):
        for frame in decoded(packet)[0]:
            if isinstance(frame, VideoFrame):
                size = shown_size(frame, stream)
                for shown in (*upright(frame), *upright.end()):
                    picture = cast("Convertible", shown).to_image()
                    yield picture if picture.size == size else picture.resize(size)
