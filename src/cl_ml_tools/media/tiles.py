"""What Pillow has still to decode of a picture that it opened, and from what kind of samples."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from PIL import Image


class Tile(NamedTuple):
    """A part of the picture, by the names that Pillow has."""

    codec_name: str
    extents: tuple[int, int, int, int] | None
    offset: int
    args: "str | tuple[object, ...] | None"

    @property
    def rawmode(self) -> str:
        """The kind of samples; empty where it is not said."""
        found = self.args[0] if isinstance(self.args, tuple) and self.args else self.args
        return found if isinstance(found, str) else ""


def tiles(picture: "Image.Image") -> list[Tile]:
    """The parts; none when the picture is decoded."""
    return [Tile(*part) for part in cast("list[tuple[str, None, int, str]]", getattr(picture, "tile", []))]


def read_as(picture: "Image.Image", other: Callable[[Tile], str]) -> None:
    """Let Pillow take the samples for another kind."""
    parts = [
        part._replace(args=(other(part), *part.args[1:]) if isinstance(part.args, tuple) else other(part))
        for part in tiles(picture)
    ]
    setattr(picture, "tile", parts)  # noqa: B010 - pictures that are read have it, and `Image` does not say so
