"""The demo's check sees what is wrong with a picture."""

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from cl_client.cli.demo import sample_photo


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    with Image.open(sample_photo.write(tmp_path_factory.mktemp("photo") / "photo.jpg")) as photo:
        assert photo.size == sample_photo.SIZE[::-1]
        return ImageOps.exif_transpose(photo)


def saved(picture: Image.Image, path: Path, **options: object) -> str | None:
    picture.save(path, "PNG", **options)
    return sample_photo.fault_of(path, format="PNG", size=sample_photo.SIZE)


def test_the_scene_upright_has_no_fault(upright: Image.Image, tmp_path: Path):
    assert saved(upright, tmp_path / "a.png") is None


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM]
)
def test_a_turned_one_is_found(upright: Image.Image, tmp_path: Path, turn: Image.Transpose):
    fault = saved(upright.transpose(turn), tmp_path / "a.png")
    assert fault is not None
    assert "not upright" in fault


def test_another_size_format_or_orientation_is_found(upright: Image.Image, tmp_path: Path):
    assert "1500 × 2000" in str(saved(upright.resize((30, 40)), tmp_path / "a.png"))
    assert "should be WEBP" in str(sample_photo.fault_of(tmp_path / "a.png", format="WEBP", size=(30, 40)))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert "EXIF orientation" in str(saved(upright, tmp_path / "b.png", exif=exif))


def test_what_is_no_picture_is_found(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    assert "is not a picture" in str(sample_photo.fault_of(tmp_path / "a.png", format="PNG", size=(1, 1)))
