"""Has processes of the server fail within, as `within/sitecustomize.py` does it: clocks, commits, a full disk."""

import mmap
import os
from pathlib import Path

from tests.faults.within.sitecustomize import FIELDS, FILE


class FaultsWithin:
    """A file that says what goes wrong, in a folder; `environment` is for the processes that are to read it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "faults"
        path.write_bytes(bytes(FIELDS.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), FIELDS.size)
        self._clock = self._lost = self._full = 0
        here = str(Path(__file__).parent / "within")
        path_before = os.environ.get("PYTHONPATH")
        paths = here if path_before is None else f"{here}{os.pathsep}{path_before}"
        self.environment = {FILE: str(path), "PYTHONPATH": paths}

    def set_clock(self, seconds: int) -> None:
        """How far the clock is wrong from now on."""
        self._clock = seconds * 1_000_000_000
        self._write()

    def lose_commits(self) -> None:
        """Each process loses the answers to its next few commits; some of them are kept all the same."""
        self._lost += 1
        self._write()

    def fill_disk(self, *, full: bool) -> None:
        """Nothing can be written from now on, or again."""
        self._full = full
        self._write()

    def _write(self) -> None:
        FIELDS.pack_into(self._map, 0, self._clock, self._lost, self._full)
