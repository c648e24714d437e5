"""Files as odd writers make them: AVIF, HEIC, raw pictures, and those whose end is missing."""

import contextlib
import io
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import avif, intake
from cl_ml_tools.media.appearance import seen, upright
from cl_ml_tools.media.iso_boxes import boxes
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.plugins.exif.schema import ExifParams
from cl_ml_tools.plugins.exif.task import ExifTask
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailOutput, MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from tests.media import photo
from tests.media.camera import camera
from tests.media.heic import collection


def thumbnail(source: Path) -> MediaThumbnailOutput:
    params = {"input_paths": [str(source)], "output_paths": [str(source.parent / "small.jpg")], "input_names": ["a"]}
    return MediaThumbnailTask().process(MediaThumbnailParams.model_validate(params), lambda _: None)


def convert(source: Path, format: str) -> ImageConversionOutput:
    target = source.parent / f"made.{format}"
    params = {
        "format": format, "input_paths": [str(source)], "output_paths": [str(target)], "input_names": ["a"],
    }  # fmt: skip
    return ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None)


def avif_of_an_early_encoder(picture: Image.Image) -> bytes:
    """An AVIF with its properties in a box for each item (cavif and avifenc of 2020)."""
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=90)
    content = buffer.getvalue()
    place = content.index(b"ipma")
    size, version_and_flags, count = struct.unpack_from(">I4xII", content, place - 4)
    assert (version_and_flags, count) == (0, 2)
    entries, at = [], place + 12
    for _ in range(2):
        length = 3 + content[at + 2]
        entries.append(content[at : at + length])
        at += length
    lists = b"".join(
        struct.pack(">I", 16 + len(entry)) + b"ipma" + bytes(4) + struct.pack(">I", 1) + entry for entry in entries
    )
    grown = len(lists) - size
    made = bytearray(content[: place - 4] + lists + content[place - 4 + size :])
    for kind in (b"iprp", b"meta"):
        start = made.index(kind) - 4
        struct.pack_into(">I", made, start, struct.unpack_from(">I", made, start)[0] + grown)
    # Offsets of the data are counted from the beginning of the file.
    start = made.index(b"iloc") + 4
    width = made[start + 4] >> 4
    assert (made[start], width) == (0, 4)
    item = start + 8
    for _ in range(struct.unpack_from(">H", made, start + 6)[0]):
        (offset,) = struct.unpack_from(">I", made, item + 6)
        struct.pack_into(">I", made, item + 6, offset + grown)
        item += 14
    return bytes(made)


def test_an_avif_of_an_early_encoder_is_read_with_its_alpha(tmp_path: Path) -> None:
    content = avif_of_an_early_encoder(photo.in_mode("RGBA"))
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(content))
    path = photo.write(tmp_path / "a.avif", content)
    with open_picture(path, "a.avif") as picture:
        layer = picture.convert("RGBA")
        assert photo.corner_colours(layer.crop((0, 0, 120, 80)))[0] == "red"
        assert layer.getchannel("A").getpixel((110, 70)) == 0
        assert layer.getchannel("A").getpixel((10, 10)) == 255


def test_an_avif_that_libavif_reads_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    photo.in_mode("RGBA").save(path, "AVIF")
    assert avif.mended(path) is None


@pytest.mark.parametrize("cut", range(20, 400, 12))
def test_whatever_is_wrong_with_an_avif_a_task_error_is_the_worst(cut: int, tmp_path: Path) -> None:
    content = bytearray(avif_of_an_early_encoder(photo.in_mode("RGBA")))
    content[cut : cut + 4] = b"\xff\xff\xff\xff"
    path = photo.write(tmp_path / "a.avif", bytes(content))
    with contextlib.suppress(TaskError), open_picture(path, "a.avif") as picture:
        picture.load()


def with_clean_aperture(picture: Image.Image, size: tuple[int, int]) -> bytes:
    """An AVIF of which only the middle is to be shown."""
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=90)
    content = buffer.getvalue()
    clap = struct.pack(">I4s8I", 40, b"clap", size[0], 1, size[1], 1, 0, 1, 0, 1)
    file = io.BytesIO(content)
    _, start, stop = next(box for box in boxes(file, 0, len(content)) if box[0] == b"meta")
    ipco = content.index(b"ipco") - 4
    (length,) = struct.unpack_from(">I", content, ipco)
    properties = len([*boxes(file, ipco + 8, ipco + length)])
    ipma = content.index(b"ipma") - 4
    entry = ipma + 16
    made = bytearray(content)
    made[entry + 2] += 1
    made[entry + 3 : entry + 3] = bytes([0x80 | properties + 1])
    struct.pack_into(">I", made, ipma, struct.unpack_from(">I", made, ipma)[0] + 1)
    made[ipco + length : ipco + length] = clap
    struct.pack_into(">I", made, ipco, length + 40)
    for kind in (b"iprp", b"meta"):
        at = made.index(kind) - 4
        struct.pack_into(">I", made, at, struct.unpack_from(">I", made, at)[0] + 41)
    at = made.index(b"iloc") + 4 + 8 + 6
    struct.pack_into(">I", made, at, struct.unpack_from(">I", made, at)[0] + 41)
    assert start < stop
    return bytes(made)


def test_the_part_of_an_avif_that_is_to_be_shown_is_what_is_seen(tmp_path: Path) -> None:
    path = photo.write(tmp_path / "a.avif", with_clean_aperture(photo.corners(120, 80), (60, 40)))
    with open_picture(path, "a.avif") as picture:
        assert picture.size == (60, 40)
        assert photo.corner_colours(seen(upright(picture))) == ["red", "lime", "blue", "white"]


