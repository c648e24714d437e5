"""Colour spaces: whose numbers the pixels are, and how they become sRGB. The one place that uses LittleCMS.

What counts is the space that the profile is of, not only the mode of the picture: a CMYK or grey profile says nothing
of red, green and blue.
"""

import io
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, cast

from cl_ml_tools.media import transparency

if TYPE_CHECKING:
    from PIL import Image, ImageCms

GREY = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
# The ICC's names of colour spaces (ICC.1 §7.2.6), for what a mode holds.
SPACES = {"CMYK": "CMYK", "LAB": "Lab "}
FLAT = frozenset({"L", "RGB", "RGBA"})
PROBE = 9
# What 8 bits cannot show, and rounding does.
SAME = 2

log = logging.getLogger(__name__)


def space(mode: str) -> str:
    """The ICC's name of the colour space of a mode."""
    return "GRAY" if mode in GREY else SPACES.get(mode, "RGB ")


def profile(picture: "Image.Image") -> bytes | None:
    """The picture's own profile; `None` where there is none, or one of another space than the pixels are of."""
    found: object = picture.info.get("icc_profile")
    if not isinstance(found, bytes) or not found:
        return None
    own = "GRAY" if transparency.GREY in picture.info else space(picture.mode)
    return found if _space_of(found) == own else None


def to_srgb(picture: "Image.Image") -> "Image.Image":
    """The picture in sRGB: L, RGB or RGBA. Takes 8 bits of grey, RGB with or without alpha, CMYK and Lab."""
    found = profile(picture) or _lent(picture)
    if picture.mode == "LAB":
        return _converted(picture, None)
    if found is None or is_srgb(found):
        return picture if picture.mode in FLAT else picture.convert(_flat(picture))
    if picture.mode == "CMYK":
        return _converted(picture, found)
    if _space_of(found) == "GRAY":
        return _grey(picture, found)
    return _converted(picture if picture.mode in {"RGB", "RGBA"} else picture.convert(_coloured(picture)), found)


def needs_conversion(picture: "Image.Image") -> bool:
    """Whether a profile changes the pixels on their way to sRGB; Lab is one by itself."""
    if picture.mode == "LAB":
        return True
    found = profile(picture) or _lent(picture)
    return found is not None and not is_srgb(found)


def _lent(picture: "Image.Image") -> bytes | None:
    """The RGB profile of a grey picture, which is that of its brightness."""
    found: object = picture.info.get("icc_profile")
    if isinstance(found, bytes) and picture.mode in GREY and _space_of(found) == "RGB ":
        return found
    return None


def _flat(picture: "Image.Image") -> str:
    return "L" if picture.mode == "1" else _coloured(picture)


def _coloured(picture: "Image.Image") -> str:
    return "RGBA" if transparency.is_transparent(picture) else "RGB"


def _converted(picture: "Image.Image", found: bytes | None) -> "Image.Image":
    """Through the profile; one that cannot be used is ignored, as if there were none."""
    from PIL import Image, ImageCms

    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture if alpha is None else picture.convert("RGB")
    try:
        transform = _transform(found, colours.mode)
    except (ImageCms.PyCMSError, OSError):
        log.info("a colour profile that cannot be used is ignored", exc_info=True)
        return picture.convert("RGB") if alpha is None else picture
    made = Image.new("RGB", picture.size)
    transform.apply(colours, made)
    if alpha is not None:
        made.putalpha(alpha)
    made.info = _without_profile(picture)
    return made


def _grey(picture: "Image.Image", found: bytes) -> "Image.Image":
    """Grey by its own curve: 256 numbers are converted, and the picture by a table of them."""
    from PIL import Image

    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    table = list(_converted(ramp, found).convert("L").tobytes())
    alpha = picture.getchannel("A") if picture.mode in {"LA", "RGBA"} else None
    made = picture.convert("L").point(table)
    if alpha is not None:
        made = made.convert("RGBA")
        made.putalpha(alpha)
    made.info = _without_profile(picture)
    return made


def _without_profile(picture: "Image.Image") -> dict[str | tuple[int, int], object]:
    found = cast("dict[str | tuple[int, int], object]", picture.info)
    return {key: value for key, value in found.items() if key != "icc_profile"}


def _open(found: bytes) -> "ImageCms.ImageCmsProfile":
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(io.BytesIO(found))


@lru_cache(maxsize=4)
def _transform(found: bytes | None, mode: str) -> "ImageCms.ImageCmsTransform":
    from PIL import ImageCms

    source = _built_in("LAB") if found is None else _open(found)
    return ImageCms.buildTransform(source, _built_in("sRGB"), mode, "RGB")


def _built_in(name: Literal["LAB", "sRGB"]) -> "ImageCms.ImageCmsProfile":
    from PIL import ImageCms

    # `createProfile` says no types.
    make = cast("Callable[[str], str]", getattr(ImageCms, "createProfile"))  # noqa: B009
    return ImageCms.ImageCmsProfile(make(name))


def _space_of(found: bytes) -> str:
    """The colour space that a profile names in its header (ICC.1 §7.2)."""
    return found[16:20].decode("ascii", "replace")


@lru_cache(maxsize=16)
def is_srgb(found: bytes) -> bool:
    """Whether a profile changes nothing that 8 bits show; so it is tried, because profiles have many names."""
    if _space_of(found) == "CMYK":
        return False
    from PIL import Image, ImageCms

    steps = [round(step * 255 / (PROBE - 1)) for step in range(PROBE)]
    if _space_of(found) == "GRAY":
        probe = Image.frombytes("L", (256, 1), bytes(range(256)))
    else:
        probe = Image.new("RGB", (PROBE**3, 1))
        probe.putdata([(red, green, blue) for red in steps for green in steps for blue in steps])
    try:
        made = Image.new("RGB", probe.size)
        _transform(found, probe.mode).apply(probe, made)
    except (ImageCms.PyCMSError, OSError):
        return True
    before, after = probe.convert("RGB").tobytes(), made.tobytes()
    return all(abs(one - other) <= SAME for one, other in zip(before, after, strict=True))


def holds(found: bytes | None, mode: str) -> bool:
    """Whether a profile is of the space of a mode."""
    return found is not None and _space_of(found) == space(mode)
