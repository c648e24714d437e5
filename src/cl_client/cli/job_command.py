"""A command that submits a job: send the file, follow the job, fetch the result, print it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from cl_client.cli.console import Row, human_size
from cl_client.cli.progress import Progress, progress
from cl_client.cli.run import Run
from cl_client.command import JobOptions
from cl_client.download import whole_or_not_at_all
from cl_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from cl_api.compute.types import JSONObject, JSONValue
    from cl_client.client import ComputeClient
    from cl_client.jobs import Job, Jobs
    from cl_client.upload import UploadCallback

File = TypeVar("File", Path, None)
Output = TypeVar("Output")


class JobCommand(Generic[File, Output]):
    """One job of a command, from its file to its result.

    Args:
        run: console and client.
        file: what is sent; `None` for a job that needs none.
        submit: makes the typed call.
        options: of the command.
    """

    def __init__(
        self,
        run: Run,
        file: File,
        submit: Callable[[Jobs, File, UploadCallback], Awaitable[Job[Output]]],
        options: JobOptions,
    ) -> None:
        self._run = run
        self._console = run.console
        self._file: File = file
        self._name: str = file.name if file is not None else "job"
        self._submit = submit
        self._options = options

    async def execute(self) -> None:
        """Do it all, or only submit with `--no-wait`.

        Raises:
            ComputeClientError: whatever goes wrong.
        """
        options = self._options
        if not options.wait and (options.watch or options.output is not None or options.timeout is not None):
            raise InvalidParameterError("--no-wait leaves before there is a result: no --watch, --output or --timeout")
        async with self._run.client() as client:
            with progress(self._console, self._name, watch=options.watch) as shown:
                if options.wait:
                    # Let the connection to the broker be made while the file is on its way.
                    client.jobs.watcher.start()
                with self._told("stopped before the server took the job"):
                    job = await self._submit(client.jobs, self._file, shown.uploaded)
                if not options.wait:
                    self._print_submitted(job)
                    return
                with self._told(f"job {job.job_id} goes on; follow it: cl-client jobs watch {job.job_id}"):
                    await self._follow(client, job, shown)
                with self._told(f"job {job.job_id} is done; its files: cl-client download {job.job_id} PATH DEST"):
                    saved = await self._save(job, shown)
            self._print_result(job, saved)

    async def _follow(self, client: ComputeClient, job: Job[Output], shown: Progress) -> None:
        if not self._options.watch:
            await job.wait(self._options.timeout)
            return
        watch = job.follow(shown.state, None)
        try:
            await job.wait(self._options.timeout)
        finally:
            client.unsubscribe(watch.id)
            if job.state is not None:
                shown.state(job.state)

    async def _save(self, job: Job[Output], shown: Progress) -> Path | None:
        output = self._options.output
        if output is None:
            return None
        if job.artifact is not None:
            return await job.download(output, on_progress=shown.downloaded)
        target = output / f"{Path(self._name).stem}.{job.task_type}.json" if output.is_dir() else output
        with whole_or_not_at_all(target) as file:
            file.write(json.dumps(job.task_output, indent=2).encode() + b"\n")
        return target

    @contextlib.contextmanager
    def _told(self, how_it_stands: str) -> Generator[None]:
        """Say how it stands when the user goes away in this block."""
        try:
            yield
        except asyncio.CancelledError:
            self._console.warn(how_it_stands)
            raise

    def _print_submitted(self, job: Job[Output]) -> None:
        record: JSONObject = {"job_id": job.job_id, "status": job.status, "task_type": job.task_type}
        self._console.result(record, [("job", job.job_id), ("status", job.status)], id=job.job_id)

    def _print_result(self, job: Job[Output], saved: Path | None) -> None:
        output = job.task_output or {}
        record: JSONObject = {
            "job_id": job.job_id,
            "status": job.status,
            "task_type": job.task_type,
            "output": output,
            "files": [str(saved)] if saved is not None else [],
        }
        rows: list[Row] = [(name, _text(value)) for name, value in output.items() if value is not None]
        rows.append(("job", job.job_id))
        if saved is not None:
            rows.append(("saved", f"{saved} ({human_size(saved.stat().st_size)})"))
        self._console.result(record, rows, id=job.job_id)
        if saved is None and job.artifact is not None and not self._console.as_json:
            self._console.hint(f"cl-client download {job.job_id} {job.artifact} {Path(job.artifact).name}")


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
