"""Pictures in memory are sent as files that hold the same pixels."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cl_client.errors import InputFileError, InvalidParameterError
from cl_client.http.upload import Upload
from tests.media import photo as photos
from tests.media.photo import write

RED = (255, 0, 0)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG, stored turned."""
    return write(tmp_path / "photo.jpg", photos.photo(120, 80, orientation=6))


async def sent(upload: Upload) -> Image.Image:
    content = b"".join([piece async for piece in upload.pieces()])
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "CMYK", "YCbCr", "LAB", "F"])
async def test_a_pillow_image_of_any_mode_arrives_with_its_pixels(mode: str):
    image = Image.new(mode, (3, 2))
    got = await sent(Upload(image))
    assert got.format == ("TIFF" if mode in ("CMYK", "YCbCr", "LAB", "I", "F") else "PNG")
    assert got.size == (3, 2)
    assert got.convert(mode).tobytes() == image.tobytes()


async def test_a_mode_that_no_file_has_is_sent_as_its_colours():
    got = await sent(Upload(Image.new("RGB", (2, 2), RED).convert("HSV")))
    assert got.getpixel((0, 0)) == RED


async def test_a_photo_keeps_its_orientation_its_profile_and_its_name(photo: Path):
    with Image.open(photo) as image:
        image.info["icc_profile"] = b"a profile"
        upload = Upload(image)
        got = await sent(upload)
        assert upload.file_name == "photo.png"
        assert upload.mime_type == "image/png"
        assert got.getexif()[0x0112] == 6
        assert got.info["icc_profile"] == b"a profile"


async def test_it_is_sent_a_second_time_as_it_was():
    upload = Upload(Image.new("RGB", (2, 2), RED))
    first, second = await sent(upload), await sent(upload)
    assert upload.replayable
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (np.arange(6, dtype=np.uint8).reshape(2, 3), "L"),
        (np.arange(18, dtype=np.uint8).reshape(2, 3, 3), "RGB"),
        (np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "RGBA"),
        (np.arange(6, dtype=np.uint16).reshape(2, 3) * 9000, "I;16"),
        (np.arange(36, dtype=np.uint8).reshape(2, 3, 6)[:, :, ::2], "RGB"),
    ],
    ids=["grey", "RGB", "RGBA", "16 bits", "not contiguous"],
)
async def test_an_array_of_pixels_arrives(array: "np.typing.NDArray[np.uint8]", mode: str):
    got = await sent(Upload(array))
    assert got.mode == mode
    assert np.array_equal(np.asarray(got), array)


@pytest.mark.parametrize(
    "array",
    [np.zeros(5, np.uint8), np.zeros((2, 2, 7), np.uint8), np.zeros((2, 3, 3)), np.zeros((2, 2), complex)],
    ids=["one dimension", "seven channels", "floats", "complex"],
)
def test_an_array_that_is_no_picture_is_refused_with_its_shape(array: "np.typing.NDArray[np.uint8]"):
    with pytest.raises(InvalidParameterError, match=rf"an array of {array.dtype} and the shape \(.*is no picture"):
        Upload(array)


@pytest.mark.parametrize("make", [lambda: Image.new("RGB", (0, 5)), lambda: np.zeros((0, 4), np.uint8)])
def test_a_picture_without_pixels_is_refused(make: Callable[[], Image.Image]):
    with pytest.raises(InputFileError, match="is empty"):
        Upload(make())


async def test_a_picture_that_cannot_be_decoded_is_an_error_of_its_file(photo: Path):
    photo.write_bytes(photo.read_bytes()[:-200])
    with Image.open(photo) as image, pytest.raises(InputFileError, match=r"cannot encode photo\.png: .*truncated"):
        await sent(Upload(image))


def test_an_array_without_pillow_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InvalidParameterError, match="Pillow is missing") as error:
        Upload(np.zeros((2, 2), np.uint8))
    assert error.value.hint == "pip install pillow"
