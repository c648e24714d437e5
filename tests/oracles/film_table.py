"""The table of docs/films.md: what becomes of each kind of film. `python -m tests.oracles.film_table` writes it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import av
import m3u8

from cl_ml_tools.media.video import grab
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.plugins.hls_streaming.task import HlsStreamingTask
from tests.oracles.films import made

PAGE = Path(__file__).parents[2] / "docs" / "films.md"
BEGIN, END = "<!-- made by tests/oracles/film_table.py -->", "<!-- end -->"
SECONDS = 2
BT709 = 1
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=160x96:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=duration={SECONDS}")
FIELDS = ("-f", "lavfi", "-i", f"testsrc2=size=160x96:rate=50:duration={SECONDS}", "-vf", "tinterlace=interleave_top")
OF_24 = ("-f", "lavfi", "-i", "testsrc2=size=160x96:rate=24000/1001:duration=4", "-vf", "gblur=2,telecine")
FEWER = "select='gt(n,25)+not(mod(n,5))'"
FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
HDR = ("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020", "-colorspace", "bt2020nc", "-color_trc")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")


class Kind(NamedTuple):
    """A kind of film: what it is, and how ffmpeg makes it."""

    about: str
    arguments: Sequence[str]
    container: str = "mp4"


KINDS: dict[str, Kind] = {
    "Ordinary": Kind("160 × 96, 25 fps, one sound track", (*PICTURE, *SOUND, *FAST, "-c:a", "aac")),
    "No index": Kind("MPEG-TS", (*PICTURE, *SOUND, *FAST, "-c:a", "aac"), "ts"),
    "Variable rate": Kind("5 and 25 fps", (*PICTURE, "-vf", FEWER, "-fps_mode", "vfr", *FAST)),
    "One frame": Kind("a still", (*PICTURE, "-frames:v", "1", *FAST)),
    "Anamorphic": Kind("pixels of 4:3", (*PICTURE, "-vf", "setsar=4/3", *FAST)),
    "Interlaced": Kind("25 fps of two fields", (*FIELDS, *FAST, "-x264-params", "tff=1")),
    "Telecined": Kind("24 fps in 29.97 fps", (*OF_24, *FAST)),
    "HDR, PQ": Kind("10 bits, BT.2020", (*PICTURE, *X265, *HDR, "smpte2084")),
    "HDR, HLG": Kind("10 bits, BT.2020", (*PICTURE, *X265, *HDR, "arib-std-b67")),
    "Full range": Kind("0 to 255", (*PICTURE, *FAST[:4], "-pix_fmt", "yuvj420p", "-color_range", "pc")),
    "4:4:4": Kind("a color for each pixel", (*PICTURE, *FAST[:4], "-pix_fmt", "yuv444p")),
    "Two languages": Kind(
        "English and German sound",
        (*PICTURE, *SOUND, *SOUND, "-map", "0", "-map", "1", "-map", "2", *FAST, "-c:a", "aac",
         "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"),
    ),
}  # fmt: skip


def film(kind: str, folder: Path) -> Path:
    """A film of a kind."""
    return made(folder, f"film.{KINDS[kind].container}", *KINDS[kind].arguments)


def stream(source: Path, folder: Path) -> HlsStreamingOutput:
    """Its stream, in its own size."""
    folder.mkdir(exist_ok=True)
    params = HlsStreamingParams(
        input_paths=[str(source)], output_paths=[str(folder / "film.m3u8")], include_original=True
    )
    return HlsStreamingTask().process(params, lambda _: None)


def words(source: Path, folder: Path) -> tuple[str, str]:
    """What its thumbnail and its stream are."""
    picture = grab(source, source.name)
    output = stream(source, folder)
    said = m3u8.load(str(folder / "film.m3u8")).playlists[0]
    with av.open(folder / str(said.uri)) as played:
        shape = played.streams.video[0]
        parts = [f"{shape.width} × {shape.height}", f"{said.stream_info.frame_rate:g} fps", str(shape.pix_fmt)]
        if shape.codec_context.color_trc == BT709:
            parts.append("BT.709")
    sounds = [str(track.language) for track in output.sound_tracks]
    parts.append("sound: " + ", ".join(sounds) if sounds else "sound" if output.audio else "no sound")
    return f"{picture.width} × {picture.height}", ", ".join(parts)


def rows() -> dict[str, list[str]]:
    """The table as the page has it: the cells behind each kind."""
    lines = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {name: rest for name, _, *rest in cells}


def written() -> str:
    """The table as it ought to be."""
    lines = [["Video", "What it is", "Thumbnail", "Stream"], ["---"] * 4]
    for name, kind in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            lines.append([name, kind.about, *words(film(name, Path(folder)), Path(folder, "stream"))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{written()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
