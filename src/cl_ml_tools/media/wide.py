"""Colours of 16 bits, of which Pillow has 8: the high bytes in one picture and the low ones in another.

Pillow reads the samples of a file in either byte order, so it is asked twice. What it cannot write is put into a small
file that it wrote: size, depth and pixels take the place of its own, and what it says besides stays.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, cast

from cl_ml_tools.media import limits, png, samples
from cl_ml_tools.media.tiles import Tile, read_as, tiles

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

# How Pillow calls samples of 16 bits, and what it calls the same with the other byte first. libtiff gives those of the
# machine (N), which is a little-endian one wherever this runs.
OTHER = {"B": "L", "L": "B", "N": "B"}
COLOURS = ("RGB;16", "RGBA;16", "RGBX;16")
KEY = "16 bits"
GREY_AND_ALPHA = "LA;16B"
# Rows are written in pieces of about so many bytes.
PIECE = 1 << 20
SIGNATURE = 8
# TIFF 6.0: ImageWidth, ImageLength, BitsPerSample, StripOffsets, RowsPerStrip, StripByteCounts.
WIDTH, LENGTH, BITS, OFFSETS, ROWS, COUNTS = 256, 257, 258, 273, 278, 279
LONG = 4
# Bytes of each type (§2), and how many of them an entry holds itself.
SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
INSIDE = 4


class Wide(NamedTuple):
    """The high and the low bytes of a picture: RGB or RGBA, both of one size."""

    high: "Image.Image"
    low: "Image.Image"


def mark(picture: "Image.Image") -> "Image.Image":
    """Note of a picture that was opened, and not decoded yet, whether its colours have 16 bits."""
    kind = samples.kind_of(picture)
    if kind is not None:
        if kind.is_wide:
            picture.info[KEY] = True
        return picture
    found = {tile.rawmode for tile in tiles(picture)}
    if found and (all(each[:-1] in COLOURS for each in found) or _tag(picture, BITS) == (16, 16)):
        picture.info[KEY] = True
    return picture


def join(picture: "Image.Image") -> "Image.Image":
    """Have a picture that Pillow takes for another be what it is: samples for which it has no mode, and grey and alpha
    of 16 bits each, which it takes for four colours.
    """
    from PIL import Image

    kind = samples.kind_of(picture)
    if kind is not None:
        samples.decode(picture, kind, KEY)
        return picture

    found = {(tile.rawmode, tile.codec_name) for tile in tiles(picture)}
    if picture.format == "PNG" and found and {rawmode for rawmode, _ in found} == {GREY_AND_ALPHA}:
        with Image.open(cast("str", getattr(picture, "filename", "")), formats=("PNG",)) as four:
            read_as(four, lambda _: "RGBA")
            parts = four.split()
        big = True
    elif picture.format == "TIFF" and picture.mode == "RGBA" and _tag(picture, BITS) == (16, 16):
        # libtiff gives numbers in the byte order of the machine.
        prefix: object = getattr(getattr(picture, "tag_v2", None), "prefix", b"")
        big = prefix == b"MM" and all(codec == "raw" for _, codec in found)
        parts = picture.split()
    else:
        return picture
    halves = [Image.merge("LA", (parts[at], parts[at + 2])) for at in ((0, 1) if big else (1, 0))]
    picture.load()
    setattr(picture, "im", halves[0].im)  # noqa: B010 - as Pillow does it when it has decoded something
    setattr(picture, "_mode", "LA")  # noqa: B010
    picture.info[KEY] = halves[1]
    return picture


def _tag(picture: "Image.Image", number: int) -> object:
    return cast("Mapping[int, object]", getattr(picture, "tag_v2", {})).get(number)


def whole(picture: "Image.Image", path: Path, name: str, page: int = 0) -> Wide | None:
    """All 16 bits of a picture that was opened from a file, at a page; `None` where it has no more than 8.

    Raises `TaskError` where there is no room for them.
    """
    if KEY not in picture.info:
        return None
    from PIL import Image

    low = cast("object", picture.info[KEY])
    if isinstance(low, Image.Image):
        return Wide(picture, low)
    limits.check_memory(name, picture.width * picture.height * 4)
    with Image.open(path, formats=(picture.format or "",)) as low:
        if page:
            low.seek(page)
        read_as(low, _other)
        low.load()
        # A transparent colour has become an alpha channel.
        half = low.convert("RGB") if picture.mode == "RGBA" and low.mode == "RGB" else low.copy()
    if half.mode != picture.mode:
        half.putalpha(picture.getchannel("A"))
    return Wide(picture, half) if half.size == picture.size else None


def _other(tile: Tile) -> str:
    return tile.rawmode[:-1] + OTHER[tile.rawmode[-1]]


def write(wide: Wide, template: bytes, format: Literal["PNG", "TIFF"], file: BinaryIO) -> None:
    """Write all 16 bits. `template` is a file of the format with one pixel and all that is said beside the pixels."""
    if format == "PNG":
        _write_png(wide, template, file)
    else:
        _write_tiff(wide, template, file)


def _rows(wide: Wide, order: Literal["big", "little"]) -> "Iterator[NDArray[numpy.uint8]]":
    """Some rows at a time: rows × bytes."""
    import numpy

    width, height = wide.high.size
    channels = len(wide.high.getbands())
    step = max(PIECE // (width * channels * 2), 1)
    for top in range(0, height, step):
        box = (0, top, width, min(top + step, height))
        parts = [numpy.asarray(half.crop(box), dtype=numpy.uint8) for half in wide]
        if order == "little":
            parts.reverse()
        yield numpy.stack(parts, axis=-1).reshape(box[3] - top, -1)


def _write_png(wide: Wide, template: bytes, file: BinaryIO) -> None:
    """PNG, third edition §5, §11.2."""
    file.write(template[:SIGNATURE])
    at = SIGNATURE
    while at < len(template):
        length, kind = struct.unpack_from(">I4s", template, at)
        content = template[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height = wide.high.size
            file.write(png.chunk(kind, struct.pack(">IIB", width, height, 16) + content[9:]))
        elif kind == b"IDAT":
            for part in _compressed(wide):
                file.write(png.chunk(kind, part))
        else:
            file.write(png.chunk(kind, content))


def _compressed(wide: Wide) -> Iterator[bytes]:
    import numpy

    pixel = len(wide.high.getbands()) * 2
    packer = zlib.compressobj()
    above = numpy.zeros((1, wide.high.width * pixel), dtype=numpy.uint8)
    for rows in _rows(wide, "big"):
        if part := packer.compress(_filtered(rows, above, pixel)):
            yield part
        above = rows[-1:]
    yield packer.flush()


def _filtered(rows: "NDArray[numpy.uint8]", above: "NDArray[numpy.uint8]", pixel: int) -> bytes:
    """Each row by the filter that leaves the smallest differences (PNG §12.7), with its number before it."""
    import numpy

    up = numpy.vstack([above, rows[:-1]])
    left, corner = (numpy.pad(each[:, :-pixel], ((0, 0), (pixel, 0))) for each in (rows, up))
    tried = {1: rows - left, 2: rows - up, 4: rows - _paeth(left, up, corner)}
    sizes = numpy.stack([numpy.abs(each.view(numpy.int8).astype(numpy.int16)).sum(axis=1) for each in tried.values()])
    best = cast("NDArray[numpy.intp]", sizes.argmin(axis=0))
    numbers = numpy.array(list(tried), dtype=numpy.uint8)[best]
    chosen = numpy.stack(list(tried.values()))[best, numpy.arange(len(rows))]
    return numpy.hstack([numbers[:, numpy.newaxis], chosen]).tobytes()


def _paeth(
    left: "NDArray[numpy.uint8]", up: "NDArray[numpy.uint8]", corner: "NDArray[numpy.uint8]"
) -> "NDArray[numpy.uint8]":
    """PNG §9.4."""
    import numpy

    a, b, c = (each.astype(numpy.int16) for each in (left, up, corner))
    near_a, near_b, near_c = numpy.abs(b - c), numpy.abs(a - c), numpy.abs(a + b - 2 * c)
    first = (near_a <= near_b) & (near_a <= near_c)
    return numpy.where(first, left, numpy.where(near_b <= near_c, up, corner))


def _write_tiff(wide: Wide, template: bytes, file: BinaryIO) -> int:
    """TIFF 6.0 §2, at the end of a file; pixels are one strip behind the rest. Gives where the next page is named."""
    base = file.tell()
    made = bytearray(template + bytes(len(template) % 2))
    width, height = wide.high.size
    size = width * height * len(wide.high.getbands()) * 2
    values = {WIDTH: width, LENGTH: height, OFFSETS: base + len(made), ROWS: height, COUNTS: size}
    (directory,) = struct.unpack_from("<I", made, 4)
    (entries,) = struct.unpack_from("<H", made, directory)
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, count, place = struct.unpack_from("<HHII", made, at)
        far = SIZES.get(kind, 1) * count > INSIDE
        if tag in values:
            struct.pack_into("<HHII", made, at, tag, LONG, 1, values[tag])
            continue
        if tag == BITS:
            struct.pack_into(f"<{count}H", made, place if far else at + 8, *[16] * count)
        if far:
            struct.pack_into("<I", made, at + 8, base + place)
    file.write(made)
    for rows in _rows(wide, "little"):
        file.write(rows.tobytes())
    return base + directory + 2 + 12 * entries


def write_pages(pages: Iterable[tuple[Wide, bytes]], file: BinaryIO) -> None:
    """Write all 16 bits of several pages as TIFF, each with its template as `write` takes it."""
    link = None
    for page, template in pages:
        base = file.tell()
        if link is not None:
            (directory,) = struct.unpack_from("<I", template, 4)
            file.seek(link)
            file.write(struct.pack("<I", base + directory))
            file.seek(base)
        link = _write_tiff(page, template, file)
