"""Makes HTTP live streams."""

import shutil
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, TaskError
from cl_ml_tools.media.upright import Upright, shown_size
from cl_ml_tools.media.video import decoded, lasting, open_video, seconds
from cl_ml_tools.plugins.hls_streaming.rendition import SOUND_RATE, Rendition, Size, bandwidth, fit
from cl_ml_tools.plugins.hls_streaming.schema import (
    FASTEST,
    SLOWEST,
    HlsStreamingOutput,
    HlsStreamingParams,
    HlsVariant,
    HlsVariantOutput,
)
from cl_ml_tools.requirement import missing_library

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

LADDER = (HlsVariant(resolution="720p", bitrate=2_500_000), HlsVariant(resolution="480p", bitrate=1_000_000))
USUAL_RATE = Fraction(25)
FASTEST_RATE = Fraction(120)
# Frames of 1024 samples that are kept before there is a picture: a minute of sound.
MOST_HELD = 60 * SOUND_RATE // 1024


class HlsStreamingTask(BlockingModule[HlsStreamingParams]):
    """A video, decoded once and encoded for each variant."""

    @property
    def task_type(self) -> str:
        return "hls_streaming"

    def get_schema(self) -> type[HlsStreamingParams]:
        return HlsStreamingParams

    def get_output_schema(self) -> type[HlsStreamingOutput]:
        return HlsStreamingOutput

    def missing(self) -> str | None:
        return missing_library(self.task_type, "av")

    def process(self, params: HlsStreamingParams, progress: ProgressCallback) -> HlsStreamingOutput:
        master = Path(params.output_paths[0])
        part = master.parent / ".part"
        part.mkdir()
        try:
            with open_video(Path(params.input_paths[0]), params.name_of()) as (container, stream):
                made = _Stream(container, stream, params, part, master.stem)
                made.encode(progress)
            output = made.publish(master)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return output


