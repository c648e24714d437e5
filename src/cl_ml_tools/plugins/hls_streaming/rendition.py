"""One quality of a stream: encodes H.264 and AAC into segments of MPEG-TS."""

import re
from collections import deque
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.media.video import Encoder, Muxer
from cl_ml_tools.plugins.hls_streaming.playlist import Segment, write_media_playlist
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
# Seconds that the clock of a stream is ahead, so that no time stamp is negative: FFmpeg would move all of a file to
# mend that, and what lies in files of its own, sound and picture, would be apart.
LEAD = 1
LIMITED = 1
RGB, BT601 = 0, 6
AAC_LC = "mp4a.40.2"
# Frames that are looked at together for a rate, because containers round the time of each to a millisecond.
RATE_FRAMES = 10


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


def segmenter(folder: Path, name: str) -> Muxer:
    """Writes segments of MPEG-TS, `<name>_000.ts`, into a folder."""
    import av

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
    return cast("Muxer", container)


def sound_encoder(muxer: Muxer) -> "Encoder[AudioFrame]":
    """Stereo AAC of 48 kHz in a stream."""
    stream = cast("AudioStream", muxer.add_stream("aac", rate=SOUND_RATE))
    stream.codec_context.bit_rate = SOUND_BITS
    stream.codec_context.layout = "stereo"
    return cast("Encoder[AudioFrame]", stream)


class Rendition:
    """Encodes what it is shown and writes playlist and segments, `<name>.m3u8` and `<name>_000.ts`, into a folder."""

    def __init__(self, folder: Path, name: str, size: Size, bitrate: int, rate: Fraction, *, sound: bool) -> None:
        from av.video.reformatter import VideoReformatter

        self.name = name
        self.size = size
        self.rate = rate
        self._folder = folder
        self._muxer = segmenter(folder, name)
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
        # One for all frames: a scaler has threads.
        self._scaler = VideoReformatter()
        self._sounds = sound_encoder(self._muxer) if sound else None
        self._cut = 0.0
        self._last = -1
        self._cuts: list[float] = []
        self._end = 0.0
        self._latest: deque[float] = deque(maxlen=RATE_FRAMES + 1)
        self._fastest = 0.0

    def show(self, frame: "VideoFrame", at: float, until: float) -> None:
        """Encode a frame that is to be seen from `at` to `until`, in seconds after the beginning."""
        from av.video.frame import PictureType

        # Full range becomes limited, which all players take; brightness and colours stay as they are.
        small = self._scaler.reformat(
            frame, self.size.width, self.size.height, "yuv420p", dst_color_range=LIMITED, threads=threads()
        )
        if self._last < 0:
            self._tag(frame)
        # Frames of the same moment, or an earlier one, cannot be written.
        self._last = max(round(at * CLOCK), self._last + 1)
        small.pts = self._last + LEAD * CLOCK
        small.time_base = Fraction(1, CLOCK)
        starts = at >= self._cut
        small.pict_type = PictureType.I if starts else PictureType.NONE
        if starts:
            self._cut = (at // SEGMENT + 1) * SEGMENT
            self._cuts.append(self._last / CLOCK)
        self._end = max(self._end, until)
        self._latest.append(self._last / CLOCK)
        if len(self._latest) > RATE_FRAMES:
            self._fastest = max(self._fastest, RATE_FRAMES / (self._latest[-1] - self._latest[0]))
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
                self._end = max(self._end, frame.time - LEAD + frame.samples / SOUND_RATE)
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

    def cuts(self) -> list[float]:
        """When its segments begin, and when the last one ends, in seconds.

        FFmpeg's own playlist adds up frames of one usual length. Here a segment lasts from its first frame to that of
        the next one, which is right for slides and for films of a variable rate too.
        """
        return [*self._cuts, max(self._end, self._last / CLOCK)]

    def segments(self) -> list[Segment]:
        """What it wrote; writes the playlist, which says the same."""
        lengths = [round(end - begin, 6) for begin, end in pairwise(self.cuts())]
        made = [Segment(length, self._folder / f"{self.name}_{number:03d}.ts") for number, length in enumerate(lengths)]
        write_media_playlist(self._folder / f"{self.name}.m3u8", made)
        return made

    def fastest(self) -> float:
        """The most frames a second (RFC 8216 §4.3.4.2): the rate of the film where its frames come evenly."""
        usual = float(self.rate)
        return usual if abs(self._fastest - usual) < usual * 0.02 else self._fastest or usual

    def codecs(self, *, sound: bool = False) -> str:
        """What plays it (RFC 6381), with sound that lies beside it too.

        Profile and level of H.264 are the three bytes after the type of its SPS.
        """
        head = bytes(self._picture.codec_context.extradata or b"")
        found = re.search(rb"\x00\x00\x01[\x67\x27](.{3})", head, re.DOTALL)
        level = found[1].hex() if found else "64001f"
        return f"avc1.{level},{AAC_LC}" if sound or self._sounds is not None else f"avc1.{level}"
