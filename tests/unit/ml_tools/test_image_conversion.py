import contextlib
import struct
import zlib
from pathlib import Path

import numpy
import pytest
from PIL import Image
from pydantic import ValidationError

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import limits
from cl_ml_tools.media import picture as pictures
from cl_ml_tools.media.frames import wide_pages
from cl_ml_tools.media.targets import TARGETS
from cl_ml_tools.media.wide import whole
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from tests.media import photo
from tests.media.tiff import tiff

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


def moving(folder: Path, format: str, *, alpha: bool = False, loop: int | None = 0) -> Path:
    """Three frames, red, green and blue, of 100, 200 and 300 ms; with `alpha`, clear but for a square."""
    frames: list[Image.Image] = []
    for colour in ("red", "lime", "blue"):
        frame = Image.new("RGBA", (40, 30), (0, 0, 0, 0) if alpha else colour)
        frame.paste(colour, (len(frames) * 10, 0, len(frames) * 10 + 10, 10))
        frames.append(frame)
    path = folder / "source"
    options = {} if loop is None else {"loop": loop}
    if format == "WEBP":
        options |= {"lossless": True, "kmax": 1}
    if format == "GIF":
        options["disposal"] = 2
    frames[0].save(path, format, save_all=True, append_images=frames[1:], duration=[100, 200, 300], **options)
    return path


