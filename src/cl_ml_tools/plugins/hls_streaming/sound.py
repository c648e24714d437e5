"""The sound of a stream: each track of the film, resampled, and encoded into every rendition that carries it."""

import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cl_ml_tools.plugins.hls_streaming.playlist import Segment, write_media_playlist
from cl_ml_tools.plugins.hls_streaming.rendition import LEAD, SOUND_RATE, segmenter, sound_encoder

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream

SAMPLES = 1024
# Frames that are kept before there is a picture: 20 seconds, 8 MB.
MOST_HELD = 20 * SOUND_RATE // SAMPLES
EXTINF = re.compile(r"^#EXTINF:([0-9.]+),.*\n(.+)$", re.MULTILINE)


class Listener(Protocol):
    """What takes sound: a rendition with picture and sound, or one of sound alone."""

    def sound(self, frame: "AudioFrame") -> None:
        """Encode a frame: stereo, 48 kHz."""
        ...


class SoundRendition:
    """Encodes one track of several and writes playlist and segments, `<name>.m3u8` and `<name>_000.ts`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._muxer = segmenter(folder, name)
        self._sounds = sound_encoder(self._muxer)

    def sound(self, frame: "AudioFrame") -> None:
        """Encode sound: stereo, 48 kHz."""
        self._muxer.mux(self._sounds.encode(frame))

    def close(self, *, flush: bool = True) -> None:
        """Write what is still held back, and the end."""
        try:
            if flush:
                self._muxer.mux(self._sounds.encode(None))
        finally:
            self._muxer.close()

    def segments(self) -> list[Segment]:
        """What it wrote, none where the track was silent from end to end; writes the playlist, which says the same.

        Frames of sound are of one length, so what FFmpeg wrote of its segments is right.
        """
        path = self._folder / f"{self.name}.m3u8"
        written = path.read_text("utf-8") if path.exists() else ""
        made = [Segment(float(found[1]), self._folder / found[2]) for found in EXTINF.finditer(written)]
        if made:
            write_media_playlist(path, made)
        return made


class SoundTrack:
    """One sound track of a film, from its decoder to those who encode it."""

    def __init__(self, stream: "AudioStream") -> None:
        from av.audio.resampler import AudioResampler

        self.stream = stream
        self.end = 0.0
        self._resampler = AudioResampler("fltp", "stereo", SOUND_RATE, frame_size=SAMPLES)
        self._held: deque[AudioFrame] = deque(maxlen=MOST_HELD)

    def hear(self, frame: "AudioFrame | None") -> None:
        """Take a frame of the film, or the end of it (`None`)."""
        self._held.extend(self._resampler.resample(frame))

    def play(self, begin: float, listeners: Sequence[Listener]) -> None:
        """Hand on what was heard, counted from `begin`, the moment of the film with which the stream begins."""
        while self._held:
            frame = self._held.popleft()
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(begin / float(frame.time_base))
                if frame.pts < 0:
                    continue
                self.end = max(self.end, float(frame.pts * frame.time_base) + frame.samples / SOUND_RATE)
                frame.pts += round(LEAD / frame.time_base)
            for listener in listeners:
                listener.sound(frame)
