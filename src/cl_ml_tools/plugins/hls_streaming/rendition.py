"""One quality of a stream: encodes H.264 and AAC into segments of MPEG-TS."""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.media.video import Encoder, Muxer
from cl_ml_tools.threads import threads

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SEGMENT = 4
CLOCK = 90_000
SOUND_RATE = 48_000
SOUND_BITS = 128_000
LIMITED = 1
RGB, BT601 = 0, 6
AAC_LC = "mp4a.40.2"


class Size(NamedTuple):
    """Pixels, both even: 4:2:0 has one colour for four of them."""

    width: int
    height: int


def fit(width: int, height: int, resolution: str | None) -> Size:
    """The size of a picture in a box (`1280x720`) or of a height (`720p`), never enlarged; as it is without one."""
    scale = 1.0
    if resolution is not None and resolution.endswith("p"):
        scale = min(1.0, int(resolution[:-1]) / min(width, height))
    elif resolution is not None:
        across, down = (int(side) for side in resolution.split("x"))
        scale = min(1.0, across / width, down / height)
    return Size(max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2))


class Rendition:
    """Encodes what it is shown and writes playlist and segments, `<name>.m3u8` and `<name>_000.ts`, into a folder."""

    def __init__(self, folder: Path, name: str, size: Size, bitrate: int, rate: Fraction, *, sound: bool) -> None:
        import av

        self.name = name
        self.size = size
        self.rate = rate
        self._folder = folder
        container = av.open(
            folder / f"{name}.m3u8",
            "w",
            format="hls",
            options={
                "hls_time": str(SEGMENT),
                "hls_playlist_type": "vod",
                "hls_list_size": "0",
                "hls_segment_filename": str(folder / f"{name}_%03d.ts"),
                "hls_flags": "independent_segments",
            },
        )
        self._muxer = cast("Muxer", container)
        self._picture = cast("VideoStream", self._muxer.add_stream("libx264", rate=rate))
        self._picture.width, self._picture.height = size
        self._picture.pix_fmt = "yuv420p"
        self._picture.bit_rate = bitrate
        context = self._picture.codec_context
        context.time_base = Fraction(1, CLOCK)
        context.thread_count = threads()
        context.options = {
            "preset": "veryfast",
            "maxrate": str(bitrate * 107 // 100),
            "bufsize": str(bitrate * 3 // 2),
            # A key frame where a segment begins, and nowhere else.
            "forced-idr": "1",
            "g": "100000",
            "sc_threshold": "0",
        }
        self._pictures = cast("Encoder[VideoFrame]", self._picture)
        self._sounds: Encoder[AudioFrame] | None = None
        if sound:
            stream = cast("AudioStream", self._muxer.add_stream("aac", rate=SOUND_RATE))
            stream.codec_context.bit_rate = SOUND_BITS
            stream.codec_context.layout = "stereo"
            self._sounds = cast("Encoder[AudioFrame]", stream)
        self._cut = 0.0
        self._last = -1
        self._cuts: list[float] = []
        self._end = 0.0

    def show(self, frame: "VideoFrame", at: float, until: float) -> None:
        """Encode a frame that is to be seen from `at` to `until`, in seconds after the beginning."""
        from av.video.frame import PictureType

        # Full range becomes limited, which all players take; brightness and colours stay as they are.
        small = frame.reformat(self.size.width, self.size.height, "yuv420p", dst_color_range=LIMITED)
        if self._last < 0:
            self._tag(frame)
        # Frames of the same moment, or an earlier one, cannot be written.
        small.pts = self._last = max(round(at * CLOCK), self._last + 1)
        small.time_base = Fraction(1, CLOCK)
        starts = at >= self._cut
        small.pict_type = PictureType.I if starts else PictureType.NONE
        if starts:
            self._cut = (at // SEGMENT + 1) * SEGMENT
            self._cuts.append(self._last / CLOCK)
        self._end = max(self._end, until)
        self._muxer.mux(self._pictures.encode(small))

    def _tag(self, frame: "VideoFrame") -> None:
        """Say in the stream which colours it has, before the first frame is encoded (H.273 names them by number)."""
        context = self._picture.codec_context
        context.color_range = LIMITED
        context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
        # A film in RGB has no matrix: FFmpeg's own one is that of BT.601.
        context.colorspace = BT601 if frame.colorspace == RGB else frame.colorspace

    def sound(self, frame: "AudioFrame") -> None:
        """Encode sound: stereo, 48 kHz."""
        if self._sounds is not None:
            if frame.time is not None:
                self._end = max(self._end, frame.time + frame.samples / SOUND_RATE)
            self._muxer.mux(self._sounds.encode(frame))

    def close(self, *, flush: bool = True) -> None:
        """Write what is still held back, and the end of the playlist."""
        try:
            if flush:
                self._muxer.mux(self._pictures.encode(None))
                if self._sounds is not None:
                    self._muxer.mux(self._sounds.encode(None))
        finally:
            self._muxer.close()

    def segments(self) -> list[tuple[float, int]]:
        """Seconds and bytes of each segment; writes the playlist, which says the same (RFC 8216 §4.3.2.1, §4.3.3.1).

        FFmpeg's own playlist adds up frames of one usual length. Here a segment lasts from its first frame to that of
        the next one, which is right for slides and for films of a variable rate too.
        """
        ends = [*self._cuts[1:], max(self._end, self._last / CLOCK)]
        lengths = [round(end - begin, 6) for begin, end in zip(self._cuts, ends, strict=True)]
        files = [self._folder / f"{self.name}_{number:03d}.ts" for number in range(len(lengths))]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:6",
            f"#EXT-X-TARGETDURATION:{target_duration(lengths)}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        for length, file in zip(lengths, files, strict=True):
            lines += [f"#EXTINF:{length:.6f},", file.name]
        lines += ["#EXT-X-ENDLIST", ""]
        (self._folder / f"{self.name}.m3u8").write_text("\n".join(lines), "utf-8")
        return [(length, file.stat().st_size) for length, file in zip(lengths, files, strict=True)]

    def codecs(self) -> str:
        """What plays it (RFC 6381): profile and level of H.264 are the three bytes after the type of its SPS."""
        head = bytes(self._picture.codec_context.extradata or b"")
        found = re.search(rb"\x00\x00\x01[\x67\x27](.{3})", head, re.DOTALL)
        level = found[1].hex() if found else "64001f"
        return f"avc1.{level},{AAC_LC}" if self._sounds is not None else f"avc1.{level}"


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
