"""Subtitles of a stream: text of the film as WebVTT (RFC 8216 §3.5)."""

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.plugins.hls_streaming.playlist import Segment, write_media_playlist
from cl_ml_tools.plugins.hls_streaming.rendition import CLOCK, LEAD

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

# What FFmpeg gives the words of. Others (`dvd_subtitle`, `hdmv_pgs_subtitle`, `dvb_subtitle`) are pictures of them.
TEXT = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})
# Far more than a film has: a day of a new one each second.
MOST_CUES = 86_400
# How long one is shown that does not say it.
USUAL = 3.0
STYLE = re.compile(r"\{[^}]*\}")


class Cue(NamedTuple):
    """Words, and the seconds between which they are seen."""

    begin: float
    end: float
    text: str


class SubtitleTrack:
    """One track of subtitles of a film."""

    def __init__(self, stream: "SubtitleStream") -> None:
        self.stream = stream
        self.end = 0.0
        self._cues: list[Cue] = []

    def read(self, packet: "Packet[Stream]", found: list[object]) -> None:
        """Take what a packet had in it."""
        if packet.pts is None or len(self._cues) >= MOST_CUES:
            return
        begin = float(packet.pts * packet.time_base)
        lasts = float(packet.duration * packet.time_base) if packet.duration else USUAL
        text = "\n".join(words(each) for each in found).strip()
        if text:
            self.end = max(self.end, begin + lasts)
            self._cues.append(Cue(begin, begin + lasts, text))

    def write(self, folder: Path, name: str, begin: float, cuts: list[float]) -> bool:
        """Write playlist and segments, `<name>.m3u8` and `<name>_000.vtt`; `False` where there are no words.

        `begin` is the moment of the film with which the stream begins, `cuts` are those of the stream.
        """
        cues = [Cue(max(cue.begin - begin, 0.0), cue.end - begin, cue.text) for cue in self._cues]
        cues = sorted(cue for cue in cues if cue.end > 0)
        if not cues:
            return False
        segments: list[Segment] = []
        for number, (since, until) in enumerate(pairwise(cuts)):
            last = number == len(cuts) - 2
            lines = ["WEBVTT", f"X-TIMESTAMP-MAP=MPEGTS:{LEAD * CLOCK},LOCAL:00:00:00.000", ""]
            # Words that are seen in two segments are in both.
            for cue in cues:
                if cue.end > since and (cue.begin < until or last):
                    lines += [f"{clock(cue.begin)} --> {clock(cue.end)}", cue.text, ""]
            file = folder / f"{name}_{number:03d}.vtt"
            file.write_text("\n".join(lines), "utf-8")
            segments.append(Segment(until - since, file))
        write_media_playlist(folder / f"{name}.m3u8", segments, independent=False)
        return True


def words(subtitle: object) -> str:
    """The words of a subtitle as WebVTT (W3C, §4.2.2): without style, and no line that ends the cue."""
    content = cast("bytes", getattr(subtitle, "dialogue", b""))
    text = STYLE.sub("", content.decode("utf-8", "replace")).replace("\\h", " ").replace("\0", "")
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(mark, name)
    return "\n".join(line for line in (line.strip() for line in text.splitlines()) if line)


def clock(seconds: float) -> str:
    """A moment as WebVTT writes it, `00:01:02.500`."""
    milliseconds = round(seconds * 1000)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"
    )
