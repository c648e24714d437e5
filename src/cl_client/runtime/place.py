"""The place of a file on the command line: a path, a URL, or a standard stream."""

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
"""Replaces a `-` on the command line, which its parser would take for an option."""


class Place(_Base):
    """A path, a URL, or `-` for a standard stream. `text` is what the user typed."""

    _text: str

    def __new__(cls, *parts: str | os.PathLike[str]) -> "Place":
        text = os.fspath(parts[0]) if len(parts) == 1 else None
        made = super().__new__(cls, *parts)
        made._text = str(made) if text is None else "-" if text == STANDARD else text
        return made

    def with_segments(self, *parts: str | os.PathLike[str]) -> Path:
        """Derived paths are ordinary paths (Python 3.12 and later)."""
        return Path(*parts)

    @property
    def text(self) -> str:
        """What the user typed. A path would lose double and trailing slashes."""
        try:
            return self._text
        except AttributeError:
            return super().__str__()

    def __str__(self) -> str:
        return "-" if self.is_standard else super().__str__()

    @property
    def is_standard(self) -> bool:
        """Whether it is stdin or stdout."""
        return self.text == "-"

    @property
    def is_url(self) -> bool:
        """Whether it is a URL. An existing file with such a name is a file."""
        return _URL.match(self.text) is not None and not self.exists()

    @property
    def is_local(self) -> bool:
        """Whether it is a path."""
        return not (self.is_standard or self.is_url)

    @property
    def names_folder(self) -> bool:
        """Whether it ends with a slash, as in `results/`."""
        return self.text.endswith(("/", os.sep))


def local(place: Path | None) -> Path | None:
    """A place on this machine, as a path; `None` for a URL or a standard stream."""
    if isinstance(place, Place):
        return Path(place) if place.is_local else None
    return place
