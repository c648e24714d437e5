"""What a player shows of a frame: upright, of one moment and square pixels, as bright as on an ordinary screen."""

import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from cl_ml_tools.media.telecine import Thinner, fields_matched

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from cl_ml_tools.media.telecine import Order

# Wider or narrower pixels are a mistake of the file.
MOST_STRETCHED = 16
PQ, HLG = 16, 18
# Frames that say they are of one moment stay as they are.
DEINTERLACED = "deint=interlaced"
TONE_MAPPED = ("scale=out_transfer=bt709:out_primaries=bt709:out_color_matrix=bt709:out_range=tv", "format=yuv420p")


def turn(frame: "VideoFrame") -> tuple[str, ...]:
    """The filters that make a frame upright, by its display matrix (ISO/IEC 14496-12 §8.3.2) to a quarter turn."""
    from av.sidedata.sidedata import SideDataContainer

    # A mapping, in which what is absent is `None`. `frame.side_data` is the same, and frame and it hold each other:
    # hundreds of frames would wait for the garbage collector, each of megabytes.
    side_data = cast("Callable[[VideoFrame], Mapping[str, bytes]]", SideDataContainer)
    found = side_data(frame).get("DISPLAYMATRIX")
    if found is None:
        return ()
    a, b, _, c, d, *_ = cast("tuple[int, ...]", struct.unpack("=9i", found))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (("hflip",) if a < 0 else ()) + (("vflip",) if d < 0 else ())
    # Rows become columns: (x, y) goes to (cy, bx).
    return (f"transpose={TRANSPOSED[b > 0, c > 0]}",)


TRANSPOSED = {
    (True, True): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (False, False): "clock_flip",
}


def shown_size(frame: "VideoFrame", stream: "VideoStream") -> tuple[int, int]:
    """Width and height of a frame as it is seen: upright, and of square pixels."""
    width, height = frame.width, frame.height
    shape = stream.sample_aspect_ratio or Fraction(1)
    if shape > 0 and Fraction(1, MOST_STRETCHED) <= shape <= MOST_STRETCHED:
        # As players do it: the lines stay as many as they are.
        width = max(round(width * shape), 1)
    sideways = any(each.startswith("transpose") for each in turn(frame))
    return (height, width) if sideways else (width, height)


class Upright:
    """Turns and mirrors frames by their display matrix, joins their two fields, and maps HDR (PQ, HLG) to BT.709.

    The two fields of an interlaced frame are of two moments. In a film they are joined with a look at the frames beside
    (`bwdif`), so a frame comes out when the next one is there; a `still` has only itself (`estdif`). `pulldown` is the
    order of fields of a film of 24 frames a second in video of 30: its own frames come out.
    """

    def __init__(self, stream: "VideoStream", *, still: bool = False, pulldown: "Order | None" = None) -> None:
        self._stream = stream
        self._deinterlace = ("estdif=mode=frame:" if still else "bwdif=mode=send_frame:") + DEINTERLACED
        self._matched = () if pulldown is None else fields_matched(pulldown)
        self._thinner = None if pulldown is None else Thinner()
        self._interlaced = False
        self._key: tuple[object, ...] = ()
        self._chain: Chain | None = None

    def __call__(self, frame: "VideoFrame") -> "list[VideoFrame]":
        """The frames that are ready to be seen, in their order, after one more of the film."""
        # Films mix both kinds: once there was an interlaced frame, all take the same way, and keep their order.
        self._interlaced = self._interlaced or frame.interlaced_frame
        filters = (
            (self._matched or ((self._deinterlace,) if self._interlaced else ()))
            + (TONE_MAPPED if frame.color_trc in (PQ, HLG) else ())
            + turn(frame)
        )
        key = (filters, frame.width, frame.height, frame.format.name)
        ready = [] if key == self._key else self.end()
        if not filters:
            return [*ready, frame]
        if self._chain is None:
            self._key, self._chain = key, Chain(self._stream, frame, filters)
        return [*ready, *self._thinned(self._chain(frame))]

    def end(self) -> "list[VideoFrame]":
        """The frames that waited for one more."""
        chain, self._chain, self._key = self._chain, None, ()
        waiting = [] if chain is None else self._thinned(chain(None))
        return waiting if self._thinner is None else [*waiting, *self._thinner.end()]

    def _thinned(self, frames: "list[VideoFrame]") -> "list[VideoFrame]":
        return frames if self._thinner is None else self._thinner(frames)


class Chain:
    """A chain of FFmpeg filters, each named with its argument (`transpose=clock`)."""

    def __init__(self, stream: "VideoStream", frame: "VideoFrame", filters: tuple[str, ...]) -> None:
        from av.filter import Graph

        self._graph = Graph()
        links = [
            self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base
            )
        ]
        for each in filters:
            name, _, argument = each.partition("=")
            links.append(self._graph.add(name, argument or None))
        links.append(self._graph.add("buffersink"))
        self._graph.link_nodes(*links).configure()

    def __call__(self, frame: "VideoFrame | None") -> "list[VideoFrame]":
        """What is ready after one more frame, or after the last one (`None`)."""
        from av.error import BlockingIOError as NothingYetError
        from av.error import EOFError as EndOfFileError

        self._graph.push(frame)
        ready: list[VideoFrame] = []
        while True:
            try:
                ready.append(cast("VideoFrame", self._graph.pull()))
            except (NothingYetError, EndOfFileError):
                return ready
