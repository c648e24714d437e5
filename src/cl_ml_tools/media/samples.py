"""TIFFs of samples for which Pillow has no mode: colours of 32 bits or floating point, Lab of 16, CMYK with alpha.

Pillow, and libtiff within it, give the bytes of the samples, so that every compression is theirs: a directory is put
behind the file that says that all of them are grey bytes. What they mean is found here, and the picture becomes one of
a mode that Pillow has, of 16 bits where `wide` keeps the low ones.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, SupportsIndex, cast

from cl_ml_tools.media import colour, depth, limits
from cl_ml_tools.media.appearance import ORIENTATION, upright
from cl_ml_tools.media.tiles import tiles

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

    Numbers = NDArray[numpy.generic]

# TIFF 6.0: ImageWidth, BitsPerSample, Compression, PhotometricInterpretation, SamplesPerPixel, PlanarConfiguration,
# ExtraSamples, SampleFormat; offsets and sizes of strips, and of tiles.
WIDTH, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR = 256, 258, 259, 262, 277, 284
EXTRA, SAMPLE_FORMAT = 338, 339
PIECES = ((273, 279), (324, 325))
PREDICTOR, TILE_WIDTH = 317, 322
# What is the same of the bytes: ImageLength, Compression, FillOrder, RowsPerStrip, TileLength.
KEPT = (257, 259, 266, 278, 323)
SEPARATE = 2
LONG = 4
# Predictors (TIFF 6.0 §14; Adobe Photoshop TIFF Technical Note 3).
DIFFERENCES, FLOATING_POINT = 2, 3
CMYK, CIE_LAB, ICC_LAB = 5, 8, 9
LABS = (CIE_LAB, ICC_LAB)
# How many samples are colour; one more may be alpha.
COLOURS = {0: 1, 1: 1, 2: 3, CMYK: 4, CIE_LAB: 3, ICC_LAB: 3}
EXTRAS = NO_ALPHA, ASSOCIATED, UNASSOCIATED = 0, 1, 2
LITTLE, BIG = b"II", b"MM"
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
# SampleFormat and bits → what numpy calls it.
READ = {
    (UNSIGNED, 8): "u1",
    (SIGNED, 8): "i1",
    (UNSIGNED, 16): "u2",
    (SIGNED, 16): "i2",
    (FLOATING, 16): "f2",
    (UNSIGNED, 32): "u4",
    (SIGNED, 32): "i4",
    (FLOATING, 32): "f4",
    (FLOATING, 64): "f8",
}
# Rows are taken in pieces of about so many samples.
PIECE = 1 << 20
# What a picture is called before it is decoded.
MODES = {3: "RGB", 4: "CMYK"}
BYTES = frozenset({"u1", "i1"})
# Those of which Pillow has no mode for grey either.
GREY = frozenset({(SIGNED, 8), (FLOATING, 16)})


class Samples(str):
    """A raw mode that is known again, and is that of each plane, too: of others, Pillow takes one letter for each."""

    __slots__ = ()

    def __getitem__(self, key: object) -> "Samples":
        return self


class Planes(str):
    """A raw mode of which Pillow takes a letter for each plane, also where there are more planes than colours."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        return super().__getitem__(key) if isinstance(key, slice) or int(key) < len(self) else "X"


class Kind(NamedTuple):
    """What the samples of a pixel are: how many, of which the first are colours and the next may be alpha."""

    photometric: int
    samples: int
    alpha: int
    type: str
    separate: bool

    @property
    def colours(self) -> int:
        """How many are colours."""
        return COLOURS[self.photometric]

    @property
    def bytes_each(self) -> int:
        """What a pixel takes while it is decoded: as Pillow has it, as an array, and as what it becomes."""
        return self.samples * (2 * int(self.type[1]) + 4)

    @property
    def is_wide(self) -> bool:
        """Whether it becomes a picture of 16 bits of each colour in two halves."""
        return self.photometric not in {CMYK, *LABS} and self.samples > 1 and self.type not in BYTES


