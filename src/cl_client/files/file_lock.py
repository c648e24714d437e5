"""A lock that ends with its file, and with the process (flock(2)). Windows has none: there it is always ours."""

from __future__ import annotations

import sys
from typing import Protocol


class Descriptor(Protocol):
    """An open file."""

    def fileno(self) -> int: ...


if sys.platform == "win32":

    def take(file: Descriptor | int) -> bool:
        return True

else:
    import fcntl

    def take(file: Descriptor | int) -> bool:
        """Whether the file is locked for us now; `False` while others have it, and where it cannot be locked."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
