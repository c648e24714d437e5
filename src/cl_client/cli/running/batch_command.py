"""Many jobs of one command line: side by side, one bar for all, and at the end what failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from cl_client.batch.journal import Journal
from cl_client.batch.lanes import Lanes
from cl_client.batch.run import Batch, Outcome
from cl_client.cli.output.batch_progress import Tally
from cl_client.cli.output.console import fitting
from cl_client.cli.running.job_log import last_lines, show_lines
from cl_client.cli.running.originals import Originals, ResultFolder, Suffixes, names_folder
from cl_client.cli.running.saving import save_as
from cl_client.cli.running.sources import named, result_names
from cl_client.cli.views.viewer import Viewer
from cl_client.errors import ComputeClientError, InvalidParameterError, JobCancelledError, JobFailedError
from cl_client.http.upload import FileInput
from cl_client.loops.parallel import in_parallel
from cl_client.runtime.command import Place, PlainJobOptions, source
from cl_client.runtime.place import local

if TYPE_CHECKING:
    from cl_client.cli.running.run import Run
    from cl_client.job_client import JobClient
    from cl_client.jobs.collection import Job, Jobs
    from cl_client.model import LogLine
    from cl_client.wire.types import JSONObject

JOURNAL: Final = ".cl-client-batch.jsonl"
"""In the folder of the results."""
MOST_NAMED: Final = 20
"""How many failures are printed one by one."""
_NAMED: Final = 3
"""How many jobs a hint names."""


Bind = Callable[["Jobs"], Callable[..., Awaitable["Job[object]"]]]
"""Gives the typed method with its parameters bound; given the jobs of a client."""


@frozen
class Task:
    """One file, and what is done with it.

    Attributes:
        file: `None` for a job that needs none.
        method: what is done with it.
    """

    file: Place | None
    method: Bind

    @property
    def name(self) -> str:
        return named(self.file)


def results_in_folder(options: PlainJobOptions) -> PlainJobOptions:
    """The options for many files: `-o folder/`, or `-o` with an existing folder, means `--output-dir`."""
    output = options.output
    if output is None or options.output_dir is not None or output.is_standard or not names_folder(output):
        return options
    return evolve(options, output=None, output_dir=Path(output))


@frozen
class _Done:
    task: Task
    outcome: Outcome[FileInput | None, object]
    saved: Sequence[Path]


class Many:
    """The tasks of one command.

    Args:
        run: console and client.
        tasks: in the order in which they are begun.
        options: of the command.
        viewer: shows the results.
    """

    def __init__(self, run: Run, tasks: Sequence[Task], options: PlainJobOptions, viewer: Viewer) -> None:
        self._run = run
        self._console = run.console
        self._tasks = tasks
        self._options = options
        self._viewer = viewer
        self._results: ResultFolder | None = None
        self._made: list[str] = []

    async def execute(self) -> None:
        """Do them all.

        Raises:
            InvalidParameterError: options that make no sense together.
            ComputeClientError: some failed; which ones was told.
        """
        self._check()
        failures: list[tuple[str, ComputeClientError]] = []
        tally = Tally(self._console, len(self._tasks), watch=self._options.watch)
        async with self._run.client() as client:
            try:
                with tally:
                    async with contextlib.aclosing(self._all(client)) as results:
                        async for done in results:
                            error = done.outcome.error
                            tally.count(done.task.name, failed=error is not None, resumed=done.outcome.resumed)
                            if error is not None:
                                failures.append((done.task.name, error))
                            self._print(done)
                logs = await self._logs(client, failures[:MOST_NAMED])
            except asyncio.CancelledError:
                rest = "; to process the rest, run the same command with --resume" if self._options.output_dir else ""
                self._console.warn(f"stopped after {tally.done} of {tally.total} files{rest}")
                raise
        self._sum_up(tally, failures, logs)

    def _check(self) -> None:
        options = self._options
        if options.output is not None:
            raise InvalidParameterError(
                f"--output {options.output} is for one result, and several inputs have several",
                hint="write the results to a folder: --output-dir results",
            )
        if options.resume and options.output_dir is None:
            raise InvalidParameterError("--resume needs the --output-dir of the earlier run")
        if not options.wait and (options.watch or options.output_dir is not None or options.timeout is not None):
            raise InvalidParameterError(
                "--no-wait doesn't wait for results: leave out --watch, --output-dir and --timeout"
            )
        self._viewer.check(many=True, kept=options.output_dir is not None)

    async def _all(self, client: JobClient) -> AsyncGenerator[_Done]:
        folder = self._options.output_dir
        names = result_names([task.file for task in self._tasks])
        with contextlib.ExitStack() as stack:
            journal = None
            if folder is not None:
                journal = stack.enter_context(Journal(folder / JOURNAL))
                self._results = self._checked(client, folder, journal, names)
                if not self._options.resume:
                    journal.clear()
            batch = Batch(client.base_url, journal)
            lanes = Lanes(self._options.concurrency, is_together=client.contract.batch is not None)
            works = (
                lanes.taken(
                    None if task.file is None else source(task.file),
                    partial(self._one, batch, client.jobs, task, None if folder is None else folder / name),
                )
                for task, name in zip(self._tasks, names, strict=True)
            )
            async with contextlib.aclosing(in_parallel(works, lanes.concurrency)) as results:
                async for done in results:
                    yield done

    def _checked(self, client: JobClient, folder: Path, journal: Journal, names: Sequence[Path]) -> ResultFolder:
        """The folder of the results.

        Raises:
            InvalidParameterError: a result would take the place of something else.
        """
        overwrite = self._options.overwrite
        originals = Originals([task.file for task in self._tasks], overwrite=overwrite)
        self._viewer.check_drawing = originals.check_drawing
        results = ResultFolder(folder, journal, originals, overwrite=overwrite)
        pictures = self._viewer.makes_pictures
        expected = [
            (name, Suffixes.of(task.method(client.jobs), pictures=pictures))
            for name, task in zip(names, self._tasks, strict=True)
        ]
        results.check(expected, resume=self._options.resume)
        return results

    async def _one(self, batch: Batch, jobs: Jobs, task: Task, stem: Path | None) -> _Done:
        saved: list[Path] = []

        async def finish(_: FileInput | None, job: Job[object]) -> None:
            if stem is not None and self._results is not None:
                saved.extend(await save_as(job, stem, self._results.put))
                saved.extend(await self._viewer.draw(job, local(task.file), stem))

        method = task.method(jobs)
        if not self._options.wait:
            method = partial(_submitted, method)
        sent = None if task.file is None else source(task.file)
        outcome = await batch.outcome(sent, method, {"timeout": self._options.timeout}, finish)
        return _Done(task, outcome, saved)

    def _print(self, done: _Done) -> None:
        job, error = done.outcome.job, done.outcome.error
        if job is None or error is not None:
            if self._console.as_json and error is not None:
                record: JSONObject = {"source": done.task.name, "status": "failed", "error": error.message}
                self._console.result({**record, "job_id": error.job_id}, [], id="")
            return
        if done.outcome.resumed and not self._console.as_json:
            return
        if job.done() and job.artifact is not None:
            self._made.append(job.job_id)
        record = {
            "source": done.task.name,
            "job_id": job.job_id,
            "status": job.status,
            "task_type": job.task_type,
            "output": job.task_output,
            "files": [str(path) for path in done.saved],
            "resumed": done.outcome.resumed,
        }
        if done.saved and self._console.seen:
            return  # the bar counts them, and the end says where they are
        if self._console.seen:
            told = ", ".join(f"{name}: {value}" for name, value in self._viewer.rows(job.task_output or {}))
            self._console.line(record, fitting(f"{done.task.name}  {job.job_id}  {told}"), id=job.job_id)
            return
        if done.saved:
            rows = [(done.task.name, ", ".join(str(path) for path in done.saved[:3]))]
        else:
            rows = [("file", done.task.name), *self._viewer.rows(job.task_output or {}), ("job", job.job_id)]
        self._console.result(record, rows, id=job.job_id)

    async def _logs(
        self, client: JobClient, failures: Sequence[tuple[str, ComputeClientError]]
    ) -> Sequence[Sequence[LogLine]]:
        """What the logs of failed jobs say beside the reason, one for each failure."""

        async def lines(error: ComputeClientError) -> Sequence[LogLine]:
            if not isinstance(error, JobFailedError) or isinstance(error, JobCancelledError):
                return []
            return await last_lines(client, error.job.job_id, error.job.error_message)

        return await asyncio.gather(*(lines(error) for _, error in failures))

    def _hint(self) -> str | None:
        """How to fetch the files that the jobs made, if they are only on the server."""
        if not self._made or self._options.output_dir is not None or self._console.as_json:
            return None
        ids = " ".join(self._made[:_NAMED]) + (" ..." if len(self._made) > _NAMED else "")
        fetch = f"{self._console.program} jobs fetch {ids}"
        return f"the files are on the server; fetch them with --output-dir FOLDER, or {fetch}"

    def _sum_up(
        self,
        tally: Tally,
        failures: Sequence[tuple[str, ComputeClientError]],
        logs: Sequence[Sequence[LogLine]],
    ) -> None:
        before = f", {tally.resumed} of them before" if tally.resumed else ""
        place = f", in {self._options.output_dir}" if self._options.output_dir else ""
        if not failures:
            self._console.done(
                f"{tally.total} files done{before}{place}" if self._options.wait else f"{tally.total} submitted"
            )
            if hint := self._hint():
                self._console.hint(hint)
            return
        for (name, error), lines in zip(failures, logs, strict=False):
            self._console.failure(name, error)
            show_lines(self._console, lines, below=True)
        if len(failures) > MOST_NAMED:
            self._console.error(f"and {len(failures) - MOST_NAMED} more")
        raise ComputeClientError(
            f"{len(failures)} of {tally.total} files failed" + (f"; the others are{place[1:]}" if place else ""),
            hint="to try these again, run the same command with --resume" if self._options.output_dir else self._hint(),
        )


async def _submitted(
    method: Callable[..., Awaitable[Job[object]]], *files: FileInput, wait: bool, timeout: float | None
) -> Job[object]:
    """A submit without a wait."""
    del wait, timeout
    return await method(*files)
