"""Whether guests are let in. An admin may change it while the processes of a data folder run."""

from pathlib import Path
from typing import Protocol

from cl_extras import whole_file


class Guests(Protocol):
    """Whether guests are let in."""

    @property
    def on(self) -> bool:
        """Now."""
        ...


class Switch(Guests, Protocol):
    """Guest mode for those who may change it."""

    def set(self, *, on: bool) -> None:
        """Change it atomically."""
        ...


class GuestMode:
    """A word in a file, which every process of the data folder reads. `default` applies until it is written."""

    def __init__(self, path: Path, *, default: bool = True) -> None:
        self._path = path
        self._default = default
        self._seen: tuple[int, int] = (0, 0)
        self._on = default

    @property
    def on(self) -> bool:
        """Whether guests are let in now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._default
        # A new file each time, so that two changes within one tick of the clock differ.
        if self._seen != (found.st_ino, found.st_mtime_ns):
            self._on = self._path.read_text("utf-8").strip() == "on"
            self._seen = (found.st_ino, found.st_mtime_ns)
        return self._on

    def set(self, *, on: bool) -> None:
        """Change it atomically."""
        whole_file.write(self._path, "on\n" if on else "off\n", durable=True)