def frames_of(path: Path) -> list[tuple[str, int]]:
    """The colour and the duration of every frame."""
    seen: list[tuple[str, int]] = []
    with Image.open(path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            picture.load()
            pixel = picture.convert("RGB").getpixel((number * 10 + 4, 4))
            assert isinstance(pixel, tuple)
            colour = tuple(value > 127 for value in pixel)
            names = {(True, False, False): "red", (False, True, False): "lime", (False, False, True): "blue"}
            seen.append((names[colour], int(picture.info.get("duration", 0))))
    return seen


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("target", ["gif", "webp"])
@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG"])
def test_an_animation_stays_one(tmp_path: Path, source: str, target: str, alpha: bool) -> None:
    output, path = convert(moving(tmp_path, source, alpha=alpha), target, 95)
    assert frames_of(path) == [("red", 100), ("lime", 200), ("blue", 300)]
    assert (output.frames, output.width, output.height) == (3, 40, 30)
    with Image.open(path) as made:
        made.seek(2)
        clear = made.convert("RGBA").getpixel((4, 4))
    # What the first frame had there is gone in the last.
    assert isinstance(clear, tuple)
    assert clear[3] == (0 if alpha else 255)


@pytest.mark.parametrize("target", ["png", "jpg", "bmp", "tiff"])
@pytest.mark.parametrize("source", ["GIF", "WEBP"])
def test_where_a_format_cannot_move_the_first_frame_is_taken(tmp_path: Path, source: str, target: str) -> None:
    output, path = convert(moving(tmp_path, source), target, 95)
    assert output.frames == 1
    with Image.open(path) as made:
        assert getattr(made, "n_frames", 1) == 1
        assert [name for name, _ in frames_of(path)] == ["red"]


def test_pages_of_grey_and_alpha_of_16_bits_are_that(tmp_path: Path) -> None:
    pixels = numpy.zeros((8, 8, 2), dtype=numpy.uint16)
    pixels[:, :, 0], pixels[:, :, 1] = 0x80FF, 0xFFFE
    one = tiff(pixels, {338: (3, [2])})
    # The same directory again, after it.
    (first,) = struct.unpack_from("<I", one, 4)
    (entries,) = struct.unpack_from("<H", one, first)
    at = first + 2 + 12 * entries
    source = photo.write(
        tmp_path / "source",
        one[:at] + struct.pack("<I", len(one)) + one[at + 4 :] + one[first:at] + bytes(4),
    )
    for format, pages in (("png", 1), ("tiff", 2)):
        output, target = convert(source, format)
        assert (output.pages, output.pages_written) == (2, pages)
        with pictures.open_picture(target, "made") as made:
            written = wide_pages(made, target, "made") if pages > 1 else [whole(made, target, "made")]
            assert written is not None
            for page in written:
                assert page is not None
                assert [half.getpixel((4, 4)) for half in page] == [(0x80, 0xFF), (0xFF, 0xFE)]


def test_a_tiff_that_cannot_be_read_is_refused_with_what_it_has(tmp_path: Path) -> None:
    content = tiff(numpy.zeros((8, 8, 3), dtype="<f4"))
    said = "grey with 3 × 32 bits floating point"
    with pytest.raises(TaskError, match=rf"^photo\.tif is a TIFF of {said}, which cannot be read: save it as a PNG"):
        convert(photo.write(tmp_path / "source", content), "png", name="photo.tif")


def hard_edges(colours: int, *, grey: bool = False) -> Image.Image:
    """Each pixel another of so many colours."""
    picture = Image.frombytes("P", (96, 64), bytes(pixel * 7919 % 65_521 % colours for pixel in range(96 * 64)))
    steps = [step * 255 // colours for step in range(colours)]
    picture.putpalette([value for step in steps for value in ((step,) * 3 if grey else (step, 255 - step, step // 2))])
    return picture


@pytest.mark.parametrize("format", ["gif", "webp"])
@pytest.mark.parametrize("colours", [2, 256])
def test_a_picture_of_few_colours_keeps_exactly_those(tmp_path: Path, colours: int, format: str) -> None:
    source = photo.write(tmp_path / "source", photo.encoded(hard_edges(colours).convert("RGB"), "PNG"))
    _, target = convert(source, format)
    with Image.open(target) as made:
        assert made.convert("RGB").tobytes() == hard_edges(colours).convert("RGB").tobytes()


@pytest.mark.parametrize(("grey", "quality"), [(True, 85), (False, 84)])
def test_a_webp_of_many_greys_or_of_low_quality_is_lossy(tmp_path: Path, grey: bool, quality: int) -> None:
    source = photo.write(tmp_path / "source", photo.encoded(hard_edges(256, grey=grey), "PNG"))
    _, target = convert(source, "webp", quality)
    assert b"VP8 " in target.read_bytes()[:40]


@pytest.mark.parametrize("target", ["gif", "webp"])
def test_a_frame_that_is_found_damaged_while_others_are_written_is_damage(tmp_path: Path, target: str) -> None:
    source = moving(tmp_path, "PNG")
    content = source.read_bytes()
    # The last byte of the checksum of the last frame's data, within its zlib stream.
    at = content.rindex(b"IEND") - 4 - 4 - 1
    source.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
    with pytest.raises(TaskError, match="is damaged"):
        convert(source, target)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize(("loop", "played"), [(None, 1), (0, 0), (3, 4)])
def test_an_animation_is_played_as_often_as_before(tmp_path: Path, loop: int | None, played: int) -> None:
    _, webp = convert(moving(tmp_path, "GIF", loop=loop), "webp")
    with Image.open(webp) as made:
        assert made.info["loop"] == played
    _, gif = convert(webp, "gif")
    with Image.open(gif) as made:
        assert made.info.get("loop") == loop


def test_pages_are_no_animation(tmp_path: Path) -> None:
    path = tmp_path / "source"
    Image.new("RGB", (8, 8), "red").save(path, "TIFF", save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")])
    assert convert(path, "gif")[0].frames == 1


def test_an_animation_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = moving(tmp_path, "GIF")
    monkeypatch.setattr(limits, "MAX_PIXELS", 3000)
    with pytest.raises(TaskError, match=r"^photo\.jpg is too large: its 3 frames have more than"):
        convert(source, "webp")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_an_animation_that_ends_early_is_refused_and_leaves_nothing(tmp_path: Path, format: str) -> None:
    source = moving(tmp_path, format)
    photo.write(source, source.read_bytes()[:-60])
    with pytest.raises(TaskError, match=r"^photo\.jpg is (damaged|not an image)"):
        convert(source, "webp")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_sixteen_bits_are_kept_where_a_format_has_them(tmp_path: Path, format: str) -> None:
    _, target = convert(photo.write(tmp_path / "source.png", photo.encoded(photo.in_mode("I;16"), "PNG")), format)
    with Image.open(target) as made:
        assert made.mode == "I;16"
        assert made.getpixel((10, 10)) == 60_000


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
    monkeypatch.setattr(limits, "MAX_PIXELS", 1_000_000)
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


@pytest.mark.parametrize(("format", "longest"), [("jpg", 65_500), ("webp", 16_383), ("gif", 65_535)])
def test_a_picture_that_is_too_long_for_a_format_is_refused_with_the_limit(
    tmp_path: Path, format: str, longest: int
) -> None:
    for long, fits in ((longest, True), (longest + 1, False)):
        source = tmp_path / f"{long}.png"
        Image.new("L", (long, 2), 60).save(source)
        target = tmp_path / f"{long}.{format}"
        params = {
            "format": format, "input_paths": [str(source)], "output_paths": [str(target)], "input_names": ["long.png"]
        }  # fmt: skip
        if fits:
            ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None)
            continue
        said = f"it is {long} × 2 pixels, and a side has at most {longest} there"
        with pytest.raises(TaskError, match=f"^long.png cannot be written as {format}: {said}$"):
            ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None)
        assert not target.exists()
