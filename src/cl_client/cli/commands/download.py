"""`cl-client download`: the files of a job."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cl_client.cli.running.run import Run
from cl_client.runtime.place import Place


def download(
    job: Annotated[str, Parameter(help="The job id.")],
    path: Annotated[
        Place | None,
        Parameter(
            help="The path of the file in the job, such as output/thumbnail.jpg. - writes the main file to stdout. "
            "By default, all files."
        ),
    ] = None,
    dest: Annotated[
        Place | None, Parameter(help="A file, an existing folder, or - for stdout. The default is the current folder.")
    ] = None,
    /,
    *,
    overwrite: Annotated[
        bool,
        Parameter(help="Replace existing files when you download all files.", negative="", show_default=False),
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Download a file of a job. Without PATH, download all files of the job."""
    if path is None:
        run.complete(_download_all(run, job, overwrite=overwrite))
    elif path.is_standard:
        run.complete(_write_main_file(run, job, dest))
    else:
        run.complete(_download(run, job, path.text, dest or Place(".")))


async def _write_main_file(run: Run, job_id: str, dest: Place | None) -> None:
    from cl_client.cli.output import streams
    from cl_client.cli.output.progress import progress
    from cl_client.errors import InvalidParameterError

    if dest is not None:
        raise InvalidParameterError("- is stdout: leave out the path or the -")
    async with run.client() as client:
        with progress(run.console, job_id, watch=False) as shown:
            job = await client.jobs.get(job_id)
            await job.download(streams.Binary(), on_progress=shown.downloaded)


async def _download(run: Run, job: str, path: str, dest: Place) -> None:
    from cl_client.cli.output import streams
    from cl_client.cli.output.console import human_size
    from cl_client.cli.output.progress import progress

    async with run.client() as client:
        with progress(run.console, path, watch=False) as shown:
            if dest.is_standard:
                await client.jobs.download(job, path, streams.Binary(), on_progress=shown.downloaded)
                return
            saved = await client.download_job_file(job, path, Path(dest), on_progress=shown.downloaded)
    size = saved.stat().st_size
    run.console.result(
        {"job_id": job, "path": path, "file": str(saved), "size": size},
        [("saved", f"{saved} ({human_size(size)})")],
        id=str(saved),
    )


async def _download_all(run: Run, job_id: str, *, overwrite: bool) -> None:
    from cl_client.cli.output.console import human_size
    from cl_client.cli.output.progress import progress
    from cl_client.cli.running.saving import fetch_into
    from cl_client.errors import InvalidParameterError

    async with run.client() as client:
        with progress(run.console, job_id, watch=False) as shown:
            job = await client.jobs.get(job_id)
            saved = await fetch_into(job, Path(), overwrite=overwrite, on_progress=shown.downloaded)
    if not saved:
        raise InvalidParameterError(
            f"job {job_id} made no files", hint=f"its result: {run.console.program} jobs get {job_id}"
        )
    for file in saved:
        size = file.stat().st_size
        run.console.line(
            {"job_id": job_id, "file": str(file), "size": size}, f"{file} ({human_size(size)})", id=str(file)
        )
