"""Writes pictures with Pillow: pixels that fit, their profile, and what they carry; nothing else of the source.

What Pillow would take over by itself (a TIFF's compression, tables and tags, the background of a GIF) describes the
file that was read, and not the one that is written.
"""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cl_extras.whole_file import publishing
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import metadata as carrying
from cl_ml_tools.media import targets, wide
from cl_ml_tools.media.appearance import orientation, upright
from cl_ml_tools.media.metadata import NOTHING, Metadata
from cl_ml_tools.media.picture import blaming_the_picture
from cl_ml_tools.media.targets import TARGETS, Target, fit
from cl_ml_tools.media.wide import Wide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from cl_ml_tools.media.frames import Frames

# A WebP that is not lossless has one colour for four pixels. The best one is, as with ImageMagick, and from the usual
# quality that of few colours. Greys lose nothing by that, and photos of them have no more than 256.
BEST, LOSSLESS, FEW, FEW_GREYS = 100, 85, 256, 16
# The quality from which each pixel of a JPEG has its own colour, and not one for four of them; as with ImageMagick.
ALL_COLOURS = 90
OF_PIXELS = frozenset({"transparency"})


def only_of_pixels(picture: "Image.Image") -> dict[str | tuple[int, int], object]:
    """What a picture says of its own pixels, and Pillow's writers need; nothing of the file that it came from."""
    found = cast("dict[str | tuple[int, int], object]", picture.info)
    return {key: value for key, value in found.items() if key in OF_PIXELS}


def save_picture(
    picture: "Image.Image", path: Path, format: str, quality: int, *, name: str, metadata: Metadata = NOTHING
) -> list[str]:
    """Write a picture as `format` (a key of `TARGETS`); what had to be left out, each in one line."""
    target = TARGETS[format]
    fitted, profile = fit(picture, target)
    carried = carrying.carried(metadata, target)
    fitted.info = only_of_pixels(fitted)
    if target.alpha == "hard":
        targets.forget_unused_key(fitted)
    _write(fitted, path, format, quality, {**carried.options, "icc_profile": profile}, name)
    return carried.notes


def save_wide(picture: Wide, path: Path, format: str, *, name: str, metadata: Metadata = NOTHING) -> list[str]:
    """As `save_picture`, with 16 bits of each colour, upright. `format` is one that holds them."""
    target = TARGETS[format]
    turned = orientation(picture.high)
    fitted, profile = fit(upright(picture.high, turned), target)
    low = upright(picture.low, turned)
    if fitted.mode != low.mode:
        return save_picture(fitted, path, format, 100, name=name, metadata=metadata)
    carried = carrying.carried(metadata, target)
    template = _template(fitted, target, {**carried.options, "icc_profile": profile})
    with publishing(path) as part, part.open("wb") as file:
        wide.write(Wide(fitted, low), template, "PNG" if target.pillow == "PNG" else "TIFF", file)
    return carried.notes


def save_wide_pages(pages: "Iterator[Wide]", path: Path, metadata: Metadata = NOTHING) -> list[str]:
    """Write every page as TIFF with 16 bits of each colour; what had to be left out, each in one line."""
    target = TARGETS["tiff"]
    carried = carrying.carried(metadata, target)

    def fitted() -> "Iterator[tuple[Wide, bytes]]":
        # What the picture carries is said of its first page.
        options = carried.options
        for page in pages:
            made, profile = fit(page.high, target)
            yield Wide(made, page.low), _template(made, target, {**options, "icc_profile": profile})
            options = {}

    with publishing(path) as part, part.open("wb") as file:
        wide.write_pages(fitted(), file)
    return carried.notes


def _template(picture: "Image.Image", target: Target, options: dict[str, object]) -> bytes:
    """A file of one pixel that says all that is said beside the pixels."""
    from PIL import Image

    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if target.pillow == "TIFF":
            options = {**options, "compression": "raw"}
        Image.new(picture.mode, (1, 1)).save(made, target.pillow, **options)
    return made.getvalue()


def save_frames(
    frames: "Frames",
    path: Path,
    format: str,
    quality: int,
    *,
    name: str,
    profile: bytes | None = None,
    metadata: Metadata = NOTHING,
) -> list[str]:
    """Write every frame or page; what had to be left out, each in one line.

    Pages have profiles of their own; `profile` is that of all frames of an animation.
    """
    carried = carrying.carried(metadata, TARGETS[format])
    options = {**carried.options, **frames.options}
    if profile is not None:
        options["icc_profile"] = profile
    _write(frames.picture, path, format, quality, options, name)
    return carried.notes


def _write(
    picture: "Image.Image", path: Path, format: str, quality: int, options: dict[str, object], name: str
) -> None:
    target = TARGETS[format]
    if target.quality:
        options["quality"] = quality
    if target.pillow == "JPEG" and quality >= ALL_COLOURS:
        options["subsampling"] = 0
    if target.pillow == "TIFF":
        options["compression"] = "raw"
    if target.pillow == "WEBP":
        # Of an animation, the first frame stands for all.
        few = quality >= LOSSLESS and _has_few_colours(picture, moving="save_all" in options)
        options["lossless"] = quality == BEST or few

    def impossible(why: str) -> TaskError:
        return TaskError(f"{name} cannot be written as {format}: {why}")

    if target.longest is not None and max(picture.size) > target.longest:
        width, height = picture.size
        raise impossible(f"it is {width} × {height} pixels, and a side has at most {target.longest} there")
    with publishing(path) as part, blaming_the_picture(impossible), warnings.catch_warnings():
        # Of tags of a TIFF that is read, which are not the ones that are written.
        warnings.simplefilter("ignore", UserWarning)
        picture.save(part, target.pillow, **options)


def _has_few_colours(picture: "Image.Image", *, moving: bool) -> bool:
    found = cast("list[tuple[int, tuple[int, ...]]] | None", picture.getcolors(FEW))
    if found is None or len(found) <= FEW_GREYS:
        return found is not None
    # An animation of more is mostly a film that was a GIF.
    return not moving and any(len({*each[:3]}) > 1 for _, each in found)
