"""Playlists of HTTP live streams (RFC 8216)."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HEAD = ["#EXTM3U", "#EXT-X-VERSION:6"]
INDEPENDENT = "#EXT-X-INDEPENDENT-SEGMENTS"


class Segment(NamedTuple):
    """A file of a stream, and how many seconds it lasts."""

    seconds: float
    file: Path


def write_media_playlist(path: Path, segments: Sequence[Segment], *, independent: bool = True) -> None:
    """Write the playlist of segments that lie beside it (RFC 8216 §4.3.2.1, §4.3.3.1)."""
    lines = [
        *HEAD,
        f"#EXT-X-TARGETDURATION:{target_duration([segment.seconds for segment in segments])}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        *([INDEPENDENT] if independent else []),
    ]
    for segment in segments:
        lines += [f"#EXTINF:{segment.seconds:.6f},", segment.file.name]
    path.write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]), "utf-8")


def target_duration(lengths: Sequence[float]) -> int:
    """The seconds that no segment is longer than, at least one: players wait for a part of it between two requests."""
    return max(math.ceil(max(lengths)), 1)


def bandwidth(segments: Sequence[tuple[float, int]]) -> tuple[int, int]:
    """Peak and mean bits per second of segments of so many seconds and bytes.

    The peak is that of the most demanding run of segments which together last between half and one and a half times the
    target duration (RFC 8216 §4.1), so that a last segment of one frame does not count by itself.
    """
    target = target_duration([length for length, _ in segments])
    whole = sum(length for length, _ in segments)
    mean = sum(size for _, size in segments) * 8 / max(whole, 0.001)
    peak = mean
    for first in range(len(segments)):
        length, size = 0.0, 0
        for each in segments[first:]:
            length, size = length + each[0], size + each[1]
            if length > target * 1.5:
                break
            if length >= target * 0.5:
                peak = max(peak, size * 8 / length)
    return math.ceil(peak), math.ceil(mean)


def measured(segments: Sequence[Segment]) -> tuple[int, int]:
    """Peak and mean bits per second of segments that are written."""
    return bandwidth([(segment.seconds, segment.file.stat().st_size) for segment in segments])


class Track(NamedTuple):
    """Sound or subtitles beside the picture, one of a group of which a viewer chooses (RFC 8216 §4.3.4.1)."""

    kind: str
    """`AUDIO` or `SUBTITLES`."""
    name: str
    language: str | None
    default: bool
    forced: bool
    playlist: str

    @property
    def group(self) -> str:
        """The group that all tracks of its kind are in."""
        return self.kind.lower()

    def line(self) -> str:
        """The line of the master playlist that offers it."""
        parts = [f"TYPE={self.kind}", f'GROUP-ID="{self.group}"', f'NAME="{quotable(self.name)}"']
        if self.language is not None:
            parts.append(f'LANGUAGE="{self.language}"')
        parts.append(f"DEFAULT={'YES' if self.default else 'NO'}")
        # What is forced is shown without being asked for, where its language is the viewer's.
        parts.append("AUTOSELECT=YES")
        if self.forced:
            parts.append("FORCED=YES")
        if self.kind == "AUDIO":
            parts.append('CHANNELS="2"')
        return f'#EXT-X-MEDIA:{",".join(parts)},URI="{self.playlist}"'


def quotable(text: str) -> str:
    """Text as it can stand in a quoted string, which knows no escapes (RFC 8216 §4.2)."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).replace('"', "'").strip()
