"""Where a file is, as a command line names it."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    _Base = Path
else:
    _Base = type(Path())  # PosixPath: before Python 3.12, Path itself has no subclasses

_URL: Final = re.compile(r"https?://|data:|[A-Za-z][A-Za-z0-9+.-]+://", re.IGNORECASE)


STANDARD: Final = "\u2060-"
"""What the command line has in place of a `-`, which its parser takes for an option."""


class Place(_Base):
    """A path, a URL, or `-` for a standard stream. As a path it reads what was typed, and `text` is just that."""

    _text: str

    def __new__(cls, *parts: str | os.PathLike[str]) -> "Place":
        text = os.fspath(parts[0]) if len(parts) == 1 else None
        made = super().__new__(cls, *parts)
        made._text = str(made) if text is None else "-" if text == STANDARD else text
        return made

    def with_segments(self, *parts: str | os.PathLike[str]) -> Path:
        """What is made of it is a path as any other (Python 3.12 and later)."""
        return Path(*parts)

    @property
    def text(self) -> str:
        """What was typed. A path would have no two slashes, and none at its end."""
        try:
            return self._text
        except AttributeError:
            return super().__str__()

    def __str__(self) -> str:
        return "-" if self.is_standard else super().__str__()

    @property
    def is_standard(self) -> bool:
        """Whether it is stdin, or stdout."""
        return self.text == "-"

    @property
    def is_url(self) -> bool:
        """Whether it is something to fetch. A file that is called so is a file."""
        return _URL.match(self.text) is not None and not self.exists()

    @property
    def is_local(self) -> bool:
        """Whether it is a path."""
        return not (self.is_standard or self.is_url)

    @property
    def names_folder(self) -> bool:
        """Whether it is typed as a folder: `results/`."""
        return self.text.endswith(("/", os.sep))


def local(place: Path | None) -> Path | None:
    """A place on this machine, as a path; `None` for a URL or a standard stream."""
    if isinstance(place, Place):
        return Path(place) if place.is_local else None
    return place
