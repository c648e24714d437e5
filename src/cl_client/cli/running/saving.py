"""Where results go: one file under the name that was asked for, several into a folder, plain outputs as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cl_client.cli.output import streams
from cl_client.cli.running.originals import Originals, Put, Suffixes, same_as
from cl_client.errors import DownloadError, InvalidParameterError, UnsupportedError
from cl_client.files.download import DownloadCallback
from cl_client.files.local_names import local_names
from cl_client.files.whole_file import folder_beside, replaceable, whole_or_not_at_all
from cl_client.runtime.place import Place

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job

Output = TypeVar("Output")


async def save(
    job: Job[Output],
    output: Place,
    originals: Originals,
    *,
    name: str,
    on_progress: DownloadCallback | None = None,
) -> list[Path]:
    """Write the result of a job to the path of `--output`.

    A folder gets all files of the job, and the output as JSON if the job has no main file. Existing files stay, and a
    file with the same name gets a number. A path that ends with a slash becomes a folder, and so does a path without a
    suffix if the job has several files.

    Args:
        job: completed.
        output: a file, or a folder.
        originals: what is never replaced.
        name: of the file that the job was about.
        on_progress: called with the bytes written, and the bytes in all.

    Returns:
        What was written.
    """
    is_folder = output.names_folder or await asyncio.to_thread(output.is_dir)
    if is_folder:
        with folder_beside(output / job.job_id) as folder:
            fetched = await _fetch(job, folder, on_progress)
            if job.artifact is None:
                _expect_no_file(job, fetched)
                fetched.append(write_json(job, folder / f"{Path(name).stem}.{job.task_type}.json"))
            places = [output / path.relative_to(folder) for path in fetched]
            if len(fetched) == 1:
                # Several files may name each other, and keep their names.
                places = [originals.free(fetched[0], _recognisable(places[0], Path(name).stem))]
            return [originals.put(path, place) for path, place in zip(fetched, places, strict=True)]
    if job.artifact is None:
        _expect_no_file(job)
        return [write_json(job, output)]
    if output.suffix:
        made = Path(job.artifact).suffix.lower()
        if made and not Suffixes(same_as(made)).may_be(output.suffix):
            raise InvalidParameterError(
                f"job {job.job_id} made {job.artifact}, and {output} has another suffix",
                hint=f"cl-client download {job.job_id} {job.artifact} {output.with_suffix(made)}",
            )
        return [await job.download(output, on_progress=on_progress)]
    with folder_beside(output) as folder:
        fetched = await _fetch(job, folder, on_progress)
        if len(fetched) == 1:
            return [_moved(fetched[0], output)]
        return [originals.put(path, output / path.relative_to(folder)) for path in fetched]


async def write_to_stdout(job: Job[Output], *, on_progress: DownloadCallback | None = None) -> None:
    """Write the main file of a job to stdout, or its output as JSON where it has none.

    Raises:
        InvalidParameterError: the result is a file, and stdout is a terminal.
    """
    if job.artifact is None:
        _expect_no_file(job)
        streams.put(f"{json.dumps(job.task_output, indent=2)}\n")
        return
    if sys.stdout.isatty():
        raise InvalidParameterError(
            f"{job.artifact} is a file of job {job.job_id}, and stdout is a terminal",
            hint="pipe stdout into a program or a file, or name a file with -o",
        )
    await job.download(streams.Binary(), on_progress=on_progress)


async def fetch_into(
    job: Job[Output], folder: Path, *, overwrite: bool = False, on_progress: DownloadCallback | None = None
) -> list[Path]:
    """Write all files that a job made into a folder, under their own names.

    Raises:
        DownloadError: something else is called like one of them, and is not replaced.
    """
    originals = Originals([], overwrite=overwrite)
    with folder_beside(folder / job.job_id) as beside:
        fetched = await job.download_all(beside, on_progress=on_progress)
        return [originals.put(path, folder / path.relative_to(beside)) for path in fetched]


async def save_as(job: Job[Output], stem: Path, put: Put, *, is_typed: bool = True) -> list[Path]:
    """Write the result of one job of many: `<stem>.<suffix>` for one file or JSON, the folder `<stem>` for several.

    All of it is there at once, or nothing.

    Args:
        job: completed.
        stem: where it goes.
        put: moves a file there.
        is_typed: whether the job knows which of its files is the main one; without that, its output is only written
            where it made no files.
    """
    with folder_beside(stem) as folder:
        fetched = await _fetch(job, folder, None)
        if job.artifact is None and (is_typed or not fetched):
            if is_typed:
                _expect_no_file(job, fetched)
            fetched.append(write_json(job, folder / f"{job.task_type}.json"))
        if len(fetched) == 1:
            return [put(fetched[0], stem.with_name(f"{stem.name}{fetched[0].suffix}"))]
        return [put(path, stem / path.relative_to(folder)) for path in fetched]


def _recognisable(place: Path, stem: str) -> Path:
    """The place of a result that says what it is of: servers may leave out what is no ASCII in a name."""
    if stem.isascii() or place.name.startswith(stem):
        return place
    return place.with_name(str(next(iter(local_names([f"{stem}_{place.name}"]).values()))))


def _expect_no_file(job: Job[Output], fetched: Sequence[Path] = ()) -> None:
    """Raises DownloadError where a job makes a file that is not there: its output as JSON is no file of that name."""
    if job.makes_file and not fetched:
        raise DownloadError(
            f"job {job.job_id} has completed, and the server does not say where its file is",
            job_id=job.job_id,
            hint=f"its output is {json.dumps(job.task_output)[:200]}",
        )


def write_json(job: Job[Output], target: Path) -> Path:
    """Write the output of a job as JSON."""
    with whole_or_not_at_all(target) as file:
        file.write(json.dumps(job.task_output, indent=2).encode() + b"\n")
    return target


async def _fetch(job: Job[Output], folder: Path, on_progress: DownloadCallback | None) -> list[Path]:
    try:
        return [*await job.download_all(folder, on_progress=on_progress)]
    except UnsupportedError:
        if job.artifact is not None:
            raise
        return []


def _moved(path: Path, target: Path) -> Path:
    try:
        path.replace(replaceable(target))
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
    return target
