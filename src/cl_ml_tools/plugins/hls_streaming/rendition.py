"""One quality of a stream: encodes H.264 and AAC into segments of MPEG-TS."""

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cl_ml_tools.media.video import Encoder, Muxer, quarter_turns
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
AAC_LC = "mp4a.40.2"
TURNS = {1: ("transpose=cclock",), 2: ("hflip", "vflip"), 3: ("transpose=clock",)}


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

    def show(self, frame: "VideoFrame", at: float) -> None:
        """Encode a frame that is to be seen `at` seconds after the beginning."""
        from av.video.frame import PictureType

        small = frame.reformat(self.size.width, self.size.height, "yuv420p")
        # Frames of the same moment, or an earlier one, cannot be written.
        small.pts = self._last = max(round(at * CLOCK), self._last + 1)
        small.time_base = Fraction(1, CLOCK)
        starts = at >= self._cut
        small.pict_type = PictureType.I if starts else PictureType.NONE
        if starts:
            self._cut = (at // SEGMENT + 1) * SEGMENT
        self._muxer.mux(self._pictures.encode(small))

    def sound(self, frame: "AudioFrame") -> None:
        """Encode sound: stereo, 48 kHz."""
        if self._sounds is not None:
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
        """Seconds and bytes of each segment, as the playlist names them."""
        text = (self._folder / f"{self.name}.m3u8").read_text("utf-8")
        found = re.finditer(r"#EXTINF:([\d.]+),[^\n]*\n([^#\n]+)", text)
        return [(float(each[1]), (self._folder / each[2]).stat().st_size) for each in found]

    def codecs(self) -> str:
        """What plays it (RFC 6381): profile and level of H.264 are the three bytes after the type of its SPS."""
        head = bytes(self._picture.codec_context.extradata or b"")
        found = re.search(rb"\x00\x00\x01[\x67\x27](.{3})", head, re.DOTALL)
        level = found[1].hex() if found else "64001f"
        return f"avc1.{level},{AAC_LC}" if self._sounds is not None else f"avc1.{level}"


class Upright:
    """Turns frames by their display matrix, as telephones want it."""

    def __init__(self, stream: "VideoStream") -> None:
        self._stream = stream
        self._graphs: dict[tuple[int, int, int, str], _Turn] = {}

    def __call__(self, frame: "VideoFrame") -> "VideoFrame":
        """The frame as it is to be seen."""
        turns = quarter_turns(frame)
        if turns == 0:
            return frame
        key = (turns, frame.width, frame.height, frame.format.name)
        if key not in self._graphs:
            self._graphs[key] = _Turn(self._stream, frame, TURNS[turns])
        return self._graphs[key](frame)


class _Turn:
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

    def __call__(self, frame: "VideoFrame") -> "VideoFrame":
        self._graph.push(frame)
        return cast("VideoFrame", self._graph.pull())
