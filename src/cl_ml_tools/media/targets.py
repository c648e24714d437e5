"""What each format that is written can hold, and how pixels are made to fit."""

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from cl_ml_tools.media import colour, depth, transparency

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy
    from numpy.typing import NDArray
    from PIL import Image


class Target(NamedTuple):
    """What a format can hold.

    `alpha` may be `hard`: a pixel is there or it is not. `wide` are colours of 16 bits. `longest` is a side in pixels.
    """

    pillow: str
    modes: frozenset[str]
    alpha: Literal["none", "hard", "soft"] = "none"
    keys: bool = False
    profile: bool = False
    quality: bool = False
    exif: bool = False
    xmp: bool = False
    iptc: bool = False
    moves: bool = False
    pages: bool = False
    wide: bool = False
    longest: int | None = None


class Fitted(NamedTuple):
    """Pixels in a mode that the format has, and the profile that they are of."""

    picture: "Image.Image"
    profile: bytes | None


# The formats of JPEG and GIF have 16 bits for a side, that of WebP 14; libjpeg stops a little before.
_JPEG = Target(
    "JPEG", frozenset({"L", "RGB"}), profile=True, quality=True, exif=True, xmp=True, iptc=True, longest=65_500
)
TARGETS: dict[str, Target] = {
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "png": Target(
        "PNG", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}),
        alpha="soft", keys=True, profile=True, exif=True, xmp=True, iptc=True, wide=True,
    ),
    "webp": Target(
        "WEBP", frozenset({"RGB", "RGBA"}),
        alpha="soft", profile=True, quality=True, exif=True, xmp=True, moves=True, longest=16_383,
    ),
    "gif": Target("GIF", frozenset({"1", "L", "P"}), alpha="hard", moves=True, longest=65_535),
    "bmp": Target("BMP", frozenset({"1", "L", "P", "RGB"})),
    "tiff": Target(
        "TIFF", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"}),
        alpha="soft", profile=True, exif=True, xmp=True, iptc=True, pages=True, wide=True,
    ),
}  # fmt: skip
# Modes of which a colour may be the transparent one.
KEYED = frozenset({"L", "RGB", "P", "I;16"})
COLOURS = 256
# The pixels of a side that colours are chosen from.
SAMPLE = 128
# Pixels are looked up in pieces of so many.
PIECE = 1 << 16
# The colour of clear pixels in a palette: seen on nothing but by programs that know no transparency, and on white no
# other than white. It differs from it, because Pillow takes equal colours of two frames for the same.
HIDDEN = (253, 254, 252)


def fit(picture: "Image.Image", target: Target) -> Fitted:
    """The picture as the format can hold it: depth, then transparency, then colours, then the mode."""
    picture = _with_its_depth(picture, target)
    picture = _with_its_transparency(picture, target)
    mode = _mode(picture, target)
    profile = colour.profile(picture) if target.profile else None
    if profile is None or not colour.holds(profile, mode):
        profile = None
        if picture.mode not in target.modes or colour.needs_conversion(picture):
            picture = colour.to_srgb(depth.scaled(picture, 8))
            mode = _mode(picture, target)
    if target.alpha == "hard":
        return Fitted(_hard(picture), None)
    return Fitted(picture if picture.mode == mode else picture.convert(mode), profile)


def _with_its_depth(picture: "Image.Image", target: Target) -> "Image.Image":
    if not depth.is_deep(picture):
        return picture
    if "transparency" in picture.info:
        kept = picture.mode == "I;16" and target.keys and "I;16" in target.modes
        return picture if kept else transparency.layered(picture)
    return depth.scaled(picture, 16 if "I;16" in target.modes else 8)


def _with_its_transparency(picture: "Image.Image", target: Target) -> "Image.Image":
    if not transparency.is_transparent(picture):
        return picture
    if target.alpha == "none":
        return transparency.on_white(picture)
    if picture.mode in target.modes and (picture.mode == "LA" or (target.keys and picture.mode in KEYED)):
        return picture
    return transparency.layered(picture)


