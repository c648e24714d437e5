"""Pictures of several: frames of an animation, pages of a document. Each is made when it is asked for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

from PIL import Image

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import appearance, limits, tiff, transparency, wide
from cl_ml_tools.media.apng import Apng
from cl_ml_tools.media.gif import Gif
from cl_ml_tools.media.picture import blaming_the_picture
from cl_ml_tools.media.tiles import tiles

# Other formats hold several pictures too, but as sizes (ICO) or views (MPO).
MOVING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
# HEIF holds a collection, of which one picture is the one to show.
PAGED = frozenset({"TIFF", "HEIF"})
# NewSubfileType (TIFF 6.0 §8): a smaller version of another page, or a mask for one.
SUBFILE, SMALLER_OR_MASK = 254, 0b101

Fit = Callable[[Image.Image], Image.Image]


class Several(Image.Image):
    """What Pillow's writers take for a picture of several: they ask for one after the other, and each is made then."""

    def __init__(self, count: int, each: Callable[[], Iterator[Image.Image]]) -> None:
        super().__init__()
        self.n_frames = count
        self.is_animated = count > 1
        self._each = each
        self._rest = each()
        self._at = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go to a frame; back to an earlier one makes them anew."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("there are no more")
        if frame < self._at:
            self._rest, self._at = self._each(), -1
        while self._at < frame:
            made = next(self._rest)
            made.load()
            self.im, self._mode, self._size = made.im, made.mode, made.size
            self.palette, self.info = made.palette, dict(made.info)
            self._at += 1

    def tell(self) -> int:
        """The frame that it is at."""
        return self._at


class Frames(NamedTuple):
    """The frames or pages of a picture that are written, and what Pillow's writer is to know of them."""

    picture: Several
    options: dict[str, object]


class Moving(NamedTuple):
    """An animation: how many frames, whether it is known of all that they are opaque, and the frames themselves."""

    length: int
    opaque: bool
    shown: Callable[[], Iterator[Image.Image]]


def frame_count(picture: Image.Image) -> int:
    """How many frames an animation has; 1 for a still."""
    if picture.format not in MOVING:
        return 1
    hidden = bool(getattr(picture, "default_image", False))
    return max(cast("int", getattr(picture, "n_frames", 1)) - hidden, 1)


def page_count(picture: Image.Image) -> int:
    """How many pages a document has, or pictures a collection; smaller versions of pages do not count."""
    if picture.format == "HEIF":
        return cast("int", getattr(picture, "n_frames", 1))
    return len(_pages(picture)) if picture.format == "TIFF" else 1


def animation(picture: Image.Image, path: Path, format: str, fit: Fit, name: str) -> Frames:
    """Every frame, for GIF or WebP. Raises `TaskError` when they are too many pixels."""
    count = frame_count(picture)
    if count * picture.width * picture.height > limits.MAX_PIXELS:
        limit = limits.MAX_PIXELS // limits.MILLION
        raise TaskError(f"{name} is too large: its {count} frames have more than {limit} million pixels")
    turned = appearance.orientation(picture)

    source = _moving(picture, path, name)
    # Where it is not known beforehand, frames are looked at up to the first that is clear.
    clear = not source.opaque and any(map(_is_clear, source.shown()))
    # Some readers know how long a frame lasts when they have decoded it, and writers ask when they have a frame.
    durations = [0] * source.length

    def fitted() -> Iterator[Image.Image]:
        for number, frame in enumerate(source.shown()):
            duration = cast("object", frame.info.get("duration", 0))
            durations[number] = int(duration) if isinstance(duration, (int, float)) else 0
            upright = appearance.upright(frame, turned)
            yield fit(upright if clear else transparency.without_alpha(upright))

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
        # Else each palette is written anew, and Pillow compares frames by the numbers of the old ones.
        options["optimize"] = False
    return Frames(Several(source.length, fitted), options)