def kinds() -> dict[tuple[object, ...], tuple[str, str]]:
    """The kinds, as Pillow's table of modes has them."""
    found: dict[tuple[object, ...], tuple[str, str]] = {}
    for photometric, (format, bits), extra in _combinations():
        each = (bits,) * (4 if extra == (None,) else COLOURS[photometric] + len(extra))
        formats: list[tuple[int, ...]] = [(format,)]
        if photometric in LABS:
            # Only a and b have signs.
            formats.append((UNSIGNED, SIGNED, SIGNED, *[UNSIGNED] * len(extra)))
        for order in (LITTLE, BIG):
            for said in formats:
                key = (order, photometric, said, 1, each, () if extra == (None,) else extra)
                found[key] = (MODES.get(COLOURS[photometric], "L"), Samples("L"))
    for order in (LITTLE, BIG):
        found[order, 2, (UNSIGNED,), 1, (8, 8, 8), ()] = ("RGB", Planes("RGB"))
    return found


def _combinations() -> Iterator[tuple[int, tuple[int, int], tuple[int | None, ...]]]:
    """Photometric interpretation, sample format and bits, extra samples; `None` for one of which nothing is said."""
    for photometric, colours in COLOURS.items():
        for sample in READ:
            if photometric in LABS and sample not in {(UNSIGNED, 16), (SIGNED, 16)}:
                continue
            if colours > 1 or sample in GREY:
                yield photometric, sample, ()
            yield from ((photometric, sample, (extra,)) for extra in EXTRAS)
            if colours == 3 and photometric not in LABS:
                yield photometric, sample, (None,)


def kind_of(picture: "Image.Image") -> Kind | None:
    """What the samples of a TIFF are that waits for being decoded; `None` where it is none of these."""
    if picture.format != "TIFF" or not tiles(picture):
        return None
    from PIL.TiffImagePlugin import OPEN_INFO

    tags = _tags(picture)
    bits, extra = _several(tags.get(BITS, 1)), _several(tags.get(EXTRA, ()))
    (photometric,), (count,) = _several(tags.get(PHOTOMETRIC, 0)), _several(tags.get(SAMPLES, len(bits)))
    formats = _several(tags.get(SAMPLE_FORMAT, UNSIGNED))
    said = formats[:1] if len(set(formats)) == 1 else formats
    # As Pillow looks it up.
    each = bits * count if len(bits) == 1 else bits[:count]
    key = (cast("bytes", getattr(tags, "prefix")), photometric, said, 1, each, extra)  # noqa: B009
    table = cast("dict[tuple[object, ...], tuple[str, str]]", OPEN_INFO)
    separate = _several(tags.get(PLANAR, 1)) == (SEPARATE,)
    if not isinstance(table.get(key, ("", ""))[1], Samples):
        sample = (formats[0], bits[0])
        whole = photometric in COLOURS and sample in READ and len({*formats}) == len({*each}) == 1
        # Of planes Pillow knows those of colours of 8 bits, and of colours it leaves out the range.
        more = NO_ALPHA in extra and _several(tags.get(COMPRESSION, 1)) == (1,)
        apart = separate and (count == 1 or sample != (UNSIGNED, 8) or photometric in {0, 1} or more)
        ranged = photometric == 2 and sample == (UNSIGNED, 16) and depth.stated(picture) is not None
        if not whole or not (apart or ranged):
            return None
    alpha = extra[0] if extra else UNASSOCIATED if count > COLOURS[photometric] else NO_ALPHA
    return Kind(photometric, count, alpha, READ[formats[0], bits[0]], separate)


def decode(picture: "Image.Image", kind: Kind, key: str) -> None:
    """Decode a picture of such samples. Where it has 16 bits of each colour, their low bytes are left under `key`."""
    size = cast("tuple[int, int]", getattr(picture, "_tile_size"))  # noqa: B009 - the one before it is turned
    turned = _several(_tags(picture).get(ORIENTATION, 1))[0]
    numbers = _numbers(picture, kind, size)
    halves = [upright(each, turned) for each in _halves(picture, kind, numbers)]
    made = halves[0]
    # As Pillow does it when it has decoded something.
    setattr(picture, "im", made.im)  # noqa: B010
    setattr(picture, "_mode", made.mode)  # noqa: B010
    setattr(picture, "_size", made.size)  # noqa: B010
    setattr(picture, "tile", [])  # noqa: B010
    if len(halves) > 1:
        picture.info[key] = halves[1]


