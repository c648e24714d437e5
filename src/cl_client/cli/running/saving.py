"""Where results go: one file under the name that was asked for, several into a folder, plain outputs as JSON."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cl_client.errors import DownloadError, UnsupportedError
from cl_client.files.download import DownloadCallback
from cl_client.files.whole_file import folder_beside, whole_or_not_at_all

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job

Output = TypeVar("Output")


async def save(job: Job[Output], output: Path, *, name: str, on_progress: DownloadCallback | None = None) -> list[Path]:
    """Write the result of a job where `--output` says.

    Into a folder go all files of the job, and the output as JSON where no file is its main one. A name with no suffix
    becomes a folder too, if there are several files.

    Args:
        job: completed.
        output: a file, or a folder.
        name: of the file that the job was about.
        on_progress: called with the bytes written, and the bytes in all.

    Returns:
        What was written.
    """
    is_folder = await asyncio.to_thread(output.is_dir)
    if is_folder:
        saved = await _fetch(job, output, on_progress)
        if job.artifact is None:
            saved.append(write_json(job, output / f"{Path(name).stem}.{job.task_type}.json"))
        return saved
    if job.artifact is None:
        return [write_json(job, output)]
    if output.suffix:
        return [await job.download(output, on_progress=on_progress)]
    with folder_beside(output) as folder:
        fetched = await _fetch(job, folder, on_progress)
        if len(fetched) == 1:
            return [_moved(fetched[0], output)]
        return [_moved(path, output / path.relative_to(folder)) for path in fetched]


async def save_as(job: Job[Output], stem: Path) -> list[Path]:
    """Write the result of one job of many: `<stem>.<suffix>` for one file or JSON, the folder `<stem>` for several.

    All of it is there at once, or nothing.
    """
    with folder_beside(stem) as folder:
        fetched = await _fetch(job, folder, None)
        if job.artifact is None:
            fetched.append(write_json(job, folder / f"{job.task_type}.json"))
        if len(fetched) == 1:
            return [_moved(fetched[0], stem.with_name(f"{stem.name}{fetched[0].suffix}"))]
        return [_moved(path, stem / path.relative_to(folder)) for path in fetched]


def write_json(job: Job[Output], target: Path) -> Path:
    """Write the output of a job as JSON."""
    with whole_or_not_at_all(target) as file:
        file.write(json.dumps(job.task_output, indent=2).encode() + b"\n")
    return target


async def _fetch(job: Job[Output], folder: Path, on_progress: DownloadCallback | None) -> list[Path]:
    try:
        return [*await job.download_all(folder, on_progress=on_progress)]
    except UnsupportedError:
        # A server that cannot list files still has the main one.
        return [] if job.artifact is None else [await job.download(folder, on_progress=on_progress)]


def _moved(path: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
    return target
