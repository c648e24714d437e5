from pathlib import Path

import pytest
from PIL import Image, ImageFile

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media.video import grab
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailOutput, MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from tests.media import photo
from tests.media.film import film


def thumbnail(source: Path, **params: object) -> tuple[MediaThumbnailOutput, Path]:
    values = {
        "input_paths": [str(source)],
        "output_paths": [str(source.parent / "photo_thumbnail.jpg")],
        "input_names": ["photo.jpg"],
        **params,
    }
    output = MediaThumbnailTask().process(MediaThumbnailParams.model_validate(values), lambda percent: None)
    return output, source.parent / Path(output.thumbnail_path).name


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (256, 192)),
        ({"width": 400}, (400, 300)),
        ({"height": 300}, (400, 300)),
        ({"width": 400, "height": 30}, (40, 30)),
        ({"width": 8192, "height": 8192}, (1600, 1200)),
        ({"width": 100, "height": 200, "maintain_aspect_ratio": False}, (100, 200)),
        ({"width": 2000, "height": 10, "maintain_aspect_ratio": False}, (2000, 10)),
        ({"width": 400, "maintain_aspect_ratio": False}, (400, 300)),
        ({"width": 1}, (1, 1)),
    ],
)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_size(tmp_path: Path, params: dict[str, object], size: tuple[int, int], orientation: int) -> None:
    source = photo.write(tmp_path / "source.jpg", photo.photo(1600, 1200, orientation=orientation))
    output, target = thumbnail(source, **params)
    with Image.open(target) as made:
        assert made.size == size == (output.width, output.height)
        assert made.format == "JPEG"


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_thumbnail_is_upright_and_has_no_exif(tmp_path: Path, orientation: int, carrier: str) -> None:
    content = photo.encoded(photo.corners(1200, 800), carrier, orientation=orientation)
    _, target = thumbnail(photo.write(tmp_path / "source", content))
    with Image.open(target) as made:
        assert made.size == (256, 171)
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]
        assert not dict(made.getexif())


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_width_is_that_of_what_is_seen(tmp_path: Path, orientation: int, carrier: str) -> None:
    content = photo.encoded(photo.corners(120, 80), carrier, orientation=orientation)
    output, _ = thumbnail(photo.write(tmp_path / "source", content), width=60)
    assert (output.width, output.height) == (60, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode(tmp_path: Path, mode: str) -> None:
    carrier = "TIFF" if mode in {"CMYK", "F"} else "PNG"
    output, target = thumbnail(photo.write(tmp_path / "source", photo.encoded(photo.in_mode(mode), carrier)), width=60)
    with Image.open(target) as made:
        assert made.size == (60, 40)
        assert made.format == ("PNG" if mode in {"LA", "RGBA"} else "JPEG")
    assert output.media_type == "image"


def test_transparency_is_kept_as_png(tmp_path: Path) -> None:
    content = photo.encoded(photo.in_mode("RGBA"), "PNG")
    output, target = thumbnail(photo.write(tmp_path / "source", content), width=60)
    assert output.thumbnail_path == "output/photo_thumbnail.png"
    with Image.open(target) as made:
        pixel = made.getpixel((55, 35))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    picture = photo.in_mode("P")
    clear = picture.getpixel((110, 70))
    path = tmp_path / "source.gif"
    picture.save(path, "GIF", transparency=clear)
    output, target = thumbnail(path, width=60)
    assert output.thumbnail_path.endswith(".png")
    with Image.open(target) as made:
        assert made.mode == "RGBA"


def test_a_large_photo_is_decoded_at_a_fraction_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, int]] = []
    prepare = ImageFile.ImageFile.load_prepare

    def load_prepare(self: ImageFile.ImageFile) -> None:
        decoded.append(self.size)
        prepare(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", load_prepare)
    thumbnail(photo.write(tmp_path / "source.jpg", photo.photo(4000, 3000)))
    assert decoded == [(1000, 750)]


def test_a_thin_picture_keeps_at_least_one_pixel(tmp_path: Path) -> None:
    source = photo.write(tmp_path / "source.png", photo.encoded(Image.new("RGB", (4000, 2)), "PNG"))
    output, _ = thumbnail(source)
    assert (output.width, output.height) == (256, 1)


def test_exif_that_cannot_be_read_does_not_stop_the_job(tmp_path: Path) -> None:
    content = photo.photo(640, 480, orientation=6)
    broken = content.replace(b"Exif\0\0MM\0*", b"Exif\0\0XX\0*").replace(b"Exif\0\0II*\0", b"Exif\0\0XX*\0")
    assert broken != content
    output, _ = thumbnail(photo.write(tmp_path / "source.jpg", broken))
    # What cannot be read cannot turn the picture: it is as it is stored.
    assert (output.width, output.height) == (192, 256)


def test_a_text_is_refused(tmp_path: Path) -> None:
    source = photo.write(tmp_path / "source.jpg", "żółw".encode() * 2000)
    with pytest.raises(TaskError, match=r"^photo\.jpg is not an image that Pillow can read \(text/plain\)$"):
        thumbnail(source)


def test_bytes_are_named_as_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"\(application/octet-stream\)$"):
        thumbnail(photo.write(tmp_path / "source.jpg", b"\0\xff\x80" * 40))
    with pytest.raises(TaskError, match=r"\(application/pdf\)$"):
        thumbnail(photo.write(tmp_path / "source.jpg", b"%PDF-1.7\n" + b"\0" * 40))