def raw_picture(preview: tuple[int, int], orientation: int = 1) -> bytes:
    """A DNG: a small picture first, a raw one of 64 × 48 and a JPEG preview within."""
    jpeg = photo.encoded(photo.corners(*preview))
    small, sensor = bytes(16 * 12 * 3), bytes(64 * 48 * 2)
    start = 8
    places = [start, start + len(small), start + len(small) + len(sensor)]
    end = places[2] + len(jpeg) + len(jpeg) % 2
    first = {254: 1, 256: 16, 257: 12, 262: 2, 273: places[0], 274: orientation, 277: 3, 278: 12, 279: len(small)}
    raw = {254: 0, 256: 64, 257: 48, 259: 1, 262: 32803, 273: places[1], 277: 1, 278: 48, 279: len(sensor)}
    shown = {254: 1, 256: preview[0], 257: preview[1], 259: 7, 262: 6, 273: places[2], 277: 3, 279: len(jpeg)}
    sizes = [2 + 12 * (len(first) + 3) + 4, 2 + 12 * len(raw) + 4, 2 + 12 * len(shown) + 4]
    at = [end, end + sizes[0], end + sizes[0] + sizes[1]]
    extra = at[2] + sizes[2]

    def entries(tags: dict[int, int]) -> dict[int, bytes]:
        return {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()}

    def directory(tags: dict[int, bytes]) -> bytes:
        return struct.pack("<H", len(tags)) + b"".join(tags[tag] for tag in sorted(tags)) + bytes(4)

    main = entries(first) | {
        258: struct.pack("<HHIHH", 258, 3, 1, 8, 0),
        330: struct.pack("<HHII", 330, 4, 2, extra),
        50706: struct.pack("<HHI4B", 50706, 1, 4, 1, 4, 0, 0),
    }
    main[258] = struct.pack("<HHII", 258, 3, 3, extra + 8)
    body = small + sensor + jpeg + bytes(len(jpeg) % 2)
    directories = directory(main) + directory(entries(raw)) + directory(entries(shown))
    tail = struct.pack("<II", at[1], at[2]) + struct.pack("<HHH", 8, 8, 8)
    return b"II*\0" + struct.pack("<I", end) + body + directories + tail


def test_a_raw_picture_is_its_full_preview_and_the_output_says_so(tmp_path: Path) -> None:
    path = photo.write(tmp_path / "a.dng", raw_picture((64, 48)))
    output = convert(path, "png")
    assert (output.width, output.height, output.preview) == (64, 48, True)
    with Image.open(tmp_path / "made.png") as made:
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]
    assert thumbnail(path).preview
    exif = ExifTask().process(ExifParams(input_paths=[str(path)]), lambda _: None)
    assert (exif.width, exif.height) == (64, 48)


def test_a_raw_picture_is_turned_as_its_file_says(tmp_path: Path) -> None:
    output = convert(photo.write(tmp_path / "a.dng", raw_picture((64, 48), orientation=6)), "png")
    assert (output.width, output.height) == (48, 64)


def test_a_raw_picture_without_a_full_preview_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = photo.write(tmp_path / "a.dng", raw_picture((32, 24)))
    with pytest.raises(TaskError, match=r"^a is a raw picture of 64 × 48 pixels, of which it has a preview of 32 × 24"):
        convert(path, "jpg")
    # For something small it is enough, and that is said.
    assert (thumbnail(path).width, thumbnail(path).preview) == (32, True)


def test_an_ordinary_picture_is_no_preview(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    photo.corners().save(path, "TIFF")
    assert not convert(path, "png").preview
    assert not thumbnail(path).preview


def test_a_heic_of_several_pictures_shows_the_primary_one_and_becomes_a_tiff_of_all(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (64, height), colour) for height, colour in ((32, "red"), (48, "blue"), (64, "lime"))]
    path = photo.write(tmp_path / "a.heic", collection(pictures, primary=1))
    one = convert(path, "png")
    assert (one.pages, one.pages_written, one.height, thumbnail(path).height) == (3, 1, 48, 48)
    assert one.notes == ["the primary one of 3 pictures"]
    all_of_them = convert(path, "tiff")
    assert (all_of_them.pages_written, all_of_them.notes) == (3, [])
    with Image.open(tmp_path / "made.tiff") as made:
        assert [page.height for page in ImageSequence.Iterator(made)] == [48, 32, 64]


@pytest.mark.parametrize("carrier", ["JPEG", "PNG"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_the_tags_of_a_picture_whose_end_is_missing_are_read(carrier: str, part: float, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(buffer, carrier, exif=camera().tobytes())
    content = buffer.getvalue()[: int(len(buffer.getvalue()) * part)]
    with pytest.raises(intake.CutOffError):
        intake.picture(io.BytesIO(content), "a")
    intake.picture_with_tags(io.BytesIO(content), "a")
    path = photo.write(tmp_path / "a", content)
    output = ExifTask().process(ExifParams(input_paths=[str(path)]), lambda _: None)
    assert (output.make, output.f_number, output.width) == ("Acme", 2.8, 200)


def test_a_picture_whose_tags_come_last_is_refused_when_its_end_is_missing() -> None:
    buffer = io.BytesIO()
    photo.corners().save(buffer, "WEBP", exif=camera().tobytes())
    with pytest.raises(intake.CutOffError):
        intake.picture_with_tags(io.BytesIO(buffer.getvalue()[:-20]), "a")
