"""Reads a film once, and encodes all that a stream of it has: pictures, sound, and subtitles."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.compute_module import ProgressCallback, TaskError
from cl_ml_tools.media.gaps import Gaps
from cl_ml_tools.media.language import language_tag
from cl_ml_tools.media.telecine import CYCLE
from cl_ml_tools.media.upright import Upright, shown_size
from cl_ml_tools.media.video import decoded, lasting, said_length, seconds
from cl_ml_tools.plugins.hls_streaming.rendition import Rendition, Size
from cl_ml_tools.plugins.hls_streaming.sound import SoundRendition, SoundTrack
from cl_ml_tools.plugins.hls_streaming.subtitles import TEXT, SubtitleTrack
from cl_ml_tools.plugins.hls_streaming.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from cl_ml_tools.media.telecine import Order

USUAL_RATE = Fraction(25)
FASTEST_RATE = Fraction(120)
# A film of more tracks than this is one that was made to be hard; the first ones are taken.
MOST_TRACKS = 16
# Sound may begin before the picture by so many seconds. What is further apart has two clocks.
MOST_AHEAD = 20
# Seconds at the end that are not counted as missing: files round, and their tracks end at different moments.
ROUNDED = 0.5


class Encoding:
    """What a stream is made of, while and after it is made in the folder `part`."""

    def __init__(self, container: "InputContainer", stream: "VideoStream", name: str, part: Path, stem: str) -> None:
        self._container = container
        self._stream = stream
        self._name = name
        self._part = part
        self._stem = stem
        self.renditions: list[Rendition] = []
        self.sounds = [SoundTrack(each) for each in container.streams.audio[:MOST_TRACKS]]
        self.subtitles = [
            SubtitleTrack(each) for each in container.streams.subtitles[:MOST_TRACKS] if each.codec_context.name in TEXT
        ]
        self.sound_renditions: list[SoundRendition] = []
        self.begin: float | None = None
        self.end = 0.0
        self._damaged = 0
        self._gaps = Gaps(container)
        rate = stream.average_rate or USUAL_RATE
        self._rate = rate if 0 < rate <= FASTEST_RATE else USUAL_RATE

    def encode(
        self,
        variants: "Callable[[Size], Sequence[Variant]]",
        progress: ProgressCallback,
        pulldown: "Order | None" = None,
    ) -> None:
        """Read the film once, showing every frame to every variant; `pulldown` as `Upright` takes it."""
        from av.audio.frame import AudioFrame
        from av.video.frame import VideoFrame

        upright = Upright(self._stream, pulldown=pulldown)
        if pulldown is not None:
            self._rate = self._rate * (CYCLE - 1) / CYCLE
        length = seconds(self._container, self._stream)
        sounds = {track.stream.index: track for track in self.sounds}
        subtitles = {track.stream.index: track for track in self.subtitles}
        streams = [self._stream, *(track.stream for track in (*self.sounds, *self.subtitles))]
        whole = False
        try:
            for packet in self._container.demux(streams):
                found = self._decoded(packet)
                if packet.stream.index in subtitles:
                    subtitles[packet.stream.index].read(packet, found)
                for frame in found:
                    if isinstance(frame, VideoFrame):
                        self._gaps.see(frame)
                        if not self.renditions:
                            self._open(variants(Size(*shown_size(frame, self._stream))))
                        self._show(upright(frame))
                        if length:
                            progress(min(int(self.end / length * 95), 95))
                    elif isinstance(frame, AudioFrame):
                        sounds[packet.stream.index].hear(frame)
                self._play()
            self._show(upright.end())
            for track in self.sounds:
                track.hear(None)
            self._play()
            whole = True
        finally:
            for rendition in (*self.renditions, *self.sound_renditions):
                rendition.close(flush=whole)
        if not self.renditions:
            raise TaskError(f"{self._name} is damaged: not one frame can be read")

    def damaged(self) -> int:
        """How many frames could not be read. What leaves no frame may have left no packet either, but a gap."""
        return max(self._damaged, self._gaps.frames())

    def left_out(self) -> list[str]:
        """The tracks that the stream does not have, one line for each kind."""
        pictures = [each for each in self._container.streams.subtitles if each.codec_context.name not in TEXT]
        notes: list[str] = []
        if pictures:
            named = ", ".join(
                f"{language_tag(each.language) or 'und'} ({each.codec_context.codec.canonical_name})"
                for each in pictures
            )
            notes.append(f"subtitles that are pictures: {named}")
        kinds = {"sound tracks": self._container.streams.audio, "subtitles": self._container.streams.subtitles}
        notes += [
            f"{kind} after the first {MOST_TRACKS}" for kind, tracks in kinds.items() if len(tracks) > MOST_TRACKS
        ]
        return notes

    def missing(self) -> float:
        """Seconds at the end of the film that it says it has, and that are not there; 0 where it does not say."""
        said = said_length(self._container, self._stream)
        reached = max([self.end, *(track.end for track in (*self.sounds, *self.subtitles))])
        return round(said - reached, 3) if said - reached > ROUNDED else 0.0

    def _decoded(self, packet: "Packet[Stream]") -> list[object]:
        """The frames of a packet. One that is damaged is counted and left out, as ffmpeg does."""
        frames, damaged = decoded(packet)
        if packet.stream.index == self._stream.index:
            self._damaged += damaged
        return frames

    def _open(self, variants: Sequence[Variant]) -> None:
        """Begin the variants; their size depends on how the first frame is turned."""
        # One track lies with the picture. Of several a viewer chooses, so each has files of its own.
        several = len(self.sounds) > 1
        for variant in variants:
            name = f"{self._stem}_{variant.name}"
            sound = bool(self.sounds) and not several
            self.renditions.append(Rendition(self._part, name, variant.size, variant.bitrate, self._rate, sound=sound))
        if several:
            names = [f"{self._stem}_sound_{number}" for number in range(1, len(self.sounds) + 1)]
            self.sound_renditions = [SoundRendition(self._part, name) for name in names]

    def _show(self, frames: "Sequence[VideoFrame]") -> None:
        for frame in frames:
            first = self.begin is None
            if self.begin is None:
                self.begin = self._beginning(0.0 if frame.pts is None else frame.time)
            at = self.end if frame.pts is None else max(frame.time - self.begin, 0.0)
            # Sound that begins before the picture is heard with the first one.
            at = 0.0 if first else at
            until = at + (lasting(frame) or 1 / float(self.renditions[0].rate))
            if first and frame.pts is not None:
                until += frame.time - self.begin
            self.end = max(self.end, until)
            for rendition in self.renditions:
                rendition.show(frame, at, self.end)

    def _beginning(self, picture: float) -> float:
        """The moment of the film with which the stream begins: that of the first picture, or of sound before it."""
        starts = [
            float(track.stream.start_time * track.stream.time_base)
            for track in self.sounds
            if track.stream.start_time is not None and track.stream.time_base is not None
        ]
        ahead = picture - min(starts, default=picture)
        # Less than a frame is how encoders of sound begin.
        return picture - ahead if 1 / float(self.renditions[0].rate) < ahead <= MOST_AHEAD else picture

    def _play(self) -> None:
        """Hand on the sound. A decoder of pictures may want many packets for its first one; sound is kept till then."""
        if self.begin is None:
            return
        for number, track in enumerate(self.sounds):
            track.play(self.begin, self.sound_renditions[number : number + 1] or self.renditions)
