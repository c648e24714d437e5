import contextlib
import zlib
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from cl_ml_tools import picture as pictures
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.picture import TARGETS
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from tests.media import photo

FORMATS = sorted(TARGETS)
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"]
# A file format that holds the mode as it is.
CARRIERS = {"CMYK": "TIFF", "YCbCr": "JPEG", "F": "TIFF", "I": "TIFF"}


def convert(
    source: Path, format: str, quality: int = 85, name: str = "photo.jpg"
) -> tuple[ImageConversionOutput, Path]:
    target = source.parent / f"converted.{format}"
    params = ImageConversionParams.model_validate(
        {
            "format": format,
            "quality": quality,
            "input_paths": [str(source)],
            "output_paths": [str(target)],
            "input_names": [name],
        }
    )
    return ImageConversionTask().process(params, lambda percent: None), target


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_converts_to_every_format(tmp_path: Path, mode: str, format: str) -> None:
    content = photo.encoded(photo.in_mode(mode), CARRIERS.get(mode, "PNG"))
    output, target = convert(photo.write(tmp_path / "source", content), format)
    with Image.open(target) as converted:
        assert converted.format == TARGETS[format].pillow
        assert converted.size == (120, 80) == (output.width, output.height)
    assert output.size == target.stat().st_size
    assert output.output_path == f"output/converted.{format}"
    assert {path.name for path in tmp_path.iterdir()} == {"source", target.name}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_colours_stay_where_they_are(tmp_path: Path, source: str, format: str) -> None:
    _, target = convert(photo.write(tmp_path / "source", photo.encoded(photo.corners(), source)), format, 95)
    with Image.open(target) as converted:
        assert photo.corner_colours(converted) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_taken_out(tmp_path: Path, orientation: int, carrier: str) -> None:
    content = photo.encoded(photo.corners(), carrier, orientation=orientation)
    output, target = convert(photo.write(tmp_path / "source", content), "webp", 95)
    assert (output.width, output.height) == (120, 80)
    with Image.open(target) as converted:
        assert photo.corner_colours(converted) == ["red", "lime", "blue", "white"]
        assert converted.getexif().get(photo.ORIENTATION, 1) == 1


def test_the_rest_of_the_exif_is_kept(tmp_path: Path) -> None:
    content = photo.encoded(photo.corners(), "JPEG", orientation=6)
    _, target = convert(photo.write(tmp_path / "source", content), "png")
    with Image.open(target) as converted:
        assert converted.getexif()[photo.MAKE] == "cl-client"


@pytest.mark.parametrize("format", ["jpg", "bmp"])
def test_transparency_is_flattened_on_white_where_a_format_has_none(tmp_path: Path, format: str) -> None:
    content = photo.encoded(photo.in_mode("RGBA"), "PNG")
    _, target = convert(photo.write(tmp_path / "source", content), format, 95)
    with Image.open(target) as converted:
        assert photo.corner_colours(converted) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize("format", ["png", "webp", "gif", "tiff"])
def test_transparency_is_kept_where_a_format_has_it(tmp_path: Path, format: str) -> None:
    content = photo.encoded(photo.in_mode("RGBA"), "PNG")
    _, target = convert(photo.write(tmp_path / "source", content), format)
    with Image.open(target) as converted:
        assert converted.convert("RGBA").getpixel((110, 70))[3] == 0  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    content = photo.encoded(photo.in_mode("I;16"), "PNG")
    _, target = convert(photo.write(tmp_path / "source", content), "jpg")
    with Image.open(target) as converted:
        bright, dark = converted.getpixel((10, 10)), converted.getpixel((110, 10))
    assert isinstance(bright, (int, float))
    assert abs(bright - 60_000 / 257) < 4
    assert dark == 0


def test_a_lower_quality_is_a_smaller_file(tmp_path: Path) -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    source = photo.write(tmp_path / "source.png", photo.encoded(noise, "PNG"))
    assert convert(source, "jpg", 10)[0].size < convert(source, "jpg", 95)[0].size / 2


def test_a_text_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = photo.write(tmp_path / "source.txt", b"words")
    with pytest.raises(TaskError, match=r"^photo\.txt is not an image that Pillow can read \(text/plain\)$"):
        convert(source, "png", name="photo.txt")
    assert list(tmp_path.iterdir()) == [source]


def test_a_truncated_image_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = photo.write(tmp_path / "source.jpg", photo.photo()[:3000])
    with pytest.raises(TaskError, match=r"^photo\.jpg is damaged: image file is truncated"):
        convert(source, "png")
    assert list(tmp_path.iterdir()) == [source]


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1_000_000)
    source = photo.write(tmp_path / "source.jpg", photo.photo(1600, 1200))
    with pytest.raises(TaskError, match=r"^photo\.jpg is too large: more than 1 million pixels$"):
        convert(source, "png")


@pytest.mark.parametrize(("side", "taken"), [(15_999, True), (16_001, False)])
def test_the_limit_is_the_one_that_is_told(tmp_path: Path, side: int, taken: bool) -> None:
    # The size is in the header: nothing is decoded to know it.
    header = photo.encoded(Image.new("1", (8, 8)), "PNG").replace((8).to_bytes(4) * 2, side.to_bytes(4) * 2, 1)
    start = header.index(b"IHDR")
    header = header[: start + 17] + zlib.crc32(header[start : start + 17]).to_bytes(4) + header[start + 21 :]
    source = photo.write(tmp_path / "source.png", header)
    with contextlib.nullcontext() if taken else pytest.raises(TaskError, match=r"more than 256 million pixels$"):
        with pictures.open_picture(source, "photo.png") as opened:
            assert opened.size == (side, side)


def test_a_side_that_the_format_cannot_hold_is_one_clear_line(tmp_path: Path) -> None:
    source = photo.write(tmp_path / "source.png", photo.encoded(Image.new("RGB", (17_000, 1)), "PNG"))
    with pytest.raises(TaskError, match=r"^photo\.jpg cannot be written as webp: "):
        convert(source, "webp")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(("field", "value"), [("quality", 0), ("quality", 101), ("format", "doc"), ("surprise", 1)])
def test_parameters_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        ImageConversionParams.model_validate({"format": "png", field: value})
