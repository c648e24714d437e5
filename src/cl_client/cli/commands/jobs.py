"""`cl-client jobs`: the jobs on the server, from any client."""

# Annotations are not strings here: cyclopts reads them.
import contextlib
from collections.abc import Awaitable, Callable, Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from cl_client.cli.output import prompt
from cl_client.cli.output.console import Console, Row, human_size
from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError
from cl_client.server import status as status_words

if TYPE_CHECKING:
    from cl_client.job_client import JobClient
    from cl_client.model import JobState
    from cl_client.wire.types import JSONObject

JobId = Annotated[str, Parameter(help="The job id.")]
JobIds = Annotated[list[str], Parameter(help="Job ids.", negative=())]
Timeout = Annotated[
    float | None,
    Parameter(help="Stop waiting after this time. The jobs keep running.", metavar="SECONDS", validator=Number(gt=0)),
]
TheRun = Annotated[Run, Parameter(parse=False)]

app = App(name="jobs", help="List, follow, fetch, cancel, retry and delete jobs.")


@app.command(name="list")
def list_(
    *,
    status: Annotated[
        str | None, Parameter(help="List only jobs that are queued, processing, completed, failed or cancelled.")
    ] = None,
    task_type: Annotated[
        str | None, Parameter(help="List only jobs of this kind, such as hash.", metavar="TASK")
    ] = None,
    label: Annotated[
        list[str] | None,
        Parameter(help="List only jobs with this label. Can be repeated.", metavar="NAME=VALUE", negative=()),
    ] = None,
    limit: Annotated[int, Parameter(help="Show at most N jobs.", validator=Number(gte=1), metavar="N")] = 50,
    run: TheRun,
) -> None:
    """List your jobs, newest first, with id, status, progress, kind and age."""
    from cl_client.runtime.command import labels_of

    run.complete(_list(run, status, task_type, labels_of(label), limit))


@app.command
def get(job: JobId, /, *, run: TheRun) -> None:
    """Show the details of a job."""
    run.complete(_with_client(run, lambda client: _get(run, client, job)))


@app.command
def files(job: JobId, /, *, run: TheRun) -> None:
    """List the files of a job, with path, size, SHA-256 and media type."""
    run.complete(_with_client(run, lambda client: _files(run, client, job)))


@app.command
def fetch(
    jobs: JobIds,
    /,
    *,
    output_dir: Annotated[
        Path, Parameter(name=("--output-dir", "-o"), help="Write the results to this folder.", metavar="FOLDER")
    ] = Path(),
    overwrite: Annotated[bool, Parameter(help="Replace existing files.", negative="", show_default=False)] = False,
    run: TheRun,
) -> None:
    """Download the results of jobs. Each file is named after its job; several files go into a folder of that name.

    If you run the command again, it downloads only what is missing.
    """
    from cl_client.cli.running.fetched import fetched_before, is_same
    from cl_client.cli.running.originals import Originals
    from cl_client.cli.running.saving import save_as

    originals = Originals([], overwrite=overwrite)

    def put(path: Path, place: Path) -> Path:
        # Of several files, an earlier run may have moved only some.
        return place if is_same(path, place) else originals.put(path, place)

    async def one(client: "JobClient", job_id: str) -> None:
        job = await client.jobs.get(job_id)
        name = job_id.replace("/", "-")
        files = [] if overwrite else await fetched_before(job, output_dir / name)
        files = files or await save_as(job, output_dir / name, put, is_typed=False)
        saved = [str(file) for file in files]
        run.console.line({"job_id": job_id, "files": [*saved]}, f"{job_id}  {', '.join(saved)}", id=job_id)

    run.complete(_each(run, jobs, one))


@app.command
def logs(
    job: JobId,
    /,
    *,
    follow: Annotated[
        bool, Parameter(help="Print new lines until the job ends.", alias="-f", negative="", show_default=False)
    ] = False,
    tail: Annotated[
        int | None,
        Parameter(name=("--tail", "-n"), help="Print at most the last N lines.", validator=Number(gte=0), metavar="N"),
    ] = None,
    run: TheRun,
) -> None:
    """Show what the workers wrote about a job: attempts, warnings and the reason of a failure."""
    from cl_client.cli.running.job_log import show_log

    run.complete(_with_client(run, lambda client: show_log(run.console, client, job, tail=tail, follow=follow)))


