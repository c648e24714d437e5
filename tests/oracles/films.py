"""Films that FFmpeg's program makes, with what PyAV alone does not write: fields, several tracks, gaps."""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.oracles.programs import run

SECONDS = 9
# Larger than the variants that tests ask for; no more pixels than that takes.
SIZE = "240x180"
PICTURE = ("-f", "lavfi", "-i", f"testsrc=size={SIZE}:rate=25:duration={SECONDS}")
# White for a moment, and a tone in the same one.
FLASHES = (
    "-f", "lavfi", "-i",
    f"color=black:size={SIZE}:rate=25:duration={SECONDS},drawbox=color=white:thickness=fill:enable='between(t,5,5.2)'",
)  # fmt: skip
BEEPS = ("-f", "lavfi", "-i", f"aevalsrc='if(between(t,5,5.2),sin(2*PI*1000*t),0)':s=48000:d={SECONDS}")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
WORDS = """1
00:00:00,500 --> 00:00:02,000
Hello <i>you</i> & me
3 > 2

2
00:00:03,250 --> 00:00:08,500
Tschüß, 日本

"""


def made(folder: Path, name: str, *arguments: str) -> Path:
    """A film of these arguments of `ffmpeg`."""
    path = folder / name
    path.write_bytes(_content(name, arguments))
    return path


@cache
def _content(name: str, arguments: tuple[str, ...]) -> bytes:
    # Many tests look at the same film, which takes FFmpeg longer than what they look at.
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        run("ffmpeg", "-y", "-v", "error", *arguments, path)
        return path.read_bytes()


def tracks(folder: Path, name: str) -> Path:
    """A film in two languages, and subtitles in two: German is the one to begin with."""
    words = ("-f", "srt", "-i", f"data:text/plain;base64,{b64encode(WORDS.encode()).decode()}")
    subtitles = "mov_text" if name.endswith("mp4") else "subrip"
    return made(
        folder, name, *FLASHES, *BEEPS, *BEEPS, *words, *words,
        "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", *H264, "-c:s", subtitles,
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger",
        "-disposition:a:0", "0", "-disposition:a:1", "default",
        "-metadata:s:s:0", "language=fre", "-metadata:s:s:1", "language=jpn",
        "-disposition:s:0", "0", "-disposition:s:1", "forced",
    )  # fmt: skip


def interlaced(folder: Path, name: str, *encoder: str) -> Path:
    """A film of 25 frames a second, each of two fields of two moments."""
    # With fewer lines, more of the joined picture looks like fields to FFmpeg's detector.
    moving = f"testsrc2=size=320x240:rate=50:duration={SECONDS}"
    fields = ("-vf", "tinterlace=interleave_top,setfield=tff")
    return made(folder, name, "-f", "lavfi", "-i", moving, *fields, *encoder)


def film_of_24(folder: Path, name: str, *encoder: str) -> Path:
    """A film of 23.976 frames a second, with the tone and the flash of `BEEPS` and `FLASHES`."""
    flash = "drawbox=color=white:thickness=fill:enable='between(t,5,5.2)'"
    # Soft, because patterns of single lines look like fields.
    moving = f"testsrc2=size={SIZE}:rate=24000/1001:duration={SECONDS},gblur=sigma=2,{flash}"
    return made(folder, name, "-f", "lavfi", "-i", moving, *BEEPS, *encoder)


def likeness(one: Path, other: Path) -> float:
    """The median PSNR of the frames of two films, in decibels."""
    counted = "setpts=N/24/TB,format=yuv420p"
    compared = f"[0:v]{counted}[a];[1:v]{counted}[b];[a][b]psnr=stats_file=-"
    said = run("ffmpeg", "-v", "error", "-i", one, "-i", other, "-lavfi", compared, "-f", "null", "-").decode()
    return median(float(found) for found in re.findall(r"psnr_y:(\S+)", said))
