"""Animations and pages, frame by frame beside what FFmpeg and ImageMagick show."""

from pathlib import Path

import numpy
import pytest
from PIL import Image

from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from tests.media.tiff import tiff
from tests.oracles import movies
from tests.oracles.kinds import colours, sixteen
from tests.oracles.programs import Pixels, frames, magick, on_white

pytestmark = pytest.mark.oracle

# Both hold the few colours of these exactly.
BOUNDS = {"gif": 1 / 255, "webp": 1 / 255}


def convert(source: Path, format: str) -> tuple[ImageConversionOutput, Path]:
    target = source.with_name(f"made.{format}")
    params = {"format": format, "quality": 100, "input_paths": [str(source)], "output_paths": [str(target)]}
    return ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None), target


def coalesced(path: Path) -> list[Pixels]:
    """Every frame as ImageMagick shows it."""
    content = magick(path, "-coalesce", "-depth", "8", "RGBA:-")
    width, height = movies.SIZE
    return [*(numpy.frombuffer(content, numpy.uint8).reshape(-1, height, width, 4) / 255)]


def of_webp(path: Path, count: int) -> list[Pixels]:
    """Every frame of a WebP, by libwebp: FFmpeg reads none that move."""
    found: list[Pixels] = []
    with Image.open(path) as picture:
        for number in range(count):
            picture.seek(number)
            found.append(numpy.asarray(picture.convert("RGBA")) / 255)
    return found


def same(made: list[Pixels], expected: list[Pixels], bound: float) -> None:
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        assert numpy.abs(on_white(one) - on_white(other)).mean() <= bound
        assert numpy.abs(one[:, :, 3] - other[:, :, 3]).mean() <= (0.3 if bound < 2 / 255 else 2 / 255)


@pytest.mark.parametrize("format", ["gif", "webp"])
@pytest.mark.parametrize("kind", movies.APNGS)
def test_every_frame_of_an_animated_png_is_the_one_that_ffmpeg_shows(kind: str, format: str, tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    source.write_bytes(movies.APNGS[kind])
    output, target = convert(source, format)
    expected = frames(source, movies.SIZE)
    made = coalesced(target) if format == "gif" else of_webp(target, output.frames)
    assert output.frames == len(expected)
    same(made, expected, BOUNDS[format])


@pytest.mark.parametrize("format", ["gif", "webp"])
@pytest.mark.parametrize("kind", movies.GIFS)
def test_every_frame_of_a_gif_is_the_one_that_imagemagick_shows(kind: str, format: str, tmp_path: Path) -> None:
    disposal, clear = movies.GIFS[kind]
    source = tmp_path / "source.gif"
    source.write_bytes(movies.gif(disposal, clear=clear))
    output, target = convert(source, format)
    made = coalesced(target) if format == "gif" else of_webp(target, output.frames)
    same(made, coalesced(source), BOUNDS[format])


def test_frames_that_are_the_same_are_counted_as_they_are_written(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    still = numpy.full((movies.SIZE[1], movies.SIZE[0]), 90)
    source.write_bytes(movies.apng([movies.PngFrame(still) for _ in range(3)], colour=0))
    output, target = convert(source, "gif")
    assert output.frames == len(magick(target, "-format", "%s\n", "info:").split()) == 1


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "CMYK", "I;16"])
def test_every_page_of_a_tiff_is_kept_in_a_tiff(mode: str, tmp_path: Path) -> None:
    source = tmp_path / "source.tif"
    pages = [Image.new("I;16" if mode == "I;16" else mode, (40 + 8 * number, 30)) for number in range(3)]
    for number, page in enumerate(pages):
        page.paste(
            1 if mode == "1" else 100 if len(page.getbands()) == 1 else (100,) * len(page.getbands()),
            (number, 0, 20, 20),
        )
    pages[0].save(source, "TIFF", save_all=True, append_images=pages[1:])
    output, target = convert(source, "tiff")
    assert (output.pages, output.pages_written, output.frames, output.notes) == (3, 3, 1, [])
    sizes = magick(target, "-format", "%wx%h ", "info:").decode().split()
    assert sizes == ["40x30", "48x30", "56x30"]
    for number in range(3):
        before, after = (magick(f"{path}[{number}]", "-depth", "16", "RGB:-") for path in (source, target))
        assert before == after


def test_the_first_of_several_pages_is_said_to_be_that(tmp_path: Path) -> None:
    source = tmp_path / "source.tif"
    Image.new("L", (8, 8)).save(source, "TIFF", save_all=True, append_images=[Image.new("L", (8, 8), 255)])
    output, _ = convert(source, "png")
    assert (output.pages, output.pages_written, output.notes) == (2, 1, ["page 1 of 2: png holds one"])


@pytest.mark.parametrize("compression", ["none", "zip"])
def test_pages_of_16_bits_of_each_colour_keep_all_of_them(compression: str, tmp_path: Path) -> None:
    for name, pixels in (("one", colours()), ("two", colours()[8:, 8:])):
        (tmp_path / name).write_bytes(tiff(sixteen(pixels), photometric=2))
    source = tmp_path / "source.tif"
    magick(tmp_path / "one", tmp_path / "two", "-compress", compression, source)
    output, target = convert(source, "tiff")
    assert (output.pages, output.pages_written) == (2, 2)
    assert magick(target, "-depth", "16", "RGB:-") == magick(source, "-depth", "16", "RGB:-")
