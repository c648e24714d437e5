"""The progress of a batch on stderr: one bar on a terminal; elsewhere, on request, a line for each file."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cl_client.cli.output.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Tally:
    """Counts the files that are done, and shows it. A context manager: what moves, moves inside of it.

    Attributes:
        done, failed, resumed: files; the last by an earlier run.
    """

    def __init__(self, console: Console, total: int, *, watch: bool) -> None:
        self.total: int = total
        self.done: int = 0
        self.failed: int = 0
        self.resumed: int = 0
        self._console = console
        self._watch = watch
        self._bar: RichProgress | None = _drawn(console) if console.live else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.add_task("files", total=self.total, said=self._said())
            self._bar.start()
            self._console.moving = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._console.moving = False

    def count(self, name: str, *, failed: bool, resumed: bool) -> None:
        """One more."""
        self.done += 1
        self.failed += failed
        self.resumed += resumed
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self.done, said=self._said())
        elif self._watch:
            word = "failed" if failed else "done before" if resumed else "completed"
            self._console.say(f"{name}: {word} ({self._said()})")

    def _said(self) -> str:
        return f"{self.done}/{self.total} files" + (f", {self.failed} failed" if self.failed else "")


def _drawn(console: Console) -> RichProgress:
    # rich takes 40 ms to import: only who sees the bar pays for it.
    from rich import progress
    from rich.console import Console as Terminal

    return progress.Progress(
        progress.SpinnerColumn("dots" if console.unicode else "line"),
        progress.BarColumn(bar_width=24) if console.unicode else progress.TaskProgressColumn(),
        *([progress.TaskProgressColumn()] if console.unicode else []),
        progress.TextColumn("{task.fields[said]}", markup=False),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(compact=True),
        console=Terminal(stderr=True),
        transient=True,
        # Results that go to the same terminal are shown above the bar; those that go elsewhere go there.
        redirect_stdout=sys.stdout.isatty(),
    )
