"""A command that submits a job: send the file, follow the job, fetch the result, print it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from cl_client.cli.output.console import Row, human_size
from cl_client.cli.output.progress import Progress, progress
from cl_client.cli.running.job_log import log_of_failed
from cl_client.cli.running.originals import Originals, Suffixes, names_folder
from cl_client.cli.running.run import Run
from cl_client.cli.running.saving import save, write_to_stdout
from cl_client.cli.running.sources import called, named
from cl_client.cli.views.viewer import Viewer
from cl_client.errors import ComputeClientError, InvalidParameterError
from cl_client.runtime.command import Place, PlainJobOptions, source
from cl_client.runtime.place import local

if TYPE_CHECKING:
    from cl_client.job_client import JobClient
    from cl_client.jobs.collection import Job, Jobs
    from cl_client.wire.types import JSONObject

Output = TypeVar("Output")

_MOST_SAVED: Final = 6
"""A terminal lists at most this many files one by one."""


class JobCommand(Generic[Output]):
    """One job of a command, from its file to its result.

    Args:
        run: console and client.
        file: what is sent; `None` for a job that needs none.
        method: gives the typed method, bound to jobs.
        options: of the command.
        viewer: shows the result.
    """

    def __init__(
        self,
        run: Run,
        file: Place | None,
        method: Callable[[Jobs], Callable[..., Awaitable[Job[Output]]]],
        options: PlainJobOptions,
        viewer: Viewer,
    ) -> None:
        self._run = run
        self._console = run.console
        self._file = file
        self._name: str = called(file) if file is not None else "job"
        self._source: str = named(file)
        self._to_stdout: bool = options.output is not None and options.output.is_standard
        self._method = method
        self._options = options
        self._viewer = viewer
        self._originals = Originals([file], overwrite=options.overwrite)

    async def execute(self) -> None:
        """Do it all, or only submit with `--no-wait`. As JSON, a job that fails is a record too.

        Raises:
            ComputeClientError: whatever goes wrong.
        """
        try:
            await self._execute()
        except InvalidParameterError:
            raise
        except ComputeClientError as error:
            if self._console.as_json:
                record: JSONObject = {"source": self._source, "status": "failed", "error": error.message}
                self._console.result({**record, "job_id": error.job_id}, [], id="")
            raise

    async def _execute(self) -> None:
        options = self._options
        if not options.wait and (options.watch or options.output is not None or options.timeout is not None):
            raise InvalidParameterError(
                "--no-wait doesn't wait for a result: leave out --watch, --output and --timeout"
            )
        if self._to_stdout and self._console.as_json:
            raise InvalidParameterError("-o - and --json both write to stdout: leave one out")
        self._viewer.check(many=False, kept=options.output is not None and not self._to_stdout)
        if options.output is not None and not self._to_stdout:
            self._originals.check_file(options.output)
        self._viewer.check_drawing = self._originals.check_drawing
        download = f"{self._console.program} download"
        async with self._run.client() as client:
            with progress(self._console, self._name, watch=options.watch) as shown:
                if options.wait:
                    # Let the connection to the broker be made while the file is on its way.
                    client.jobs.watcher.start()
                if options.output is not None and not self._to_stdout:
                    suffixes = Suffixes.of(self._method(client.jobs), pictures=self._viewer.makes_pictures)
                    self._originals.check_output(options.output, self._name, suffixes)
                with self._told("stopped before the server took the job"):
                    job = await self._submit(client.jobs, shown)
                if not options.wait:
                    self._print_submitted(job)
                    return
                with self._told(
                    f"job {job.job_id} keeps running; follow it: {self._console.program} jobs watch {job.job_id}"
                ):
                    async with log_of_failed(self._console, client):
                        await self._follow(client, job, shown)
                with self._told(f"job {job.job_id} is done; its files: {download} {job.job_id}"):
                    saved = await self._save(job, shown)
            if self._to_stdout:
                return
            self._print_result(job, saved)
            await self._viewer.show(job, saved)

    async def _submit(self, jobs: Jobs, shown: Progress) -> Job[Output]:
        method = self._method(jobs)
        if self._file is None:
            return await method()
        return await method(source(self._file), on_upload=shown.uploaded)

    async def _follow(self, client: JobClient, job: Job[Output], shown: Progress) -> None:
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

    async def _save(self, job: Job[Output], shown: Progress) -> list[Path]:
        output = self._options.output
        saved: list[Path] = []
        if self._to_stdout:
            await write_to_stdout(job, on_progress=shown.downloaded)
            return []
        if output is not None:
            saved = await save(job, output, self._originals, name=self._name, on_progress=shown.downloaded)
        return [*saved, *await self._viewer.draw(job, local(self._file), self._stem())]

    def _stem(self) -> Path:
        """How what is drawn is called: beside the result, or here where there is none."""
        output = self._options.output
        if output is None or names_folder(output):
            return (output or Path()) / Path(self._name).stem
        return output.with_suffix("")

    def _saved_rows(self, saved: list[Path]) -> list[Row]:
        sizes = [path.stat().st_size for path in saved]
        if self._console.seen and len(saved) > _MOST_SAVED:
            folder = os.path.commonpath([path.parent for path in saved])
            return [("saved", f"{len(saved)} files in {folder or '.'} ({human_size(sum(sizes))})")]
        return [("saved", f"{path} ({human_size(size)})") for path, size in zip(saved, sizes, strict=True)]

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

    def _print_result(self, job: Job[Output], saved: list[Path]) -> None:
        output = job.task_output or {}
        record: JSONObject = {
            "job_id": job.job_id,
            "status": job.status,
            "task_type": job.task_type,
            "output": output,
            "files": [str(path) for path in saved],
        }
        rows: list[Row] = [*self._viewer.rows(output), ("job", job.job_id)]
        rows += self._saved_rows(saved)
        self._console.result(record, rows, id=job.job_id)
        if not saved and job.artifact is not None and not self._console.as_json:
            self._console.hint(f"{self._console.program} download {job.job_id}")
