"""TIFFs of samples for which Pillow has no mode, in every way in which they lie in a file."""

from pathlib import Path

import numpy
import pytest
from PIL import Image

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media.appearance import seen
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.media.wide import whole
from tests.media.tiff import Layout, tiff

LAYOUTS = {
    "strips": Layout(rows=7),
    "tiles": Layout(tile=16),
    "planes": Layout(planes=True),
    "planes in tiles": Layout(planes=True, tile=16),
    "deflated": Layout(deflate=True, rows=7),
    "differences": Layout(deflate=True, predictor=2),
    "differences in tiles": Layout(deflate=True, predictor=2, tile=16),
    "differences of planes": Layout(deflate=True, predictor=2, planes=True, rows=7),
    "predicted floats": Layout(deflate=True, predictor=3),
    "predicted floats in tiles": Layout(deflate=True, predictor=3, tile=16),
}
PIXELS = numpy.random.default_rng(17).random((20, 30, 4))


def as_kind(kind: str) -> numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.generic]]:
    """Numbers of 0 to 1 over the range of their type."""
    if kind[0] == "f":
        return PIXELS.astype(kind)
    most = 2 ** (8 * int(kind[1])) - 1
    return numpy.round(PIXELS * most - (2 ** (8 * int(kind[1]) - 1) if kind[0] == "i" else 0)).astype(kind)


def of_16_bits(path: Path) -> numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float64]]:
    """What is read, 0 to 1."""
    with open_picture(path, "photo.tif") as picture:
        found = whole(picture, path, "photo.tif")
        assert found is not None
        high, low = (numpy.asarray(half).astype(numpy.float64) for half in found)
        return (high * 256 + low) / 65_535


PAIRS = [
    (name, kind) for name, each in LAYOUTS.items() for kind in ("f4", "u4", "f2") if kind != "u4" or each.predictor != 3
]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize(("layout", "kind"), [*PAIRS, ("planes", "u2"), ("planes in tiles", "u2")])
def test_the_numbers_are_found_however_they_lie(tmp_path: Path, layout: str, kind: str, big_endian: bool) -> None:
    path = tmp_path / "photo.tif"
    content = tiff(
        as_kind(kind), {338: (3, [2])}, photometric=2, big_endian=big_endian, layout=LAYOUTS[layout]
    )  # fmt: skip
    path.write_bytes(content)
    assert numpy.abs(of_16_bits(path) - PIXELS).max() < (0.0005 if kind == "f2" else 0.00001)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_grey_of_one_plane_is_that_of_no_planes(tmp_path: Path, kind: str, big_endian: bool) -> None:
    path = tmp_path / "photo.tif"
    found: list[bytes] = []
    for layout in (Layout(), Layout(planes=True)):
        path.write_bytes(tiff(as_kind(kind)[:, :, 0], big_endian=big_endian, layout=layout))
        with open_picture(path, "photo.tif") as picture:
            found.append(seen(picture).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("deflate", [False, True])
def test_a_fourth_plane_that_is_no_colour_is_left_out(tmp_path: Path, deflate: bool) -> None:
    path = tmp_path / "photo.tif"
    content = tiff(as_kind("u1"), {338: (3, [0])}, photometric=2, layout=Layout(planes=True, deflate=deflate))
    path.write_bytes(content)
    with open_picture(path, "photo.tif") as picture:
        assert picture.mode == "RGB"
        assert numpy.array_equal(numpy.asarray(picture), as_kind("u1")[:, :, :3])


@pytest.mark.parametrize("planes", [False, True])
def test_colours_go_as_far_as_the_file_says(tmp_path: Path, planes: bool) -> None:
    path = tmp_path / "photo.tif"
    pixels = numpy.round(PIXELS * 4095).astype("u2")
    tags = {280: (3, [0] * 4), 281: (3, [4095] * 4), 338: (3, [2])}
    path.write_bytes(tiff(pixels, tags, photometric=2, layout=Layout(planes=planes)))
    assert numpy.abs(of_16_bits(path) - PIXELS).max() < 0.0002


@pytest.mark.parametrize("kind", ["i2", "i4", "f8"])
def test_the_lowest_number_is_black_and_the_highest_white(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(tiff(as_kind(kind)[:, :, :3], photometric=2))
    assert numpy.abs(of_16_bits(path) - PIXELS[:, :, :3]).max() < 0.00001


def test_signed_bytes_of_grey_are_not_taken_for_unsigned_ones(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    for big_endian in (False, True):
        path.write_bytes(tiff(numpy.array([[-128, 0, 127]], dtype="i1"), big_endian=big_endian))
        with open_picture(path, "photo.tif") as picture:
            assert [picture.getpixel((x, 0)) for x in range(3)] == [0, 128, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_pillow_turns_one_of_8_bits(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "photo.tif"
    found: list[Image.Image] = []
    for kind in ("u1", "f4"):
        path.write_bytes(tiff(as_kind(kind)[:, :, :3], {274: (3, [orientation])}, photometric=2))
        with open_picture(path, "photo.tif") as picture:
            picture.load()
            found.append(picture.copy())
    assert found[0].size == found[1].size
    assert numpy.abs(numpy.asarray(found[0]).astype(int) - numpy.asarray(found[1])).max() <= 1


def test_colours_that_were_multiplied_by_alpha_are_divided_again(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(tiff(numpy.full((4, 4, 4), (0.4, 0.2, 0.1, 0.5), dtype="f4"), {338: (3, [1])}, photometric=2))
    assert of_16_bits(path)[2, 2] == pytest.approx([0.8, 0.4, 0.2, 0.5], abs=0.0001)


def test_tiles_without_a_width_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    content = tiff(as_kind("f4"), {322: (4, [0]), 338: (3, [2])}, photometric=2, layout=Layout(tile=16, deflate=True))
    path.write_bytes(content)
    with (
        pytest.raises(TaskError, match=r"^photo\.tif is damaged: its tiles are 0 pixels wide"),
        open_picture(path, "photo.tif"),
    ):
        pass
