"""Finds the first picture of a film or an animation that is not black."""

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

# The part of a picture that is to be lighter than nearly black; a title on black is less.
BLACK = 0.02
NEARLY_BLACK = 32
MOST_LOOKED_AT = 250
ANIMATED = {"GIF", "WEBP", "PNG"}


def brightness(picture: "Image.Image") -> float:
    """The part of its pixels that are lighter than nearly black, 0 to 1; clear ones are as on white."""
    from PIL import Image

    small = picture.resize((64, 64))
    if small.has_transparency_data:
        clear = small.convert("RGBA")
        small = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    counts = small.convert("L").histogram()
    return sum(counts[NEARLY_BLACK:]) / (small.width * small.height)


def leave_black(picture: "Image.Image") -> None:
    """Go to the first frame of an animation that is not black; the first one where all are."""
    frames: int = getattr(picture, "n_frames", 1)
    if picture.format not in ANIMATED or frames == 1:
        return
    with suppress(EOFError, SyntaxError, ValueError, OSError):
        for number in range(min(frames, MOST_LOOKED_AT)):
            picture.seek(number)
            if brightness(picture) >= BLACK:
                return
    # All are black, or the first one that is not is damaged.
    picture.seek(0)
