"""The table of docs/pictures.md: what becomes of each kind of picture. `python -m tests.oracles.table` writes it."""

import tempfile
from pathlib import Path

from PIL import Image

from cl_ml_tools.plugins.image_conversion.schema import ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from tests.oracles.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"
FORMATS = ("png", "jpg", "webp", "gif", "bmp", "tiff")
COLUMNS = (*FORMATS, "thumbnail")
MODES = {
    "1": "1 bit", "L": "grey", "LA": "grey, alpha", "P": "palette", "RGB": "RGB", "RGBA": "RGB, alpha",
    "CMYK": "CMYK", "I;16": "16-bit grey",
}  # fmt: skip
BEGIN, END = "<!-- made by tests/oracles/table.py -->", "<!-- end -->"


def words(path: Path) -> str:
    """What a file holds."""
    with Image.open(path) as made:
        deep = made.mode in {"RGB", "RGBA"} and any(";16" in str(tile.args) for tile in made.tile)
        parts = [f"16-bit {MODES[made.mode]}" if deep else MODES[made.mode]]
        if "transparency" in made.info:
            parts.append("clear colours" if isinstance(made.info["transparency"], bytes) else "clear colour")
        if "icc_profile" in made.info:
            parts.append("its profile")
    return ", ".join(parts)


def converted(source: Path, format: str, folder: Path) -> Path:
    """The picture in another format, as good as it gets."""
    target = folder / f"made.{format}"
    params = {"format": format, "quality": 100, "input_paths": [str(source)], "output_paths": [str(target)]}
    ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None)
    return target


def thumbnail(source: Path, folder: Path) -> Path:
    """Its thumbnail."""
    params = {"input_paths": [str(source)], "output_paths": [str(folder / "small.jpg")]}
    output = MediaThumbnailTask().process(MediaThumbnailParams.model_validate(params), lambda _: None)
    return folder / Path(output.thumbnail_path).name


def rows() -> dict[str, list[str]]:
    """The table as the page has it: the cells behind each kind."""
    lines = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {name: rest for name, _, *rest in cells}


def written() -> str:
    """The table as it ought to be."""
    head = ["Picture", "What it is", *COLUMNS]
    lines = [head, ["---"] * len(head)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, (about, make, *_) in KINDS.items():
            source = folder / "source"
            make(source)
            made = [converted(source, format, folder) for format in FORMATS] + [thumbnail(source, folder)]
            lines.append([kind, about, *map(words, made)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{written()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