@app.command
def watch(job: JobId, /, *, timeout: Timeout = None, run: TheRun) -> None:
    """Follow a job until it ends. With --json, print each state on a line."""
    run.complete(_with_client(run, lambda client: _watch(run, client, job, timeout)))


@app.command
def wait(jobs: JobIds, /, *, timeout: Timeout = None, run: TheRun) -> None:
    """Wait until jobs end, and show each one as it ends. Fails if one of them fails."""
    run.complete(_with_client(run, lambda client: _wait(run, client, jobs, timeout)))


@app.command
def cancel(jobs: JobIds, /, *, run: TheRun) -> None:
    """Cancel jobs. Waiting jobs stop immediately, running ones soon after."""

    async def one(client: "JobClient", job_id: str) -> None:
        _print(run.console, await client.jobs.cancel(job_id))

    run.complete(_each(run, jobs, one))


@app.command
def retry(jobs: JobIds, /, *, run: TheRun) -> None:
    """Run failed or cancelled jobs again, as new jobs."""

    async def one(client: "JobClient", job_id: str) -> None:
        again = await client.jobs.retry(job_id)
        record: JSONObject = {"job_id": again.job_id, "status": again.status, "retry_of": job_id}
        run.console.line(record, f"{again.job_id}  {again.status}  again for {job_id}", id=again.job_id)

    run.complete(_each(run, jobs, one))


@app.command
def delete(
    jobs: JobIds,
    /,
    *,
    yes: Annotated[bool, Parameter(help="Don't ask.", negative="", show_default=False)] = False,
    run: TheRun,
) -> None:
    """Delete jobs and their files from the server. Asks first if there are several."""

    async def one(client: "JobClient", job_id: str) -> None:
        await client.delete_job(job_id)
        run.console.line({"job_id": job_id, "deleted": True}, f"{job_id}  deleted", id=job_id)

    if len(jobs) > 1 and not yes and not prompt.confirmed(f"Delete {len(jobs)} jobs and their files?", option="--yes"):
        raise ComputeClientError("no job was deleted")
    run.complete(_each(run, jobs, one))


async def _with_client(run: Run, work: "Callable[[JobClient], Awaitable[None]]") -> None:
    async with run.client() as client:
        await work(client)


async def _each(run: Run, jobs: Sequence[str], one: "Callable[[JobClient, str], Awaitable[None]]") -> None:
    """Do it for each of them; one that fails stops none of the others."""
    failures: list[ComputeClientError] = []
    async with run.client() as client:
        for job_id in jobs:
            try:
                await one(client, job_id)
            except ComputeClientError as error:
                if len(jobs) == 1:
                    raise
                run.console.failure(job_id, error)
                failures.append(error)
    if failures:
        raise ComputeClientError(f"{len(failures)} of {len(jobs)} failed")


async def _list(
    run: Run, status: str | None, task_type: str | None, labels: "dict[str, str] | None", limit: int
) -> None:
    async with run.client() as client:
        async for job in client.jobs.list(status=status, task_type=task_type, labels=labels, limit=limit):
            if job.state is not None:
                _print(run.console, job.state)


async def _get(run: Run, client: "JobClient", job_id: str) -> None:
    state = await client.get_job(job_id)
    run.console.result(_record(state), _rows(run.console, state), id=state.job_id)


async def _files(run: Run, client: "JobClient", job_id: str) -> None:
    for file in await client.jobs.files(job_id):
        text = f"{file.path}  {human_size(file.size)}  {file.media_type}  {file.sha256}"
        run.console.line(file.to_dict(), text, id=file.path)


