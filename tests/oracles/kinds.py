"""Pictures of every kind, made by code, and what each is to look like."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.media.tiff import Layout, tiff
from tests.oracles.programs import Pixels

WIDTH, HEIGHT = 96, 64
# Where the transparent kinds are clear: whole blocks of a JPEG, which has no edge of its own there.
CLEAR = (slice(None), slice(64, 96))


class Kind(NamedTuple):
    """A kind of picture. `truth` is what it shows where no program has to be asked; `profile` says that one counts."""

    about: str
    make: Callable[[Path], None]
    truth: Pixels | None = None
    profile: bool = False


def ramp() -> Pixels:
    """Grey from black to white, height × width, 0 to 1; both ends lie within."""
    across = numpy.clip((numpy.arange(WIDTH) - 8) / (WIDTH - 17), 0, 1)
    return numpy.tile(across, (HEIGHT, 1))


def colours() -> Pixels:
    """Soft colours with waves: height × width × 3, 0 to 1."""
    x, y = numpy.meshgrid(numpy.linspace(0, 1, WIDTH), numpy.linspace(0, 1, HEIGHT))
    waves = 0.15 * numpy.sin(9 * x + 2) * numpy.cos(7 * y) + 0.1 * numpy.cos(14 * x * y + 4 * x)
    return numpy.clip(numpy.stack([0.3 + 0.4 * x, 0.3 + 0.4 * y, 0.6 - 0.3 * x * y], axis=2) + waves[..., None], 0, 1)


def few() -> NDArray[numpy.uint8]:
    """An index for each pixel, 0 to 15, in blocks of 16 pixels and more."""
    blocks = numpy.add.outer(numpy.arange(HEIGHT) // 16, numpy.arange(WIDTH) // 16)
    return (blocks % 16).astype(numpy.uint8)


def grey(pixels: Pixels) -> Pixels:
    """Grey as red, green, blue and alpha."""
    return numpy.dstack([pixels, pixels, pixels, numpy.ones_like(pixels)])


def eight(pixels: Pixels) -> NDArray[numpy.uint8]:
    return numpy.round(pixels * 255).astype(numpy.uint8)


def sixteen(pixels: Pixels) -> NDArray[numpy.uint16]:
    return numpy.round(pixels * 65_535).astype(numpy.uint16)


def saved(picture: Image.Image, format: str, **options: object) -> Callable[[Path], None]:
    return lambda path: picture.save(path, format, **options)


def written(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def profile(curve: float, space: bytes, primaries: tuple[tuple[float, float], ...] = ()) -> bytes:
    """An ICC profile of one gamma (ICC.1 §8): grey, or red, green and blue with these primaries (x, y), white D65."""
    curv = b"curv" + bytes(4) + (1).to_bytes(4) + round(curve * 256).to_bytes(2) + bytes(2)
    tags: dict[bytes, bytes] = {b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    if space == b"GRAY":
        tags[b"kTRC"] = curv
    else:
        matrix = _adapted(primaries)
        tags |= {kind + b"TRC": curv for kind in (b"r", b"g", b"b")}
        tags |= {kind + b"XYZ": _xyz(*column) for kind, column in zip((b"r", b"g", b"b"), matrix.T, strict=True)}
    tags[b"desc"] = b"desc" + bytes(4) + (5).to_bytes(4) + b"test\0" + bytes(78)
    tags[b"cprt"] = b"text" + bytes(4) + b"none\0"
    table, data = len(tags).to_bytes(4), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + (start + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content + bytes(-len(content) % 4)
    size = start + len(data)
    head = size.to_bytes(4) + bytes(4) + b"\2\x40\0\0" + b"mntr" + space + b"XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    return head.ljust(128, b"\0") + table + data


def _adapted(primaries: tuple[tuple[float, float], ...]) -> Pixels:
    """From red, green and blue to XYZ of D50, by way of Bradford."""
    white65 = numpy.array([0.95047, 1.0, 1.08883])
    white50 = numpy.array([0.9642, 1.0, 0.8249])
    columns = numpy.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * numpy.linalg.solve(columns, white65)
    bradford = numpy.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = numpy.diag((bradford @ white50) / (bradford @ white65))
    return numpy.linalg.inv(bradford) @ scale @ bradford @ matrix


def _fixed(value: float) -> bytes:
    return round(value * 65_536).to_bytes(4, signed=True)


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(x) + _fixed(y) + _fixed(z)


P3 = profile(2.2, b"RGB ", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)))
GAMMA_1_8 = profile(1.8, b"GRAY")


def lab() -> bytes:
    """A TIFF in CIELab of 8 bits (TIFF 6.0 §23): a and b are signed."""
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    made = ImageCms.applyTransform(Image.fromarray(eight(colours())), transform)
    assert made is not None
    buffer = io.BytesIO()
    made.save(buffer, "TIFF")
    return buffer.getvalue()


def lab_of_16_bits() -> NDArray[numpy.uint16]:
    """CIELab as 16 bits have it (TIFF 6.0 §23), rounded to what 8 bits hold."""
    with Image.open(io.BytesIO(lab())) as picture:
        levels = numpy.frombuffer(picture.tobytes("raw", "LAB"), numpy.uint8).reshape(HEIGHT, WIDTH, 3)
    return levels * numpy.array([257, 256, 256], dtype=numpy.uint16)


def clear(pixels: Pixels, alpha: float = 0.0) -> Pixels:
    """With an alpha channel that is so clear in its part; what is hidden there is black."""
    layer = numpy.dstack([pixels, numpy.ones(pixels.shape[:2])])
    layer[CLEAR] = (0, 0, 0, alpha)
    return layer


def palette(alphas: bytes | int | None = None) -> Image.Image:
    picture = Image.fromarray(few(), "P")
    picture.putpalette([value for step in range(16) for value in (150 + 5 * step, 240 - 4 * step, 180 + 4 * step)])
    if alphas is not None:
        picture.info["transparency"] = alphas
    return picture


def keyed(mode: str, key: object) -> Image.Image:
    """A picture of which one colour is transparent; it is that of the clear part."""
    numbers = {"L": eight(ramp()), "RGB": eight(colours()), "I;16": sixteen(ramp())}[mode].copy()
    numbers[numbers == numpy.array(key)] -= 1
    numbers[CLEAR] = key
    picture = Image.fromarray(numbers)
    picture.info["transparency"] = key
    return picture


def png_with_bits(bits: int, key: int | None = None) -> bytes:
    """A grey PNG of 1, 2 or 4 bits, with one of its few greys transparent."""
    import struct
    import zlib

    levels = (few() % (2**bits)).astype(numpy.uint8)
    packed = numpy.zeros((HEIGHT, WIDTH * bits // 8), dtype=numpy.uint8)
    for place in range(8 // bits):
        packed |= levels[:, place :: 8 // bits] << (8 - bits * (place + 1))
    rows = b"".join(b"\0" + row.tobytes() for row in packed)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, 0, 0, 0, 0)
    clear_grey = b"" if key is None else chunk(b"tRNS", struct.pack(">H", key))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + clear_grey + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip


def png_of_16_bits(pixels: NDArray[numpy.uint16], key: tuple[int, int, int] | None = None) -> bytes:
    """A PNG of 16 bits of grey and alpha, or of red, green and blue (and alpha)."""
    import struct
    import zlib

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, {2: 4, 3: 2, 4: 6}[pixels.shape[2]], 0, 0, 0)
    clear_colour = b"" if key is None else chunk(b"tRNS", struct.pack(">HHH", *key))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + clear_colour + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip


def nearly_keyed() -> NDArray[numpy.uint16]:
    """Colours of 16 bits, of which half of the clear part differs from the key in the low byte of its red alone."""
    pixels = sixteen(colours())
    pixels[CLEAR] = KEY_16
    pixels[HEIGHT // 2 :, 64:, 0] += 1
    return pixels


KEY_16 = (40_000, 20_000, 50_000)


def gamma() -> PngInfo:
    """0.7: the numbers are light to its power."""
    said = PngInfo()
    said.add(b"gAMA", (70_000).to_bytes(4))
    return said


def brighter(pixels: Pixels) -> Pixels:
    """Numbers of gamma 0.7 in sRGB (IEC 61966-2-1), with alpha."""
    light = (numpy.round(pixels * 255) / 255) ** (1 / 0.7)
    seen = numpy.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return grey(seen) if seen.ndim == 2 else numpy.dstack([seen, numpy.ones(seen.shape[:2])])


def cmyk() -> Image.Image:
    return Image.fromarray(eight(colours())).convert("CMYK")


RGB = Image.fromarray(eight(colours()))
GREY = Image.fromarray(eight(ramp()))
RGBA = Image.fromarray(eight(clear(colours())))
HALF = Image.fromarray(eight(clear(colours(), 0.5)))
WIDE = (2**32 - 1) * ramp()
GREY_AND_ALPHA = sixteen(numpy.dstack([ramp(), clear(colours())[:, :, 3]]))

KINDS: dict[str, Kind] = {
    "RGB": Kind("JPEG, PNG, WebP of 8 bits", saved(RGB, "PNG")),
    "grey": Kind("grey of 8 bits", saved(GREY, "PNG")),
    "black and white": Kind("1 bit", saved(GREY.convert("1", dither=Image.Dither.NONE), "PNG")),
    "palette": Kind("a palette of up to 256 colours", saved(palette(), "PNG")),
    "CMYK": Kind("CMYK without a profile", saved(cmyk(), "TIFF")),
    "CMYK of Adobe": Kind("JPEG of inverted CMYK", saved(cmyk(), "JPEG", quality=100)),
    "Lab": Kind("TIFF in CIELab", written(lab()), truth=numpy.dstack([colours(), numpy.ones((HEIGHT, WIDTH))])),
    "Display P3": Kind("RGB with a profile that is not sRGB", saved(RGB, "PNG", icc_profile=P3), profile=True),
    "grey with a profile": Kind("a curve of its own", saved(GREY, "PNG", icc_profile=GAMMA_1_8), profile=True),
    "grey with alpha and a profile": Kind(
        "a curve of its own", saved(RGBA.convert("LA"), "PNG", icc_profile=GAMMA_1_8), profile=True
    ),
    "gamma": Kind("PNG of colours with `gAMA` 0.7", saved(RGB, "PNG", pnginfo=gamma()), truth=brighter(colours())),
    "gamma of grey": Kind("PNG", saved(GREY, "PNG", pnginfo=gamma()), truth=brighter(ramp())),
    "16-bit grey": Kind("PNG", saved(Image.fromarray(sixteen(ramp())), "PNG")),
    "16-bit grey, dark": Kind("PNG", saved(Image.fromarray(sixteen(ramp() / 200)), "PNG")),
    "16-bit grey, big-endian": Kind("TIFF", written(tiff(sixteen(ramp()), big_endian=True))),
    "16-bit grey, white is 0": Kind("TIFF", written(tiff(sixteen(ramp()), photometric=0))),
    "16-bit grey, signed": Kind(
        "TIFF", written(tiff((sixteen(ramp()).astype(numpy.int32) - 32_768).astype(numpy.int16))), truth=grey(ramp())
    ),
    "16-bit grey, 4095 is white": Kind(
        "TIFF with MaxSampleValue",
        written(tiff(numpy.round(ramp() * 4095).astype(numpy.uint16), {280: (3, [0]), 281: (3, [4095])})),
        truth=grey(ramp()),
    ),
    "16-bit RGB": Kind("PNG", written(png_of_16_bits(sixteen(colours())))),
    "16-bit RGB, little-endian": Kind("TIFF", written(tiff(sixteen(colours()), photometric=2))),
    "16-bit RGB, big-endian": Kind("TIFF", written(tiff(sixteen(colours()), photometric=2, big_endian=True))),
    "32-bit grey": Kind("TIFF", written(tiff(WIDE.astype(numpy.uint32))), truth=grey(ramp())),
    "32-bit grey, big-endian": Kind(
        "TIFF", written(tiff(WIDE.astype(numpy.uint32), big_endian=True)), truth=grey(ramp())
    ),
    "32-bit grey, signed": Kind(
        "TIFF", written(tiff((WIDE - 2**31).astype(numpy.int32))), truth=grey(ramp())
    ),
    "floating point": Kind("TIFF, 0 to 1", written(tiff(ramp().astype(numpy.float32)))),
    "floating point, big-endian": Kind("TIFF", written(tiff(ramp().astype(numpy.float32), big_endian=True))),
    "floating point of 64 bits": Kind("TIFF", written(tiff(ramp()))),
    "floating point of 64 bits, big-endian": Kind("TIFF", written(tiff(ramp(), big_endian=True))),
    "floating point with a range": Kind(
        "TIFF with SMin/SMaxSampleValue",
        written(tiff((ramp() * 300 - 100).astype(numpy.float32), {340: (11, [-100.0]), 341: (11, [200.0])})),
        truth=grey(ramp()),
    ),
    "floating point of 16 bits": Kind("TIFF", written(tiff(ramp().astype(numpy.float16)))),
    "floating point RGB": Kind(
        "TIFF", written(tiff(colours().astype(numpy.float32), photometric=2, layout=Layout(deflate=True, predictor=3)))
    ),
    "32-bit RGB": Kind("TIFF", written(tiff((colours() * (2**32 - 1)).astype(numpy.uint32), photometric=2))),
    "16-bit Lab": Kind(
        "TIFF", written(tiff(lab_of_16_bits(), photometric=8)),
        truth=numpy.dstack([colours(), numpy.ones((HEIGHT, WIDTH))]),
    ),
    "CMYK with alpha": Kind(
        "TIFF",
        written(tiff(numpy.dstack([cmyk(), eight(clear(colours()))[..., 3]]), {338: (3, [2])}, photometric=5)),
    ),
    "alpha": Kind("RGB with alpha, of which a part is clear", saved(RGBA, "PNG")),
    "half clear": Kind("RGB with alpha of one half", saved(HALF, "PNG")),
    "grey with alpha": Kind("grey with alpha", saved(RGBA.convert("LA"), "PNG")),
    "16-bit grey with alpha": Kind("PNG", written(png_of_16_bits(GREY_AND_ALPHA))),
    "16-bit grey with alpha, TIFF": Kind("TIFF", written(tiff(GREY_AND_ALPHA, {338: (3, [2])}))),
    "16-bit grey with alpha, big-endian": Kind(
        "TIFF", written(tiff(GREY_AND_ALPHA, {338: (3, [2])}, big_endian=True))
    ),
    "16-bit RGB with alpha": Kind("PNG", written(png_of_16_bits(sixteen(clear(colours()))))),
    "palette with alpha": Kind(
        "PNG: colours that are clear by degrees", saved(palette(), "PNG", transparency=bytes([0, 128, 255]))
    ),
    "palette with a clear colour": Kind("GIF", saved(palette(), "GIF", transparency=3)),
    "clear colour": Kind("PNG: one colour is transparent", saved(keyed("RGB", (200, 100, 50)), "PNG")),
    "clear grey": Kind("PNG: one grey is transparent", saved(keyed("L", 77), "PNG")),
    "clear 16-bit grey": Kind("PNG: one of 65,536 is transparent", saved(keyed("I;16", 20_000), "PNG")),
    "clear 16-bit colour": Kind("PNG: one of 2⁴⁸ is transparent", written(png_of_16_bits(nearly_keyed(), KEY_16))),
    "clear grey of 2 bits": Kind("PNG", written(png_with_bits(2, 2))),
    "clear grey of 4 bits": Kind("PNG", written(png_with_bits(4, 3))),
}  # fmt: skip
