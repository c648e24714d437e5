"""The files that a task writes."""

from pathlib import Path


def job_path(path: Path) -> str:
    """The path of an output as users see it: relative to the job."""
    return f"output/{path.name}"