def _moving(picture: Image.Image, path: Path, name: str) -> Moving:
    """The frames of an animation. What is wrong with them is told as damage, whenever it is found."""

    def damaged(why: str) -> TaskError:
        return TaskError(f"{name} is damaged: {why}")

    def telling(frames: Iterator[Image.Image]) -> Iterator[Image.Image]:
        with blaming_the_picture(damaged):
            yield from frames

    if picture.format == "PNG":
        apng = Apng(path, picture.info.get("icc_profile"))
        return Moving(len(apng.frames), apng.opaque, lambda: telling(apng.shown()))
    if picture.format == "GIF":
        gif = Gif(path)
        return Moving(*gif.outline(), lambda: telling(gif.shown()))
    count = frame_count(picture)
    return Moving(count, picture.mode == "RGB", lambda: telling(_seeking(picture, range(count))))


def pages(picture: Image.Image, fit: Fit, name: str) -> Frames:
    """Every page, or picture of a collection, for TIFF; the primary one first.

    Raises `TaskError` when they are too many pixels.
    """
    numbers = _pages(picture)
    total = 0
    for number in numbers:
        picture.seek(number)
        total += picture.width * picture.height
        if picture.width * picture.height > limits.MAX_PIXELS:
            raise limits.TooManyPixelsError(name)
    if total > limits.MAX_PAGE_PIXELS:
        limit = limits.MAX_PAGE_PIXELS // limits.MILLION
        raise TaskError(f"{name} is too large: its {len(numbers)} pages have more than {limit} million pixels")
    picture.seek(numbers[0])
    return Frames(Several(len(numbers), lambda: map(fit, _seeking(picture, numbers))), {"save_all": True})


def wide_pages(picture: Image.Image, path: Path, name: str) -> Iterator[wide.Wide] | None:
    """Every page of a TIFF with 16 bits of each colour; `None` where not all of them have those."""
    numbers = _pages(picture)
    for number in numbers:
        picture.seek(number)
        # One that is decoded has its mark already.
        if tiles(picture):
            picture.info.pop(wide.KEY, None)
            wide.mark(picture)
        if wide.KEY not in picture.info:
            picture.seek(numbers[0])
            return None

    def made() -> Iterator[wide.Wide]:
        for number in numbers:
            picture.seek(number)
            wide.join(tiff.native(picture)).load()
            found = wide.whole(picture, path, name, number)
            if found is None:
                raise TaskError(f"{name} is damaged: page {number + 1} has two sizes")
            yield found

    return made()


def plays(picture: Image.Image) -> int:
    """How often an animation is played; 0 is for ever."""
    loop = cast("object", picture.info.get("loop"))
    if picture.format == "GIF":
        return 1 if not isinstance(loop, int) else loop + 1 if loop > 0 else 0
    return loop if isinstance(loop, int) and loop >= 0 else 0


def _pages(picture: Image.Image) -> list[int]:
    at = picture.tell()
    if picture.format == "HEIF":
        return [at, *(number for number in range(page_count(picture)) if number != at)]
    found: list[int] = []
    for number in range(limits.MAX_PAGES):
        try:
            picture.seek(number)
        except EOFError:
            break
        tags = cast("dict[int, object]", getattr(picture, "tag_v2", {}))
        kind = tags.get(SUBFILE, 0)
        if number == 0 or not (isinstance(kind, int) and kind & SMALLER_OR_MASK):
            found.append(number)
    picture.seek(at)
    wide.join(picture)
    return found


def _seeking(picture: Image.Image, numbers: "range | list[int]") -> Iterator[Image.Image]:
    for number in numbers:
        picture.seek(number)
        made = wide.join(tiff.native(picture) if picture.format == "TIFF" else picture)
        made.load()
        yield made


def _is_clear(frame: Image.Image) -> bool:
    if frame.mode in {"RGBA", "LA", "PA"}:
        return cast("tuple[float, float]", frame.getchannel("A").getextrema())[0] < 255
    return transparency.is_transparent(frame)
