"""Runs the programs that know better. Without one, its tests are skipped by its name; with `CI` set they fail."""

import atexit
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageCms

from tests.conftest import absent

Pixels = NDArray[numpy.float64]
# Debian calls ImageMagick 6 so; `convert` may be another program.
MAGICK = ("convert-im6.q16", "magick", "convert")


class ExifTool:
    """One exiftool for all that is asked: Perl takes longer to start than to answer (exiftool(1), `-stay_open`)."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [program, "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self.close)

    def run(self, *arguments: str) -> bytes:
        """What it writes to its standard output."""
        assert self._process.stdin
        assert self._process.stdout
        # Each has its line, and with -q nobody hears that it is done.
        assert not any("\n" in argument or argument == "-q" for argument in arguments)
        asked = "\n".join((*arguments, "-echo3", "status ${status}", "-execute\n"))
        self._process.stdin.write(asked.encode())
        self._process.stdin.flush()
        written = b""
        while (line := self._process.stdout.readline()) != b"{ready}\n":
            assert line, "exiftool has ended"
            written += line
        said, _, status = written.rpartition(b"status ")
        assert status == b"0\n", said.decode(errors="replace")[-500:]
        return said

    def close(self) -> None:
        """End it."""
        self._process.communicate(b"-stay_open\nFalse\n")


@cache
def _exiftool(program: str) -> ExifTool:
    return ExifTool(program)


def run(*command: str | Path, errors: bool = False) -> bytes:
    """What a program writes, or with `errors` what it writes to its standard error."""
    found = shutil.which(str(command[0]))
    if found is None:
        absent(str(command[0]))
    if command[0] == "exiftool":
        return _exiftool(found).run(*map(str, command[1:]))
    done = subprocess.run([found, *map(str, command[1:])], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-500:]
    return done.stderr if errors else done.stdout


def magick(*arguments: str | Path) -> bytes:
    """What ImageMagick writes."""
    program = next((name for name in MAGICK if shutil.which(name)), MAGICK[0])
    return run(program, *arguments)


def srgb(folder: Path) -> Path:
    """The profile of sRGB as a file."""
    path = folder / "srgb.icc"
    if not path.exists():
        path.write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return path


def seen(path: Path, *, frame: int | None = 0, profile: bool = False) -> Pixels:
    """A picture as ImageMagick shows it: height × width × red, green, blue, alpha, 0 to 1, in sRGB."""
    made = path.with_name(f"{path.name}.seen.png")
    source = str(path) if frame is None else f"{path}[{frame}]"
    colours = ["-profile", srgb(path.parent)] if profile else []
    magick(source, *colours, "-colorspace", "sRGB", "-depth", "16", f"PNG64:{made}")
    content = magick(made, "-depth", "16", "-endian", "LSB", "RGBA:-")
    with Image.open(made) as picture:
        width, height = picture.size
    return numpy.frombuffer(content, "<u2").reshape(height, width, 4) / 65_535


def on_white(pixels: Pixels) -> Pixels:
    """Red, green and blue of pixels on white."""
    alpha = pixels[:, :, 3:]
    return pixels[:, :, :3] * alpha + (1 - alpha)


def exiftool(path: Path, *, numbers: bool = True) -> dict[str, object]:
    """Every tag with its group (`XMP-dc:Creator`); numbers as numbers."""
    options = ["-n"] if numbers else []
    found: list[dict[str, object]] = json.loads(run("exiftool", *options, "-G1", "-s", "-j", "-a", path))
    return found[0]


def frames(path: Path, size: tuple[int, int]) -> list[Pixels]:
    """Every frame as FFmpeg shows it: height × width × red, green, blue, alpha, 0 to 1."""
    content = run("ffmpeg", "-v", "error", "-i", path, "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgba", "-")
    width, height = size
    return [*(numpy.frombuffer(content, numpy.uint8).reshape(-1, height, width, 4) / 255)]
