import hashlib
from pathlib import Path

import imagehash
import pytest
from PIL import Image

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media.limits import NotAPictureError, TooManyPixelsError
from cl_ml_tools.plugins.hash.schema import HashOutput, HashParams
from cl_ml_tools.plugins.hash.task import PIECE, HashTask
from tests.media import photo

TEXT = b"no picture, only words\n"


def run(path: Path, algorithm: str = "all", name: str = "photo.jpg") -> HashOutput:
    params = HashParams.model_validate(
        {"algorithm": algorithm, "input_paths": [str(path)], "input_names": [name]},
    )
    return HashTask().process(params, lambda percent: None)


def test_all_fingerprints_of_a_photo(tmp_path: Path) -> None:
    content = photo.photo()
    path = photo.write(tmp_path / "source.jpg", content)
    output = run(path)
    with Image.open(path) as picture:
        assert output.phash == str(imagehash.phash(picture))
        assert output.dhash == str(imagehash.dhash(picture))
    assert output.sha256 == hashlib.sha256(content).hexdigest()
    assert output.md5 == hashlib.md5(content).hexdigest()


@pytest.mark.parametrize("algorithm", ["phash", "dhash", "sha256", "md5"])
def test_one_algorithm_gives_that_one_alone(tmp_path: Path, algorithm: str) -> None:
    path = photo.write(tmp_path / "source.jpg", photo.photo(64, 48))
    given = {name for name, value in run(path, algorithm).model_dump().items() if value is not None}
    assert given - {"hash_version"} == {algorithm}


def test_all_of_a_text_leaves_the_perceptual_ones_out(tmp_path: Path) -> None:
    output = run(photo.write(tmp_path / "source.txt", TEXT))
    assert (output.phash, output.dhash) == (None, None)
    assert output.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_a_perceptual_hash_of_a_text_fails_by_its_name(tmp_path: Path) -> None:
    path = photo.write(tmp_path / "source.txt", TEXT)
    with pytest.raises(NotAPictureError) as failure:
        run(path, "phash", "photo.txt")
    assert str(failure.value) == "photo.txt is not an image that Pillow can read (text/plain)"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_perceptual_hash_does_not_depend_on_the_exif_orientation(tmp_path: Path, orientation: int) -> None:
    upright = run(photo.write(tmp_path / "upright.png", photo.encoded(photo.corners(), "PNG")), "dhash")
    turned = photo.encoded(photo.corners(), "PNG", orientation=orientation)
    assert run(photo.write(tmp_path / "turned.png", turned), "dhash") == upright


def test_the_same_pixels_in_another_shape_are_another_picture(tmp_path: Path) -> None:
    wide = run(photo.write(tmp_path / "wide.png", photo.encoded(photo.corners(80, 20), "PNG")))
    high = run(photo.write(tmp_path / "high.png", photo.encoded(photo.corners(20, 80), "PNG")))
    assert wide.sha256 != high.sha256


def test_a_large_file_is_read_in_pieces_and_tells_its_progress(tmp_path: Path) -> None:
    path = tmp_path / "source.bin"
    with path.open("wb") as file:
        file.truncate(128 * PIECE)
    seen: list[int] = []
    HashTask().process(HashParams(algorithm="md5", input_paths=[str(path)]), seen.append)
    assert seen == [50, 100]


def test_a_damaged_photo_fails_in_one_line(tmp_path: Path) -> None:
    path = photo.write(tmp_path / "source.jpg", photo.photo()[:3000])
    with pytest.raises(TaskError, match=r"^photo\.jpg is damaged: [^\n]+$"):
        run(path, "phash")


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM"])
@pytest.mark.parametrize("part", [0.02, 0.1, 0.5, 0.9])
def test_a_picture_cut_anywhere_is_told_as_such(tmp_path: Path, carrier: str, part: float) -> None:
    whole = photo.encoded(photo.corners(), carrier)
    path = photo.write(tmp_path / "source", whole[: int(len(whole) * part)])
    with pytest.raises(TaskError, match=r"^photo\.jpg is (damaged|not an image that Pillow can read)[^\n]+$"):
        run(path, "phash")


@pytest.mark.parametrize(
    "text", [b"P6 is how the report begins\n", b"BM" + b"x" * 100, b"\x89PNG\r\n\x1a\n" + b"x" * 99]
)
def test_what_only_begins_like_a_picture_still_has_its_other_hashes(tmp_path: Path, text: bytes) -> None:
    output = run(photo.write(tmp_path / "source", text))
    assert (output.phash, output.sha256) == (None, hashlib.sha256(text).hexdigest())


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM"])
@pytest.mark.parametrize("part", [0.02, 0.1, 0.5, 0.9])
def test_all_of_a_picture_that_is_cut_leaves_the_perceptual_ones_out(tmp_path: Path, carrier: str, part: float) -> None:
    whole = photo.encoded(photo.corners(), carrier)
    cut = whole[: int(len(whole) * part)]
    output = run(photo.write(tmp_path / "source", cut))
    assert (output.phash, output.dhash) == (None, None)
    assert (output.sha256, output.md5) == (hashlib.sha256(cut).hexdigest(), hashlib.md5(cut).hexdigest())


def test_all_of_a_picture_that_is_too_large_leaves_the_perceptual_ones_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cl_ml_tools.media.limits.MAX_PIXELS", 100)
    path = photo.write(tmp_path / "source.jpg", photo.photo(64, 48))
    assert run(path).phash is None
    assert run(path).sha256 is not None
    with pytest.raises(TooManyPixelsError):
        run(path, "dhash")


def test_setup_warms_without_a_file() -> None:
    HashTask().setup()
