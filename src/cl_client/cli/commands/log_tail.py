"""The end of a file that grows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path


class LogTail:
    """Reads the last lines of a log, and then what comes; a log that was cut off is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def last(self, count: int) -> list[str]:
        """The last lines; `news` continues from there."""
        return list(deque(self.news(), maxlen=count))

    def news(self) -> Iterator[str]:
        """The lines that were completed since the last call. A missing log has none."""
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                for line in file:
                    self._offset += len(line)
                    self._rest += line
                    if line.endswith(b"\n"):
                        whole, self._rest = self._rest, b""
                        yield whole.decode(errors="replace").rstrip("\r\n")
        except FileNotFoundError:
            return
