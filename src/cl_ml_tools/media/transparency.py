"""Transparency: which pictures have it, and what is seen where they do. The one place that flattens."""

from typing import TYPE_CHECKING, cast

from cl_ml_tools.media import depth

if TYPE_CHECKING:
    from PIL import Image

# Where a picture says that its three colours are one grey: its profile may be of that.
GREY = "grey"
LAYERED = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})


def is_transparent(picture: "Image.Image") -> bool:
    """Whether the picture has an alpha channel, a transparent colour, or a palette with alpha."""
    return picture.mode in LAYERED or "transparency" in picture.info


def layered(picture: "Image.Image") -> "Image.Image":
    """A picture that is transparent as RGBA, whatever it says so with."""
    if picture.mode == "RGBA":
        return picture
    made = _layered(picture)
    if picture.mode in {"1", "L", "LA", "La"} or depth.is_deep(picture):
        made.info[GREY] = True
    return made


def _layered(picture: "Image.Image") -> "Image.Image":
    key: object = picture.info.get("transparency")
    if depth.is_deep(picture) and isinstance(key, int):
        # A colour of 16 bits is looked for before it is scaled: others become the same.
        mask = depth.matches(picture, key)
        made = _plain(depth.scaled(picture, 8)).convert("RGBA")
        made.putalpha(mask)
        return made
    if picture.mode == "1":
        return picture.convert("L").convert("RGBA")
    if picture.mode == "La":
        return picture.convert("LA").convert("RGBA")
    return picture.convert("RGBA")


def on_white(picture: "Image.Image") -> "Image.Image":
    """A transparent picture on white, as RGB. What is hidden leaves no trace."""
    layer = layered(picture)
    # White is laid over what it holds, by how clear that is: no second picture is made.
    paper = layer.convert("RGB")
    paper.paste((255, 255, 255), mask=layer.getchannel("A").point(range(255, -1, -1)))
    paper.info = {key: value for key, value in cast("dict[str, object]", layer.info).items() if key != "transparency"}
    return paper


def _plain(picture: "Image.Image") -> "Image.Image":
    picture.info.pop("transparency", None)
    return picture


def without_alpha(picture: "Image.Image") -> "Image.Image":
    """A picture of which every pixel is known to be there, without the channel that says so."""
    return picture.convert("RGB") if picture.mode in LAYERED else picture
