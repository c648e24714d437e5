"""The files that a task writes."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def publishing(path: Path) -> Generator[Path]:
    """Write to the path that this gives; it appears under its own name when it is whole, or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def job_path(path: Path) -> str:
    """The path of an output as users see it: relative to the job."""
    return f"output/{path.name}"