async def _watch(run: Run, client: "JobClient", job_id: str, timeout: float | None) -> None:
    from cl_client.cli.output.progress import progress
    from cl_client.cli.running.job_log import log_of_failed

    job = await client.jobs.get(job_id)
    with progress(run.console, job_id, watch=not run.console.as_json) as shown, _told(run.console, [job_id]):

        def state(now: "JobState") -> None:
            if run.console.as_json:
                _print(run.console, now)
            else:
                shown.state(now)

        watch = job.follow(state)
        try:
            async with log_of_failed(run.console, client):
                await job.wait(timeout)
        finally:
            if job.done():
                await watch.end()
    if job.state is not None and not run.console.as_json:
        run.console.result(_record(job.state), _rows(run.console, job.state), id=job_id)


async def _wait(run: Run, client: "JobClient", jobs: Sequence[str], timeout: float | None) -> None:
    import asyncio

    from cl_client.batch.run import as_completed
    from cl_client.cli.running.batch_command import MOST_NAMED
    from cl_client.cli.running.job_log import command_for_log, last_lines, show_lines

    found = await asyncio.gather(*(client.jobs.get(job_id) for job_id in dict.fromkeys(jobs)))
    bad = 0
    hint: str | None = None
    with _told(run.console, jobs):
        async for job in as_completed(found, timeout=timeout):
            if job.state is not None:
                _print(run.console, job.state)
            if job.status != status_words.COMPLETED:
                bad += 1
                run.console.error(f"job {job.job_id} {job.status}: {job.error_message or 'the server gave no reason'}")
            if job.status == status_words.FAILED and bad <= MOST_NAMED:
                lines = await last_lines(client, job.job_id, job.error_message)
                show_lines(run.console, lines, below=True)
                hint = hint or (command_for_log(run.console, job.job_id) if lines else None)
    if bad:
        raise ComputeClientError(f"{bad} of {len(found)} did not complete", hint=hint)


@contextlib.contextmanager
def _told(console: Console, jobs: Sequence[str]) -> Generator[None]:
    """Warn that the jobs keep running if the user interrupts this block."""
    import asyncio

    try:
        yield
    except asyncio.CancelledError:
        console.warn(f"the jobs keep running; wait for them again: {console.program} jobs wait {' '.join(jobs)}")
        raise


def _print(console: Console, job: "JobState") -> None:
    # On a terminal of 80 columns it is one line.
    when = _age(job.created_at) if console.seen else _time(job.created_at)
    width = 16 if console.seen else 18
    text = f"{job.job_id}  {job.status:<10}  {job.progress:3} %  {job.task_type:<{width}}  {when}"
    if job.labels and not console.seen:
        text += "  " + " ".join(f"{name}={value}" for name, value in job.labels.items())
    console.line(_record(job), text, id=job.job_id)


def _rows(console: Console, job: "JobState") -> list[Row]:
    from cl_client.cli.views.viewer import Viewer

    viewer = Viewer(console)
    rows: list[Row] = [
        ("job", job.job_id),
        ("task", job.task_type),
        ("status", job.status),
        ("progress", f"{job.progress} %"),
        ("priority", str(job.priority)),
        ("created", _time(job.created_at)),
    ]
    rows += [
        (name, _time(at)) for name, at in (("started", job.started_at), ("ended", job.completed_at)) if at is not None
    ]
    rows += [(f"label.{name}", value) for name, value in job.labels.items()]
    if job.error_message is not None:
        rows.append(("error", job.error_message))
    rows += [(f"params.{name}", value) for name, value in viewer.rows(job.params)]
    return rows + viewer.rows(job.task_output or {})


def _record(job: "JobState") -> "JSONObject":
    """A job for programs: its times as UTC milliseconds, and beside them in ISO 8601."""
    record = job.to_dict()
    times = {
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }
    for name, at in times.items():
        if at is not None:
            moment = datetime.fromtimestamp(at / 1000, UTC)
            record[f"{name}_iso"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return record


def _age(milliseconds: int | None) -> str:
    """How long ago: `59s ago`, `3d ago`."""
    if milliseconds is None:
        return "-"
    seconds = max(0, round(datetime.now(UTC).timestamp() - milliseconds / 1000))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def _time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
