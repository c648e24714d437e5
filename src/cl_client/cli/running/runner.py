"""What generated commands ask of a run of the command line: jobs, and operations that are none."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from cl_client.cli.output import streams
from cl_client.cli.running.run import Run
from cl_client.errors import InvalidParameterError
from cl_client.runtime.command import Place, PlainJobOptions
from cl_client.runtime.view import View

if TYPE_CHECKING:
    from cl_client.cli.running.batch_command import Bind
    from cl_client.jobs.collection import Job, Jobs
    from cl_client.wire.client import Client

Output = TypeVar("Output")

_PLAIN = View()


class Runner(Run):
    """A run that is a `JobRunner` and an `OperationRunner`."""

    def job(
        self,
        files: Sequence[Place] | None,
        method: Callable[[Jobs], Callable[..., Awaitable[Job[Output]]]],
        options: PlainJobOptions,
        view: View = _PLAIN,
    ) -> None:
        """Run jobs for a command; as `JobRunner.job`."""
        from cl_client.cli.running.sources import expanded, is_one
        from cl_client.cli.views.choice import viewer_of

        if files is not None:
            # A package that was generated before has paths.
            files = [Place(file) if type(file) is not Place else file for file in files]
            if options.dry_run:
                self._list(expanded(files, options.include, options.exclude))
                return
        if not options.wait and view != type(view)():
            raise InvalidParameterError("--no-wait doesn't wait for a result to show")
        viewer = viewer_of(view, self.console)
        if files is None or (is_one(files) and options.output_dir is None and not options.resume):
            from cl_client.cli.running.job_command import JobCommand

            self.complete(JobCommand(self, files[0] if files else None, method, options, viewer).execute())
            return
        from cl_client.cli.running.batch_command import Many, Task, results_in_folder

        options = results_in_folder(options)
        tasks = [Task(file, cast("Bind", method)) for file in expanded(files, options.include, options.exclude)]
        self.complete(Many(self, tasks, options, viewer).execute())

    def _list(self, files: Sequence[Place]) -> None:
        from cl_client.cli.running.sources import named

        for file in files:
            self.console.line({"source": named(file)}, named(file), id=named(file))
        self.console.say(f"{len(files)} files; nothing was sent")

    def operation(self, method: Callable[[Client], Coroutine[object, object, object]]) -> None:
        """Call an operation for a command; as `OperationRunner.operation`."""
        from cl_client.cli.running.answer import show

        async def call() -> None:
            async with self.api() as api:
                show(self.console, await method(api))

        self.complete(call())

    def saved(self, method: Callable[[Client, Path], Coroutine[object, object, Path]], dest: Place) -> None:
        """Save the answer of an operation for a command; as `OperationRunner.saved`."""
        if not dest.is_standard:
            self.operation(lambda api: method(api, Path(dest)))
            return
        if sys.stdout.isatty():
            raise InvalidParameterError(
                "the result is a file, and stdout is a terminal",
                hint="pipe stdout into a program or a file, or name a file with -o",
            )

        async def call() -> None:
            with tempfile.TemporaryDirectory() as folder:
                async with self.api() as api:
                    path = await method(api, Path(folder) / "answer")
                with path.open("rb") as file:
                    shutil.copyfileobj(file, streams.Binary())

        self.complete(call())

    def each(self, method: Callable[[Client], AsyncGenerator[object]], at_most: int | None = None) -> None:
        """Print the items of an operation for a command; as `OperationRunner.each`."""
        from cl_client.cli.running.answer import show_item

        async def call() -> None:
            left = at_most
            async with self.api() as api, contextlib.aclosing(method(api)) as items:
                while left is None or left > 0:
                    try:
                        item = await anext(items)
                    except StopAsyncIteration:
                        return
                    show_item(self.console, item)
                    left = None if left is None else left - 1

        self.complete(call())
