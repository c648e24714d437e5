"""Pictures of every kind that a plugin has to take."""

import io
from pathlib import Path

from PIL import Image

ORIENTATION = 0x0112
MAKE = 0x010F

# What has to be done to a picture so that undoing its EXIF orientation gives the picture back.
TURNS: dict[int, Image.Transpose | None] = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def corners(width: int = 120, height: int = 80) -> Image.Image:
    """A picture that shows how it is turned: red, green, blue and white corners (left to right, top to bottom)."""
    picture = Image.new("RGB", (width, height))
    middle = (width // 2, height // 2)
    for place, colour in (
        ((0, 0, *middle), "red"),
        ((middle[0], 0, width, middle[1]), "lime"),
        ((0, middle[1], middle[0], height), "blue"),
        ((*middle, width, height), "white"),
    ):
        picture.paste(colour, place)
    return picture


def corner_colours(picture: Image.Image) -> list[str]:
    """The colours in the corners, in the same order, however lossy the format was."""
    plain = picture.convert("RGB")
    x, y = plain.width // 8, plain.height // 8
    places = [(x, y), (plain.width - 1 - x, y), (x, plain.height - 1 - y), (plain.width - 1 - x, plain.height - 1 - y)]
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white", (0, 0, 0): "black"}
    seen: list[str] = []
    for place in places:
        pixel = plain.getpixel(place)
        assert isinstance(pixel, tuple)
        red, green, blue = pixel
        seen.append(names[red > 127, green > 127, blue > 127])
    return seen


def in_mode(mode: str, size: tuple[int, int] = (120, 80)) -> Image.Image:
    """The corners in a mode of Pillow; those with transparency are clear in their last quarter."""
    picture = corners(*size)
    if mode in {"RGBA", "LA", "PA"}:
        with_alpha = picture.convert("RGBA")
        with_alpha.paste((0, 0, 0, 0), (size[0] // 2, size[1] // 2, *size))
        return with_alpha.convert(mode)
    if mode == "I;16":
        # Pillow pastes only the low byte of a 16-bit colour, so the bright half is what is left.
        wide = Image.new("I;16", size, 60_000)
        wide.paste(0, (size[0] // 2, 0, *size))
        return wide
    if mode in {"I", "F"}:
        return picture.convert("L").convert(mode)
    return picture.convert(mode)


def encoded(picture: Image.Image, format: str = "JPEG", *, orientation: int = 1) -> bytes:
    """The bytes of a picture; with an EXIF orientation, the pixels are stored turned."""
    turn = TURNS[orientation]
    stored = picture if turn is None else picture.transpose(turn)
    out = io.BytesIO()
    if orientation == 1:
        stored.save(out, format, quality=95)
    else:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        exif[MAKE] = "cl-client"
        stored.save(out, format, quality=95, exif=exif)
    return out.getvalue()


def photo(width: int = 1600, height: int = 1200, *, orientation: int = 1) -> bytes:
    """A JPEG as a camera makes it."""
    return encoded(corners(width, height), "JPEG", orientation=orientation)


def write(path: Path, content: bytes) -> Path:
    """The content as a file."""
    path.write_bytes(content)
    return path


def slow() -> bytes:
    """A small file that takes a worker about a second to convert."""
    return encoded(Image.new("1", (5000, 5000)), "PNG")
