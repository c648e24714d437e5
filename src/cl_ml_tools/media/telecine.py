"""Films of 24 frames a second that were made into video of 30 (3:2 pulldown): which are such, and their own frames.

Of five frames of such a video two are joined of fields of different frames, and one is there twice. FFmpeg's
`fieldmatch` puts fields together again that belong together. Its `decimate` takes out what is there twice, but counts
frames instead of reading time stamps, so pictures leave their sound where frames are missing; that is done here.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import numpy
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

Order = Literal["auto", "tff", "bff"]
CYCLE = 5
# Mean differences of 255: what moves, and how much less a frame that is repeated moves than the others.
MOVING, REPEATED = 0.3, 0.4
# How many cycles have to move, and which part of them has to repeat the same one of five.
CYCLES, CLEAR = 4, 0.8
SIDE = 128
TICK = Fraction(1, 90_000)


def fields_matched(order: Order) -> tuple[str, ...]:
    """The filters that put fields of one moment together; what fits nowhere is deinterlaced."""
    return (f"fieldmatch=order={order}:combmatch=full", "bwdif=mode=send_frame:deint=interlaced")


def differences(frames: "Sequence[VideoFrame]") -> list[float]:
    """How much each frame differs from the one before it, 0 to 255."""
    return [_distance(one, other) for one, other in pairwise(map(_small, frames))]


def _small(frame: "VideoFrame") -> "NDArray[numpy.int16]":
    import numpy

    return frame.reformat(SIDE, SIDE, "gray").to_ndarray().astype(numpy.int16)


def _distance(one: "NDArray[numpy.int16]", other: "NDArray[numpy.int16]") -> float:
    import numpy

    return float(cast("numpy.float64", numpy.abs(one - other).mean()))


def repeats_one_of_five(moves: list[float]) -> bool:
    """Whether the same one of five frames hardly differs from that before it, wherever the film moves."""
    for phase in range(CYCLE):
        cycles = [moves[at : at + CYCLE] for at in range(phase, len(moves) - CYCLE + 1, CYCLE)]
        moving = [cycle for cycle in cycles if max(cycle) > MOVING]
        clear = sum(_is_repeated(cycle[0], cycle[1:]) for cycle in moving)
        if len(moving) >= CYCLES and clear >= CLEAR * len(moving):
            return True
    return False


def _is_repeated(move: float, others: list[float]) -> bool:
    return move < REPEATED * median(others)


class Thinner:
    """Takes out the one frame of five that is there twice, and spreads the others over its time.

    Where none is (a part of the film that is video), all stay.
    """

    def __init__(self) -> None:
        self._held: list[VideoFrame] = []
        self._before: NDArray[numpy.int16] | None = None

    def __call__(self, frames: "list[VideoFrame]") -> "list[VideoFrame]":
        """The frames that are known to stay, after these."""
        ready: list[VideoFrame] = []
        for frame in frames:
            self._held.append(frame)
            if len(self._held) == CYCLE:
                ready += self._thinned()
        return ready

    def end(self) -> "list[VideoFrame]":
        """The last ones, which are no five."""
        held, self._held, self._before = self._held, [], None
        return held

    def _thinned(self) -> "list[VideoFrame]":
        held, self._held = self._held, []
        pictures = [_small(frame) for frame in held]
        first = pictures[0] if self._before is None else self._before
        moves = [_distance(one, other) for one, other in pairwise([first, *pictures])]
        self._before = pictures[-1]
        least = min(range(CYCLE), key=moves.__getitem__)
        others = moves[:least] + moves[least + 1 :]
        if moves[least] > MOVING and not _is_repeated(moves[least], others):
            return held
        return _spread(held, held[:least] + held[least + 1 :])


def _spread(cycle: "list[VideoFrame]", kept: "list[VideoFrame]") -> "list[VideoFrame]":
    """The frames that stay, with the time of the whole cycle between them."""
    if any(frame.pts is None for frame in cycle):
        return kept
    steps = [later.time - earlier.time for earlier, later in pairwise(cycle)]
    if max(steps) > 2 * min(steps):
        # Frames are missing here: what is left stays where it is.
        return kept
    begin, each = cycle[0].time, sum(steps) / len(steps) * CYCLE / len(kept)
    for number, frame in enumerate(kept):
        frame.time_base = TICK
        frame.pts = round((begin + number * each) / TICK)
        frame.duration = round(each / TICK)
    return kept
