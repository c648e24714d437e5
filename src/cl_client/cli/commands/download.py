"""`cl-client download`: one file of a job."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cl_client.cli.running.run import Run


def download(
    job: Annotated[str, Parameter(help="The job id.")],
    path: Annotated[str, Parameter(help="The file, as the output names it, such as output/thumbnail.jpg.")],
    dest: Annotated[Path, Parameter(help="A file name, or a folder that exists.")],
    /,
    *,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Download a file of a job, whole or not at all."""
    run.complete(_download(run, job, path, dest))


async def _download(run: Run, job: str, path: str, dest: Path) -> None:
    from cl_client.cli.output.console import human_size
    from cl_client.cli.output.progress import progress

    async with run.client() as client:
        with progress(run.console, path, watch=False) as shown:
            saved = await client.download_job_file(job, path, dest, on_progress=shown.downloaded)
    size = saved.stat().st_size
    run.console.result(
        {"job_id": job, "path": path, "file": str(saved), "size": size},
        [("saved", f"{saved} ({human_size(size)})")],
        id=str(saved),
    )
