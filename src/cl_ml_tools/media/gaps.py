"""Frames that a film of a constant rate lacks: in a transport stream, what is damaged may leave nothing but a gap."""

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

# Containers of packets without an index. In others, a frame that was never there leaves a gap too.
BROADCAST = frozenset({"mpegts", "mpeg"})
# The part of the steps that is of one length in a film of a constant rate, and how far each may be from it.
MOST, NEAR = 0.9, 0.02
# A film of more lengths than these has no rate.
LENGTHS = 1000
# Seconds after which it is another recording that goes on.
LONGEST = 20


class Gaps:
    """Looks at the time stamps of frames as they are shown."""

    def __init__(self, container: "InputContainer") -> None:
        self._looks = container.format.name in BROADCAST
        self._last: int | None = None
        self._steps: Counter[int] = Counter()
        self._longest = 0.0

    def see(self, frame: "VideoFrame") -> None:
        """Note one more frame."""
        if not self._looks or frame.pts is None or not frame.time_base:
            return
        self._longest = LONGEST / float(frame.time_base)
        if self._last is not None and frame.pts > self._last:
            self._steps[frame.pts - self._last] += 1
        self._last = frame.pts
        self._looks = len(self._steps) <= LENGTHS

    def frames(self) -> int:
        """How many are missing between the others; 0 in a film without a constant rate."""
        if not self._looks or not self._steps:
            return 0
        usual = self._steps.most_common(1)[0][0]
        regular = sum(count for step, count in self._steps.items() if abs(step - usual) <= NEAR * usual)
        if regular < MOST * self._steps.total():
            return 0
        gaps = ((step, count) for step, count in self._steps.items() if 1.5 * usual < step <= self._longest)
        return sum((round(step / usual) - 1) * count for step, count in gaps)
