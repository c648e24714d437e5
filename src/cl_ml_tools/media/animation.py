"""Pictures that move: how many frames, for how long, and how often again."""

from typing import TYPE_CHECKING, cast

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import picture as pictures

if TYPE_CHECKING:
    from PIL import Image

# Other formats hold several pictures too, but as pages (TIFF), sizes (ICO) or views (MPO).
MOVING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})


def frame_count(picture: "Image.Image") -> int:
    """How many frames it has; 1 for a still."""
    return cast("int", getattr(picture, "n_frames", 1)) if picture.format in MOVING else 1


def animation_options(picture: "Image.Image", format: str, name: str) -> dict[str, object]:
    """What Pillow needs to write every frame as GIF or WebP. Raises `TaskError` when they are too many pixels."""
    count = frame_count(picture)
    if count * picture.width * picture.height > pictures.MAX_PIXELS:
        limit = pictures.MAX_PIXELS // 1_000_000
        raise TaskError(f"{name} is too large: its {count} frames have more than {limit} million pixels")
    durations: list[int] = []
    clear = False
    for number in range(count):
        picture.seek(number)
        # Some readers know how long a frame lasts when they have decoded it; and damage is found here.
        picture.load()
        clear = clear or pictures.transparent(picture)
        duration = cast("object", picture.info.get("duration", 0))
        durations.append(int(duration) if isinstance(duration, (int, float)) else 0)
    picture.seek(0)
    options: dict[str, object] = {"save_all": True, "duration": durations}
    times = plays(picture)
    if format == "webp":
        options["loop"] = times
        if clear:
            # Every frame whole: libwebp otherwise cuts them to what is opaque, and forgets that the rest was not.
            options["kmax"] = 1
    else:
        # GIF counts how often it is played again, where it is; 0 is for ever.
        options["loop"] = None if times == 1 else max(times - 1, 0)
        # What an earlier frame left must not shine through.
        options["disposal"] = 2
    return options


def plays(picture: "Image.Image") -> int:
    """How often an animation is played; 0 is for ever."""
    loop = cast("object", picture.info.get("loop"))
    if picture.format == "GIF":
        return 1 if not isinstance(loop, int) else loop + 1 if loop > 0 else 0
    return loop if isinstance(loop, int) and loop >= 0 else 0
