"""Every kind of picture in every format, thumbnail and hash, beside what ImageMagick shows or the numbers mean."""

from pathlib import Path

import imagehash
import numpy
import pytest
from PIL import Image

from cl_ml_tools.plugins.hash.schema import HashParams
from cl_ml_tools.plugins.hash.task import HashTask
from tests.oracles import table
from tests.oracles.kinds import KINDS
from tests.oracles.programs import Pixels, on_white, seen

pytestmark = pytest.mark.oracle

# The mean difference of lossless formats, of 1, and the PSNR of lossy ones, in decibels. GIF has 256 colours.
MEAN, MEAN_OF_256_COLOURS, PSNR = 2 / 255, 5 / 255, 40.0
LOSSY = frozenset({"jpg"})
WITH_ALPHA = frozenset({"png", "webp", "tiff"})


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Pixels]]:
    """The files, and what is to be seen of each."""
    folder = tmp_path_factory.mktemp("kinds")
    found: dict[str, tuple[Path, Pixels]] = {}
    for number, (name, kind) in enumerate(KINDS.items()):
        path = folder / f"{number}"
        kind.make(path)
        found[name] = (path, seen(path, profile=kind.profile) if kind.truth is None else kind.truth)
    return found


def difference(one: Pixels, other: Pixels) -> tuple[float, float]:
    """The mean difference, and the PSNR."""
    squares = float(numpy.mean((one - other) ** 2))
    return float(numpy.abs(one - other).mean()), 10 * numpy.log10(1 / max(squares, 1e-12))


@pytest.mark.parametrize("format", table.FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_conversion_shows_the_same(
    kind: str, format: str, shown: dict[str, tuple[Path, Pixels]], tmp_path: Path
) -> None:
    source, expected = shown[kind]
    target = table.converted(source, format, tmp_path)
    assert table.words(target) == table.rows()[kind][table.COLUMNS.index(format)], "python -m tests.oracles.table"
    with Image.open(target) as made:
        has_profile = "icc_profile" in made.info
    found = seen(target, profile=has_profile)
    assert found.shape == expected.shape
    mean, psnr = difference(on_white(found), on_white(expected))
    if format in LOSSY:
        assert psnr >= PSNR
    else:
        assert mean <= (MEAN_OF_256_COLOURS if format == "gif" else MEAN)
    if format in WITH_ALPHA:
        assert difference(found[:, :, 3], expected[:, :, 3])[0] <= MEAN
    elif format != "gif":
        assert found[:, :, 3].min() == 1


DEEP = [name for name in KINDS if name.startswith(("16-bit RGB", "16-bit grey with")) or name == "clear 16-bit colour"]


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("kind", DEEP)
def test_colours_of_16_bits_keep_all_of_them(
    kind: str, format: str, shown: dict[str, tuple[Path, Pixels]], tmp_path: Path
) -> None:
    source, expected = shown[kind]
    found = seen(table.converted(source, format, tmp_path))
    assert numpy.abs(found - expected)[expected[:, :, 3] > 0].max() < 1 / 65_535 / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_thumbnail_shows_the_same(kind: str, shown: dict[str, tuple[Path, Pixels]], tmp_path: Path) -> None:
    source, expected = shown[kind]
    small = table.thumbnail(source, tmp_path)
    assert table.words(small) == table.rows()[kind][table.COLUMNS.index("thumbnail")], "python -m tests.oracles.table"
    with Image.open(small) as made:
        has_profile = "icc_profile" in made.info
    found = seen(small, profile=has_profile)
    # It is not enlarged, so it is as large; a JPEG of quality 85.
    assert difference(on_white(found), on_white(expected))[1] >= 32


@pytest.mark.parametrize("kind", KINDS)
def test_a_hash_is_of_what_is_seen(kind: str, shown: dict[str, tuple[Path, Pixels]]) -> None:
    source, expected = shown[kind]
    output = HashTask().process(HashParams(input_paths=[str(source)]), lambda _: None)
    pixels = numpy.round(on_white(expected) * 255).astype(numpy.uint8)
    picture = Image.fromarray(pixels)
    assert output.phash is not None
    assert output.dhash is not None
    for found, wanted in (
        (output.phash, imagehash.phash(picture)),
        (output.dhash, imagehash.dhash(picture)),
    ):
        # Rounding may turn a few of the bits that lie between two equal numbers.
        assert imagehash.hex_to_hash(found) - wanted <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_models_see_the_same(kind: str, shown: dict[str, tuple[Path, Pixels]], tmp_path: Path) -> None:
    source, expected = shown[kind]
    cells = table.rows()[kind][table.COLUMNS.index("hash") :]
    assert table.others(source, tmp_path) == cells, "python -m tests.oracles.table"
    flat = on_white(expected)
    faces = numpy.asarray(table.looked_at_for_faces(source)) / 255
    assert difference(faces, flat)[0] <= MEAN
    wanted = Image.fromarray(numpy.round(flat * 255).astype(numpy.uint8))
    wanted.save(tmp_path / "wanted.png")
    assert difference(table.embedded(source), table.embedded(tmp_path / "wanted.png"))[0] <= MEAN


@pytest.mark.parametrize("kind", ["RGB", "grey", "palette"])
def test_the_hash_of_an_ordinary_picture_is_that_of_imagehash(kind: str, shown: dict[str, tuple[Path, Pixels]]) -> None:
    source, _ = shown[kind]
    output = HashTask().process(HashParams(input_paths=[str(source)]), lambda _: None)
    with Image.open(source) as picture:
        assert output.phash == str(imagehash.phash(picture))
        assert output.dhash == str(imagehash.dhash(picture))
