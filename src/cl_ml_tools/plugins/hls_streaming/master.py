"""The master playlist of a stream, which offers all that it has (RFC 8216 §4.3.4)."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cl_ml_tools.artifact import job_path
from cl_ml_tools.media.language import language_tag
from cl_ml_tools.plugins.hls_streaming.encoding import Encoding
from cl_ml_tools.plugins.hls_streaming.playlist import HEAD, INDEPENDENT, Track, measured
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsTrackOutput, HlsVariantOutput

if TYPE_CHECKING:
    from av.stream import Stream

WORDS = {"AUDIO": "Sound", "SUBTITLES": "Subtitles"}


def publish(made: Encoding, part: Path, master: Path) -> HlsStreamingOutput:
    """Write the playlists, and move all that is in the folder `part` beside the master playlist, that last."""
    sounds, peak_of_sound, mean_of_sound = _sounds(made)
    subtitles = _subtitles(made, part, master.stem)
    lines = [*HEAD, INDEPENDENT, *(track.line() for track in (*sounds, *subtitles))]
    groups = "".join(f',{each[0].kind}="{each[0].group}"' for each in (sounds, subtitles) if each)
    variants: list[HlsVariantOutput] = []
    for rendition in made.renditions:
        segments = rendition.segments()
        peak, mean = measured(segments)
        width, height = rendition.size
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={peak + peak_of_sound},AVERAGE-BANDWIDTH={mean + mean_of_sound},"
            f"RESOLUTION={width}x{height},FRAME-RATE={rendition.fastest():.3f},"
            f'CODECS="{rendition.codecs(sound=bool(sounds))}"{groups}'
        )
        lines.append(f"{rendition.name}.m3u8")
        variants.append(
            HlsVariantOutput(
                playlist=job_path(master.parent / f"{rendition.name}.m3u8"),
                width=width,
                height=height,
                bandwidth=peak + peak_of_sound,
                segments=len(segments),
            )
        )
    whole = part / master.name
    for file in sorted(part.iterdir()):
        file.replace(master.parent / file.name)
    whole.write_text("\n".join([*lines, ""]), "utf-8")
    whole.replace(master)
    return HlsStreamingOutput(
        master_playlist=job_path(master),
        variants=variants,
        variants_generated=len(variants),
        total_segments=sum(variant.segments for variant in variants),
        duration=round(made.end, 3),
        audio=bool(made.sounds),
        sound_tracks=[_output(track, master) for track in sounds],
        subtitles=[_output(track, master) for track in subtitles],
        damaged_frames=made.damaged(),
        missing_seconds=made.missing(),
        notes=made.left_out(),
    )


def _sounds(made: Encoding) -> tuple[list[Track], int, int]:
    """The sound tracks that have files of their own, and peak and mean bits per second of the most demanding one."""
    found: list[tuple[Stream, str]] = []
    peaks, means = [0], [0]
    for source, rendition in zip(made.sounds, made.sound_renditions, strict=bool(made.sound_renditions)):
        segments = rendition.segments()
        if segments:
            peak, mean = measured(segments)
            peaks.append(peak)
            means.append(mean)
            found.append((source.stream, rendition.name))
    return _tracks("AUDIO", found), max(peaks), max(means)


def _subtitles(made: Encoding, part: Path, stem: str) -> list[Track]:
    """The subtitles that have words."""
    found: list[tuple[Stream, str]] = []
    for number, track in enumerate(made.subtitles, 1):
        name = f"{stem}_subtitles_{number}"
        if track.write(part, name, made.begin or 0.0, made.renditions[0].cuts()):
            found.append((track.stream, name))
    return _tracks("SUBTITLES", found)


def _tracks(kind: Literal["AUDIO", "SUBTITLES"], found: list[tuple["Stream", str]]) -> list[Track]:
    """What the film says of its tracks. Players list their names, so no two have one; at most one is the default."""
    from av.stream import Disposition

    tracks: list[Track] = []
    defaults = [bool(source.disposition & Disposition.default) for source, _ in found]
    # Some sound has to be the first; words need not be seen.
    default = defaults.index(True) if True in defaults else 0 if kind == "AUDIO" else None
    for number, (source, file) in enumerate(found):
        language = language_tag(source.language)
        name = source.metadata.get("title") or language or f"{WORDS[kind]} {number + 1}"
        if any(track.name == name for track in tracks):
            name = f"{name} ({number + 1})"
        forced = kind == "SUBTITLES" and bool(source.disposition & Disposition.forced)
        tracks.append(Track(kind, name, language, number == default, forced, f"{file}.m3u8"))
    return tracks


def _output(track: Track, master: Path) -> HlsTrackOutput:
    return HlsTrackOutput(playlist=job_path(master.parent / track.playlist), name=track.name, language=track.language)
