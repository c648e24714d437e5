"""The table of docs/pictures.md: what becomes of each kind of picture. `python -m tests.oracles.table` writes it."""

import shutil
import tempfile
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image

from cl_ml_tools.embedding import MOBILECLIP, prepare
from cl_ml_tools.faces import Face, FaceFinder
from cl_ml_tools.media import transparency
from cl_ml_tools.media.appearance import upright
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.plugins.exif.schema import ExifParams
from cl_ml_tools.plugins.exif.task import ExifTask
from cl_ml_tools.plugins.hash.task import looked_at
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from tests.oracles.kinds import KINDS
from tests.oracles.programs import run

PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"
FORMATS = ("png", "jpg", "webp", "gif", "bmp", "tiff")
COLUMNS = (*FORMATS, "thumbnail", "hash", "face detection", "embedding", "exif")
# A tag of each standard, which exiftool writes into a copy, where it can; `exif` has to give it.
TAGS = {"EXIF": ("IFD0:Make", "Make"), "XMP": ("XMP-dc:Title", "XMP-dc:Title"), "IPTC": ("IPTC:City", "IPTC:City")}
MODES = {
    "1": "1 bit", "L": "grey", "LA": "grey, alpha", "P": "palette", "RGB": "RGB", "RGBA": "RGB, alpha",
    "CMYK": "CMYK", "I;16": "16-bit grey",
}  # fmt: skip
BEGIN, END = "<!-- made by tests/oracles/table.py -->", "<!-- end -->"


def words(path: Path) -> str:
    """What a file holds."""
    with Image.open(path) as made:
        wide = any(";16" in str(tile.args) for tile in made.tile)
        # Pillow takes grey and alpha of 16 bits for four colours.
        grey = any("LA;16" in str(tile.args) for tile in made.tile) or getattr(made, "tag_v2", {}).get(258) == (16, 16)
        deep = grey or (wide and made.mode in {"RGB", "RGBA"})
        mode = MODES["LA" if grey else made.mode]
        parts = [f"16-bit {mode}" if deep else mode]
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


class Onlooker(FaceFinder):
    """Finds no faces, and keeps what they are looked for in."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Image.new("1", (1, 1))

    def _with_haar(self, colours: Image.Image) -> list[Face]:
        self.seen = colours
        return []

    def _with_yunet(self, colours: Image.Image, digest: str, confidence: float, overlap: float) -> list[Face]:
        del digest, confidence, overlap
        return self._with_haar(colours)


def looked_at_for_faces(source: Path) -> Image.Image:
    """What faces are looked for in."""
    finder = Onlooker()
    with open_picture(source, source.name) as opened:
        finder.find(upright(opened), 0.5, 0.5)
    return finder.seen


def embedded(source: Path) -> NDArray[numpy.float32]:
    """What a vector is made of: side × side × channels, 0 to 1."""
    with open_picture(source, source.name) as opened:
        return prepare(upright(opened), MOBILECLIP)[0].transpose(1, 2, 0)


def others(source: Path, folder: Path) -> list[str]:
    """What the plugins that write no picture make of it: hash, face detection, embedding, exif."""
    with open_picture(source, source.name) as opened:
        paper = ", on white" if transparency.is_transparent(opened) else ""
        hashed = looked_at(opened)
    side, channels = embedded(source).shape[1:]
    seen = [MODES[hashed.mode], MODES[looked_at_for_faces(source).mode], f"{MODES['RGB'][:channels]}, {side} × {side}"]
    return [*(each + paper for each in seen), ", ".join(read(source, folder)) or "size"]


def read(source: Path, folder: Path) -> list[str]:
    """The standards of which `exif` gives a tag that exiftool wrote."""
    copy = folder / "told"
    found: list[str] = []
    for standard, (written, given) in TAGS.items():
        shutil.copyfile(source, copy)
        try:
            run("exiftool", "-overwrite_original", f"-{written}=Ada", copy)
        except AssertionError:
            continue
        output = ExifTask().process(ExifParams(input_paths=[str(copy)]), lambda _: None)
        if output.metadata.get(given) == "Ada":
            found.append(standard)
    return found


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
            lines.append([kind, about, *map(words, made), *others(source, folder)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{written()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