class _Stream:
    """The variants of one video, while they are made."""

    def __init__(
        self, container: "InputContainer", stream: "VideoStream", params: HlsStreamingParams, part: Path, stem: str
    ) -> None:
        self._container = container
        self._stream = stream
        self._params = params
        self._part = part
        self._stem = stem
        self._sound: AudioStream | None = next(iter(container.streams.audio), None)
        self._renditions: list[Rendition] = []
        self._begin: float | None = None
        self._end = 0.0
        self._damaged = 0
        self._held: deque[object] = deque(maxlen=MOST_HELD)

    def encode(self, progress: ProgressCallback) -> None:
        """Read the video once, showing every frame to every variant."""
        from av.audio.frame import AudioFrame
        from av.audio.resampler import AudioResampler
        from av.video.frame import VideoFrame

        upright = Upright(self._stream)
        resampler = AudioResampler("fltp", "stereo", SOUND_RATE, frame_size=1024)
        length = seconds(self._container, self._stream)
        streams = [self._stream] if self._sound is None else [self._stream, self._sound]
        whole = False
        try:
            for packet in self._container.demux(streams):
                for frame in self._decoded(packet):
                    if isinstance(frame, VideoFrame):
                        if not self._renditions:
                            self._open(Size(*shown_size(frame, self._stream)))
                        self._show(upright(frame), frame.time, lasting(frame))
                        if length:
                            progress(min(int(self._end / length * 95), 95))
                    elif isinstance(frame, AudioFrame):
                        self._hear(resampler.resample(frame))
            if self._sound is not None:
                self._hear(resampler.resample(None))
            whole = True
        finally:
            for rendition in self._renditions:
                rendition.close(flush=whole)
        if not self._renditions:
            raise TaskError(f"{self._params.name_of()} is damaged: not one frame can be read")

    def _decoded(self, packet: "Packet[Stream]") -> Sequence[object]:
        """The frames of a packet. One that is damaged is counted and left out, as ffmpeg does."""
        frames, damaged = decoded(packet)
        if packet.stream is self._stream:
            self._damaged += damaged
        return frames

    def _open(self, seen: Size) -> None:
        """Begin the variants; their size depends on how the first frame is turned."""
        rate = self._stream.average_rate or USUAL_RATE
        rate = rate if 0 < rate <= FASTEST_RATE else USUAL_RATE
        for name, size, bitrate in plan(seen, self._params, self._stream.bit_rate or 0):
            file = f"{self._stem}_{name}"
            self._renditions.append(Rendition(self._part, file, size, bitrate, rate, sound=self._sound is not None))

    def _show(self, frame: object, time: float | None, length: float) -> None:
        from av.video.frame import VideoFrame

        if not isinstance(frame, VideoFrame):
            return
        if self._begin is None:
            self._begin = time or 0.0
        at = max(time - self._begin, 0.0) if time is not None else self._end
        self._end = max(self._end, at + (length or 1 / float(self._renditions[0].rate)))
        for rendition in self._renditions:
            rendition.show(frame, at, self._end)

    def _hear(self, frames: Sequence[object]) -> None:
        from av.audio.frame import AudioFrame

        self._held.extend(frames)
        # A decoder of pictures may want many packets before it gives its first one; the sound between them is kept.
        while self._held and self._renditions:
            frame = self._held.popleft()
            if not isinstance(frame, AudioFrame):
                continue
            if frame.pts is not None and frame.time_base is not None and self._begin:
                # Sound and picture begin together, whatever clock the video had.
                frame.pts -= round(self._begin / float(frame.time_base))
                if frame.pts < 0:
                    continue
            for rendition in self._renditions:
                rendition.sound(frame)

    def publish(self, master: Path) -> HlsStreamingOutput:
        """Write the master playlist (RFC 8216 §4.3.4.2) and move all in place, that last."""
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
        variants: list[HlsVariantOutput] = []
        for rendition in self._renditions:
            segments = rendition.segments()
            peak, mean = bandwidth(segments)
            width, height = rendition.size
            lines.append(
                f"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={mean},RESOLUTION={width}x{height},"
                f'FRAME-RATE={float(rendition.rate):.3f},CODECS="{rendition.codecs()}"'
            )
            lines.append(f"{rendition.name}.m3u8")
            playlist = job_path(master.parent / f"{rendition.name}.m3u8")
            variants.append(
                HlsVariantOutput(playlist=playlist, width=width, height=height, bandwidth=peak, segments=len(segments))
            )
        whole = self._part / master.name
        for file in sorted(self._part.iterdir()):
            file.replace(master.parent / file.name)
        whole.write_text("\n".join([*lines, ""]), "utf-8")
        whole.replace(master)
        return HlsStreamingOutput(
            master_playlist=job_path(master),
            variants=variants,
            variants_generated=len(variants),
            total_segments=sum(variant.segments for variant in variants),
            duration=round(self._end, 3),
            audio=self._sound is not None,
            damaged_frames=self._damaged,
        )


def plan(seen: Size, params: HlsStreamingParams, bit_rate: int) -> list[tuple[str, Size, int]]:
    """Name, size and bit rate of each variant, the most demanding first."""
    wanted = list(params.variants)
    if not wanted and not params.include_original:
        shorter = min(seen)
        wanted = [variant for variant in LADDER if int(variant.resolution[:-1]) <= shorter] or [LADDER[-1]]
    planned = [(variant.resolution, fit(*seen, variant.resolution), variant.bitrate) for variant in wanted]
    if params.include_original:
        # At least what H.264 needs for pixels of that number, where the video does not say its rate.
        own = bit_rate or seen.width * seen.height * 3
        planned.append(("original", fit(*seen, None), min(max(own, SLOWEST), FASTEST)))
    planned.sort(key=lambda each: -each[2])
    names: dict[str, int] = {}
    result: list[tuple[str, Size, int]] = []
    for name, size, bitrate in planned:
        names[name] = names.get(name, 0) + 1
        result.append((name if names[name] == 1 else f"{name}_{names[name]}", size, bitrate))
    return result
