"""The photo of the demo: a scene at the sea at dusk, painted here, stored as a camera that was held sideways stores it.

Needs Pillow, which the extra `[server]` brings.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter, ImageOps, ImageStat

SIZE: Final = (1500, 2000)
"""Pixels, upright: a portrait."""
SIDEWAYS: Final = 6
"""EXIF orientation of a camera that was turned to the left: what is stored has to be turned right by 90 degrees."""
CAMERA: Final = ("cl-client", "Demo camera")
DATE: Final = "2025:06:21 21:34:07"

_Colour = tuple[int, int, int]
_DIFFERENT: Final = 14.0


def paint() -> Image.Image:
    """The scene, upright."""
    width, height = SIZE
    horizon, sun = int(height * 0.62), (int(width * 0.68), int(height * 0.5))
    scene = _gradient(SIZE, top=(38, 41, 92), middle=(222, 98, 88), bottom=(255, 176, 98))
    glow = Image.new("L", SIZE)
    ImageDraw.Draw(glow).circle(sun, 330, fill=150)
    scene.paste((255, 226, 150), mask=glow.filter(ImageFilter.BoxBlur(140)))
    draw = ImageDraw.Draw(scene)
    draw.circle(sun, 118, fill=(255, 240, 196))
    for base, swing, colour in ((0.56, 120, (92, 62, 110)), (0.6, 70, (58, 44, 88))):
        ridge = [
            (x, int(height * base - swing * (math.sin(x / 210 + base * 40) + 0.6 * math.sin(x / 83))))
            for x in range(0, width + 20, 20)
        ]
        draw.polygon([(0, horizon), *ridge, (width, horizon)], fill=colour)
    sea = ImageOps.flip(scene.crop((0, 2 * horizon - height, width, horizon)))
    scene.paste(Image.blend(sea, Image.new("RGB", sea.size, (24, 36, 74)), 0.45), (0, horizon))
    draw = ImageDraw.Draw(scene)
    for row in range(14):
        y, reach = horizon + 20 + row * 34, 40 + row * 11
        draw.line((sun[0] - reach, y, sun[0] + reach, y), fill=(255, 214, 150), width=5)
    boat = int(width * 0.3), int(height * 0.71)
    draw.polygon(
        [(boat[0], boat[1] - 190), (boat[0], boat[1] - 20), (boat[0] + 110, boat[1] - 20)], fill=(250, 244, 236)
    )
    draw.polygon(
        [
            (boat[0] - 90, boat[1] - 8),
            (boat[0] + 130, boat[1] - 8),
            (boat[0] + 90, boat[1] + 34),
            (boat[0] - 60, boat[1] + 34),
        ],
        fill=(30, 24, 40),
    )
    return scene


def write(path: Path) -> Path:
    """Store the scene as the camera would: sideways, with who took it, when, and how to turn it.

    Raises:
        OSError: it cannot be written.
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = CAMERA
    exif[ExifTags.Base.Orientation] = SIDEWAYS
    exif[ExifTags.Base.DateTime] = DATE
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = DATE
    paint().transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=92, exif=exif)
    return path


def fault_of(path: Path, *, format: str, size: tuple[int, int]) -> str | None:
    """Check a picture that was made from the sample. Returns the problem, or `None` if it is that scene, upright.

    Args:
        path: The path of the picture.
        format: The name of the format in Pillow.
        size: The size in pixels.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            if picture.format != format:
                return f"is {picture.format}, and should be {format}"
            if picture.size != size:
                return f"has {_pixels(picture.size)} pixels, and should have {_pixels(size)}"
            if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                return "has an EXIF orientation that still rotates it"
            small = (60, 80)
            difference = ImageChops.difference(picture.convert("RGB").resize(small), paint().resize(small))
    except OSError as error:
        return f"is not a picture: {error}"
    if max(ImageStat.Stat(difference).mean) > _DIFFERENT:
        return "does not show the scene, or not upright"
    return None


def _gradient(size: tuple[int, int], top: _Colour, middle: _Colour, bottom: _Colour) -> Image.Image:
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), black=top, mid=middle, white=bottom)


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
