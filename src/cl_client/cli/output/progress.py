"""The progress of a job on stderr: a bar on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from cl_client.cli.output.console import Console, human_size
from cl_client.server import status

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from cl_client.model import JobState

LARGE: Final = 4_000_000
"""Bytes from which on a transfer has a bar without being asked."""

_WORDS: Final = {status.QUEUED: "waiting"}


class Progress(Protocol):
    """Hears of each step of a job. A context manager: what moves, moves inside of it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def uploaded(self, sent: int, total: int | None) -> None:
        """Bytes of the file have gone out."""
        ...

    def state(self, job: JobState) -> None:
        """The job has come to this state."""
        ...

    def downloaded(self, written: int, total: int | None) -> None:
        """Bytes of a result have come in."""
        ...


def progress(console: Console, name: str, *, watch: bool) -> Progress:
    """The progress to show: all of it with `watch`, otherwise only transfers that take a while.

    Args:
        console: whose modes decide.
        name: of the file that it is about.
        watch: whether the user asked to see it.
    """
    if console.live:
        return _Bar(console, name, watch)
    return _Lines(console, name, watch)


class _Lines:
    """Progress that is read later, or by a program: a line when something changes."""

    def __init__(self, console: Console, name: str, watch: bool) -> None:
        self._console = console
        self._name = name
        self._watch = watch
        self._last: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def uploaded(self, sent: int, total: int | None) -> None:
        """Say it once."""
        self._say("uploading" + (f" ({human_size(total)})" if total is not None else ""))

    def state(self, job: JobState) -> None:
        """Say a status when it is new."""
        self._say(job.status)

    def downloaded(self, written: int, total: int | None) -> None:
        """Say it once."""
        self._say("downloading" + (f" ({human_size(total)})" if total is not None else ""))

    def _say(self, what: str) -> None:
        if self._watch and what != self._last:
            self._last = what
            self._console.say(f"{self._name}: {what}")


class _Bar:
    """One line that moves: which step, how far, for how long. It is gone at the end."""

    def __init__(self, console: Console, name: str, watch: bool) -> None:
        self._console = console
        self._name = name
        self._watch = watch
        self._bar: RichProgress | None = None

    def __enter__(self) -> Self:
        if self._watch:
            self._show("starting", None, None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._console.moving = False

    def uploaded(self, sent: int, total: int | None) -> None:
        """Fill the bar by bytes."""
        self._transfer("uploading", sent, total)

    def state(self, job: JobState) -> None:
        """Fill the bar by what the worker says."""
        if self._watch:
            running = job.status != status.QUEUED
            self._show(_WORDS.get(job.status, job.status), job.progress if running else None, 100)

    def downloaded(self, written: int, total: int | None) -> None:
        """Fill the bar by bytes."""
        self._transfer("downloading", written, total)

    def _transfer(self, step: str, done: int, total: int | None) -> None:
        if self._watch or self._bar is not None or (total or done) >= LARGE:
            of = f"/{human_size(total)}" if total is not None else ""
            self._show(f"{step} {human_size(done)}{of}", done, total)

    def _show(self, step: str, done: int | None, total: int | None) -> None:
        """Draw a step; without `done` the bar only shows activity."""
        if self._bar is None:
            self._bar = _drawn(self._console)
            self._bar.add_task(self._name, total=None, step=step)
            self._bar.start()
            self._console.moving = True
        self._bar.update(
            self._bar.task_ids[0], total=total if done is not None else None, completed=done or 0, step=step
        )


def _drawn(console: Console) -> RichProgress:
    # rich takes 40 ms to import: only who sees the bar pays for it.
    from rich import progress
    from rich.console import Console as Terminal

    name = progress.TextColumn("{task.description}", markup=False)
    step = progress.TextColumn("{task.fields[step]}", markup=False)
    bar = progress.BarColumn(bar_width=24) if console.unicode else progress.TaskProgressColumn()
    return progress.Progress(
        progress.SpinnerColumn("dots" if console.unicode else "line"),
        name,
        bar,
        *([progress.TaskProgressColumn()] if console.unicode else []),
        step,
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(compact=True),
        console=Terminal(stderr=True),
        transient=True,
    )
