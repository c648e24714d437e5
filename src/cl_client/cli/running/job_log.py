"""The log of a job on the command line: all of it, or its last lines when the job failed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cl_client.errors import ComputeClientError, JobCancelledError, JobFailedError

if TYPE_CHECKING:
    from cl_client.cli.output.console import Console
    from cl_client.job_client import JobClient
    from cl_client.model import LogLine

_LAST: Final = 5
"""Lines that are shown when a job failed."""


async def show_log(console: Console, client: JobClient, job_id: str, *, tail: int | None, follow: bool) -> None:
    """Print the log of a job, at most the last `tail` lines; with `follow`, until the job ends.

    Raises:
        ComputeClientError: the server has no such job, or no logs.
    """
    log = await client.jobs.log(job_id)
    lines = log.lines if tail is None else log.lines[max(len(log.lines) - tail, 0) :]
    if log.left_out and len(lines) == len(log.lines):
        console.say(f"{log.left_out} older lines are no longer on the server")
    _print(console, lines)
    if not log.lines and not follow:
        console.say(f"no worker has written anything about job {job_id} yet")
    if follow and not log.ended:
        offset = log.lines[-1].number if log.lines else 0
        async for line in client.jobs.follow_log(job_id, offset=offset):
            _print(console, [line])


@contextlib.asynccontextmanager
async def log_of_failed(console: Console, client: JobClient) -> AsyncGenerator[None]:
    """If a job fails in this block, show what its log says beside the reason, and how to read the rest."""
    try:
        yield
    except JobCancelledError:
        raise
    except JobFailedError as error:
        if lines := await last_lines(client, error.job.job_id, error.job.error_message):
            show_lines(console, lines)
            error.hint = error.hint or command_for_log(console, error.job.job_id)
        raise


async def last_lines(client: JobClient, job_id: str, reason: str | None) -> Sequence[LogLine]:
    """The last lines in the log of a failed job that add something to the reason of the failure.

    Empty if the server has no log, because the reason is known anyway.
    """
    try:
        log = await client.jobs.log(job_id)
    except ComputeClientError:
        return []
    lines = [line for line in log.lines if line.level != "info" and not (reason and reason in line.text)]
    return lines[-_LAST:]


def show_lines(console: Console, lines: Sequence[LogLine], *, below: bool = False) -> None:
    """Print lines of a log to stderr, for people: before an error, or indented `below` it."""
    for line in lines:
        console.say(f"{'  ' if below else ''}log: {line.level}: {line.text}")


def command_for_log(console: Console, job_id: str) -> str:
    """The command that prints the whole log of a job."""
    return f"{console.program} jobs logs {job_id}"


def _print(console: Console, lines: Sequence[LogLine]) -> None:
    for line in lines:
        at = datetime.fromtimestamp(line.at / 1000, UTC)
        iso = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shown = at.strftime("%H:%M:%S") if console.seen else iso
        console.line({**line.to_dict(), "at_iso": iso}, f"{shown}  {line.level:<7}  {line.text}", id=line.text)