def _numbers(picture: "Image.Image", kind: Kind, size: tuple[int, int]) -> "Numbers":
    """Height × width × samples."""
    import numpy

    tags = _tags(picture)
    each = 1 if kind.separate else kind.samples
    # Tiles at the edge are whole.
    tile = _several(tags.get(TILE_WIDTH, size[0]))[0]
    if tile <= 0 or max(tile, size[0]) * size[1] > limits.MAX_PIXELS:
        raise SyntaxError(f"its tiles are {tile} pixels wide")
    width = -(-size[0] // tile) * tile
    found = numpy.empty((size[1], size[0], kind.samples), dtype=kind.type)
    rows = max(PIECE // (width * kind.samples), 1)
    for plane, grey in enumerate(_grey(picture, kind, width, each)):
        for top in range(0, size[1], rows):
            part = grey.crop((0, top, grey.width, min(top + rows, size[1]))).tobytes()
            pixels = numpy.frombuffer(part, numpy.uint8)
            found[top : top + rows, :, plane : plane + each] = _undone(pixels, tags, kind, (width, each))[:, : size[0]]
    return found


def _undone(rows: "NDArray[numpy.uint8]", tags: Mapping[int, object], kind: Kind, shape: tuple[int, int]) -> "Numbers":
    """The numbers of rows of bytes, with what a predictor did undone. `shape` is pixels × samples of a row."""
    import numpy

    width, each = shape
    across = _several(tags.get(TILE_WIDTH, width))[0]
    predictor = _several(tags.get(PREDICTOR, 1))[0] if _several(tags.get(COMPRESSION, 1))[0] != 1 else 1
    size = int(kind.type[1])
    order = ">" if getattr(tags, "prefix", LITTLE) == BIG else "<"
    if predictor == FLOATING_POINT:
        sums = numpy.cumsum(rows.reshape(-1, across * size, each), axis=1, dtype=numpy.uint8)
        # Of all numbers of a row, the first bytes, then the second ones.
        order, rows = ">", numpy.ascontiguousarray(sums.reshape(-1, size, across * each).swapaxes(1, 2))
    if predictor == DIFFERENCES:
        whole = rows.reshape(-1).view(f"{order}u{size}").reshape(-1, across, each)
        rows = numpy.cumsum(whole, axis=1, dtype=f"u{size}").view(numpy.uint8)
        order = "="
    found = rows.reshape(-1).view(order + kind.type).reshape(-1, width, each)
    return found.astype(kind.type, copy=False)


def _grey(picture: "Image.Image", kind: Kind, width: int, each: int) -> "Iterator[Image.Image]":
    """The bytes of `width` pixels of `each` samples for each row, as grey, for each plane."""
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    tags = _tags(picture)
    prefix = cast("bytes", getattr(tags, "prefix"))  # noqa: B009
    order = "little" if prefix == LITTLE else "big"
    pixel = each * int(kind.type[1])
    content = bytearray(Path(cast("str", getattr(picture, "filename"))).read_bytes())  # noqa: B009
    content += bytes(len(content) % 2)
    end = len(content)
    planes = kind.samples // each
    pieces = next((pair for pair in PIECES if pair[0] in tags and pair[1] in tags), None)
    if pieces is None:
        raise SyntaxError("it does not say where its pixels are")
    kept = {number: _several(tags[number]) for number in KEPT if number in tags}
    if TILE_WIDTH in tags:
        kept[TILE_WIDTH] = (_several(tags[TILE_WIDTH])[0] * pixel,)
    for plane in range(planes):
        fields = {**kept, WIDTH: (width * pixel,), BITS: (8,), SAMPLES: (1,), PHOTOMETRIC: (1,)}
        for number in pieces:
            every = _several(tags[number])
            length = len(every) // planes
            fields[number] = every[plane * length : (plane + 1) * length]
        content[:8] = prefix + (42).to_bytes(2, order) + end.to_bytes(4, order)
        content[end:] = _directory(fields, end, "<" if order == "little" else ">")
        with TiffImageFile(io.BytesIO(content)) as grey:
            # Bytes are not pixels, of which there may be too many for Pillow; it has counted those.
            setattr(grey, "im", Image.new("L", grey.size).im)  # noqa: B010
            grey.load()
            yield grey


def _directory(fields: Mapping[int, tuple[int, ...]], place: int, order: str) -> bytes:
    """A directory (TIFF 6.0 §2) at a place in its file: whole numbers of 32 bits."""
    entries, behind = b"", b""
    place += 2 + 12 * len(fields) + 4
    for number, values in sorted(fields.items()):
        content = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            content, behind = struct.pack(f"{order}I", place + len(behind)), behind + content
        entries += struct.pack(f"{order}HHI", number, LONG, len(values)) + content
    return struct.pack(f"{order}H", len(fields)) + entries + bytes(4) + behind


def _halves(picture: "Image.Image", kind: Kind, numbers: "Numbers") -> "list[Image.Image]":
    """The picture, and where it has 16 bits of each colour that of the low bytes."""
    import numpy
    from PIL import Image

    colours, alpha = numbers[..., : kind.colours], None
    if kind.samples == 1:
        return [_single(colours[..., 0], kind)]
    said = depth.stated(picture)
    if kind.alpha != NO_ALPHA:
        alpha = depth.all_scaled(numbers[..., kind.colours], said if kind.type[0] in "iu" else None)
    if kind.photometric in LABS:
        return [_opaque_or(_lab(colours, kind), alpha)]
    deep = depth.all_scaled(colours, said, inverted=kind.photometric == 0)
    if alpha is not None and kind.alpha == ASSOCIATED:
        part = numpy.maximum(alpha, 1)[..., None] / numpy.float32(65_535)
        deep = numpy.minimum(deep / part + 0.5, 65_535).astype(numpy.uint16)
    if kind.photometric == CMYK:
        made = Image.fromarray((deep >> 8).astype(numpy.uint8), "CMYK")
        made.info = {"icc_profile": picture.info.get("icc_profile")}
        if alpha is not None:
            # No format holds both, nor has Pillow a mode for it.
            picture.info.pop("icc_profile", None)
        return [_opaque_or(made, alpha)]
    every = deep if alpha is None else numpy.concatenate([deep, alpha[..., None]], axis=-1)
    every = every[..., 0] if every.shape[-1] == 1 else every
    halves = (every >> 8,) if kind.type in BYTES else (every >> 8, every & 0xFF)
    return [Image.fromarray(half.astype(numpy.uint8)) for half in halves]


def _single(numbers: "Numbers", kind: Kind) -> "Image.Image":
    """Grey in the mode that Pillow has for it; what the numbers mean `depth` finds where they have more than 8 bits."""
    import numpy
    from PIL import Image

    if kind.type in BYTES:
        turned = (0x80 if kind.type == "i1" else 0) ^ (0xFF if kind.photometric == 0 else 0)
        return Image.fromarray(numbers.view(numpy.uint8) ^ numpy.uint8(turned))
    if kind.type in {"f2", "f4", "f8"}:
        return Image.fromarray(numbers.astype(numpy.float32))
    if kind.type == "u2":
        return Image.fromarray(numbers)
    return Image.fromarray(numbers.astype(numpy.int32) if kind.type == "i2" else numbers.view(numpy.int32))


def _lab(numbers: "Numbers", kind: Kind) -> "Image.Image":
    """Lab of 16 bits as one of 8: a and b are signed (TIFF 6.0 §23), or have 128 added (ICC.1 §6.3.4)."""
    import numpy
    from PIL import Image

    light = numbers[..., 0].astype(numpy.float32) / (32_767 if kind.type == "i2" else 65_535)
    signed = numbers[..., 1:].view(numpy.uint16) ^ numpy.uint16(0x8000 if kind.photometric == ICC_LAB else 0)
    steps = numpy.round(signed.view(numpy.int16) / numpy.float32(256)).clip(-128, 127).astype(numpy.int8)
    made = numpy.dstack([numpy.round(light.clip(0, 1) * 255).astype(numpy.uint8), steps.view(numpy.uint8)])
    return Image.frombytes("LAB", made.shape[1::-1], made.tobytes())


def _opaque_or(picture: "Image.Image", alpha: "NDArray[numpy.uint16] | None") -> "Image.Image":
    """A picture as it is, or in sRGB with its alpha."""
    import numpy
    from PIL import Image

    if alpha is None:
        return picture
    made = colour.to_srgb(picture)
    made.putalpha(Image.fromarray((alpha >> 8).astype(numpy.uint8)))
    return made


def _tags(picture: "Image.Image") -> Mapping[int, object]:
    return cast("Mapping[int, object]", getattr(picture, "tag_v2", {}))


def _several(value: object) -> tuple[int, ...]:
    return cast("tuple[int, ...]", value) if isinstance(value, tuple) else (cast("int", value),)