def _mode(picture: "Image.Image", target: Target) -> str:
    if picture.mode in target.modes:
        return picture.mode
    if picture.mode in transparency.LAYERED and "RGBA" in target.modes:
        return "RGBA"
    if colour.space(picture.mode) == "GRAY" and "L" in target.modes:
        return "L"
    return "RGB"


def _hard(picture: "Image.Image") -> "Image.Image":
    """With at most 256 colours, exactly those where there are no more. What is half clear is put on white."""
    if not transparency.is_transparent(picture):
        return picture if picture.mode in {"1", "L", "P"} else _palette(picture.convert("RGB"), COLOURS)
    from PIL import Image

    layer = transparency.layered(picture)
    alpha = layer.getchannel("A")
    # What is clear all around needs no colours.
    box = alpha.getbbox() or (0, 0, 1, 1)
    inner = box != (0, 0, *layer.size)
    flat = _palette(transparency.on_white(layer.crop(box) if inner else layer), COLOURS - 1)
    clear = COLOURS - 1
    flat.paste(clear, mask=(alpha.crop(box) if inner else alpha).point([255] + [0] * 255))
    made = flat
    if inner:
        made = Image.new("P", layer.size, clear)
        made.paste(flat, box)
    table = (flat.getpalette() or [])[: clear * 3]
    made.putpalette(table + [*HIDDEN] * ((COLOURS * 3 - len(table)) // 3))
    made.info = {"transparency": clear}
    return made


def forget_unused_key(picture: "Image.Image") -> None:
    """Have a picture with a palette name no clear colour where no pixel has it."""
    key: object = picture.info.get("transparency")
    # It is the highest, as `fit` makes palettes.
    if isinstance(key, int) and cast("tuple[int, int]", picture.getextrema())[1] < key:
        del picture.info["transparency"]


def _palette(picture: "Image.Image", colours: int) -> "Image.Image":
    """The picture in so many colours: exactly its own where there are no more."""
    from PIL import Image

    exact = _own_colours(picture, colours)
    if exact is not None:
        return exact
    # Those of a part of its pixels are as good, and found in a fraction of the time.
    scale = min(SAMPLE / max(picture.size), 1)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    chosen = picture.resize(size, Image.Resampling.NEAREST).quantize(colours, Image.Quantize.FASTOCTREE)
    return picture.quantize(palette=chosen, dither=Image.Dither.NONE)


def _own_colours(picture: "Image.Image", most: int) -> "Image.Image | None":
    """A picture (RGB) with a palette of all its colours; `None` where there are more."""
    found = picture.getcolors(most)
    if found is None:
        return None
    from PIL import Image

    palette = sorted(cast("tuple[int, int, int]", each) for _, each in found)
    numbers = [number for each in palette for number in each]
    model = Image.new("P", (1, 1))
    model.putpalette(numbers)
    # Pillow takes colours that differ little for the same; so it is tried with these.
    probe = Image.new("RGB", (len(palette), 1))
    probe.putdata(palette)
    if probe.quantize(palette=model, dither=Image.Dither.NONE).tobytes() == bytes(range(len(palette))):
        return picture.quantize(palette=model, dither=Image.Dither.NONE)
    made = Image.new("P", picture.size)
    for top, indexes in _searched(picture, palette):
        made.paste(Image.fromarray(indexes), (0, top))
    made.putpalette(numbers)
    return made


def _searched(
    picture: "Image.Image", palette: list[tuple[int, int, int]]
) -> "Iterator[tuple[int, NDArray[numpy.uint8]]]":
    """Some rows at a time: where they begin, and where each pixel is in a sorted palette."""
    import numpy

    colours = numpy.array([red << 16 | green << 8 | blue for red, green, blue in palette], dtype=numpy.uint32)
    rows = max(PIECE // picture.width, 1)
    for top in range(0, picture.height, rows):
        part = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        keys = numpy.frombuffer(part.tobytes("raw", "BGRX"), "<u4").reshape(part.height, -1) & 0xFFFFFF
        yield top, numpy.searchsorted(colours, keys).astype(numpy.uint8)