@pytest.mark.parametrize(("format", "codec"), [("mp4", "mpeg4"), ("matroska", "libx264"), ("webm", "libvpx")])
def test_a_video_has_a_thumbnail(tmp_path: Path, format: str, codec: str) -> None:
    source = photo.write(tmp_path / "source", film(3, format=format, codec=codec))
    output, target = thumbnail(source, width=80)
    assert (output.media_type, output.width, output.height) == ("video", 80, 60)
    with Image.open(target) as made:
        assert (made.format, made.size) == ("JPEG", (80, 60))
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize(("turned", "size"), [(90, (120, 160)), (180, (160, 120)), (270, (120, 160))])
def test_the_thumbnail_of_a_film_from_a_telephone_is_upright(
    tmp_path: Path, turned: int, size: tuple[int, int]
) -> None:
    turn = {90: photo.TURNS[6], 180: photo.TURNS[3], 270: photo.TURNS[8]}[turned]
    assert turn is not None
    stored = photo.corners(*size).transpose(turn)
    output, target = thumbnail(photo.write(tmp_path / "source", film(1, stored.size, turned=turned, picture=stored)))
    assert (output.width, output.height) == size
    with Image.open(target) as made:
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]


def test_a_film_is_shown_after_its_beginning(tmp_path: Path) -> None:
    # A bar goes through the picture, a pixel for each of its ten frames a second.
    frame = grab(photo.write(tmp_path / "source", film(60)), "film.mp4").convert("L")
    row = frame.crop((0, 60, 160, 61)).tobytes()
    assert 30 < row.index(min(row)) < 70


def test_a_playlist_is_no_video_and_no_image(tmp_path: Path) -> None:
    secret = photo.write(tmp_path / "secret.mp4", film(1))
    source = photo.write(tmp_path / "source.m3u8", f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode())
    with pytest.raises(TaskError, match=r"^photo\.jpg is not an image that Pillow can read \(text/plain\)$"):
        thumbnail(source)


def test_a_damaged_video_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^photo\.jpg is not a video that FFmpeg can read \(video/mp4\)$"):
        thumbnail(photo.write(tmp_path / "source", film(1)[:200]))


def test_without_its_library_a_video_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_ml_tools.requirement.find_spec", lambda name: None)
    with pytest.raises(TaskError, match=r"^photo\.jpg is a video, which this server cannot read: pip install"):
        thumbnail(photo.write(tmp_path / "source", film(1)))
    with pytest.raises(TaskError, match=r"^photo\.jpg is not an image"):
        thumbnail(photo.write(tmp_path / "source", b"words"))
