"""Files that are there whole or not at all, whatever ends the process that writes them."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600


def write(path: Path, content: bytes | str, *, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file in the place of what was there.

    Args:
        path: its name.
        content: all of it; text is UTF-8.
        mode: of the file, less the umask; from its first moment on.
        durable: whether it has to outlast a loss of power.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    part = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def publishing(path: Path) -> Generator[Path]:
    """Write to the path that this gives; it appears under its own name when it is whole, or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
