"""Whether a video is a film of 24 frames a second; two short parts of it are looked at."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.media.telecine import Order, differences, fields_matched, repeats_one_of_five
from cl_ml_tools.media.upright import Chain
from cl_ml_tools.media.video import decoded, go_to, open_video, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Frames a second of the videos that may be one: 30000/1001, and 30.
SLOWEST, FASTEST = 29.9, 30.1
# The parts that are looked at, and how many frames of each. A video of fewer seconds is read from its beginning.
PARTS, FRAMES, SHORT = (0.1, 0.5), 125, 30


def pulldown(path: Path, name: str) -> Order | None:
    """The order in which the fields of such a film were laid; `None` for other videos."""
    with open_video(path, name) as (container, stream):
        if not SLOWEST < float(stream.average_rate or 0) < FASTEST:
            return None
        parts = PARTS if seconds(container, stream) > SHORT else (0.0,)
    found: Order | None = None
    for part in parts:
        found = _order(path, name, part, found)
        if found is None:
            return None
    return found


def _order(path: Path, name: str, part: float, known: Order | None) -> Order | None:
    with open_video(path, name) as (container, stream):
        if part and not go_to(container, stream, part):
            return None
        frames = list(islice(_frames(container, stream), FRAMES))
        # Frames that say they are interlaced say their order too.
        orders: tuple[Order, ...] = ("auto",) if any(frame.interlaced_frame for frame in frames) else ("tff", "bff")
        return next((order for order in orders if known in {None, order} and _repeats(stream, frames, order)), None)


def _repeats(stream: "VideoStream", frames: "list[VideoFrame]", order: Order) -> bool:
    if not frames:
        return False
    chain = Chain(stream, frames[0], fields_matched(order))
    shape = (frames[0].width, frames[0].height, frames[0].format.name)
    same = [frame for frame in frames if (frame.width, frame.height, frame.format.name) == shape]
    matched = [ready for frame in (*same, None) for ready in chain(frame)]
    return repeats_one_of_five(differences(matched))


def _frames(container: "InputContainer", stream: "VideoStream") -> "Iterator[VideoFrame]":
    from av.video.frame import VideoFrame

    for packet in container.demux(stream):
        for frame in decoded(packet)[0]:
            if isinstance(frame, VideoFrame):
                yield frame
