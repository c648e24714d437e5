"""Scripts for a fake server: what happens to a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from attrs import evolve, field, frozen

from cl_client.model import JobState
from cl_client.server import status
from cl_client.wire.types import JSONObject, JSONValue


@frozen
class Completes:
    """The job completes.

    Attributes:
        output: The `task_output`. It has to contain the required fields of the plugin's output.
        files: Content of the files, by their path in the job, such as `output/thumbnail.jpg`.
        progress: Steps of the progress, in per cent.
        log: Lines that the worker wrote about the job.
    """

    output: Mapping[str, JSONValue] = field(factory=dict[str, JSONValue])
    files: Mapping[str, bytes] = field(factory=dict[str, bytes])
    progress: Sequence[int] = ()
    log: Sequence[str] = ()

    def states(self, job: JobState) -> Iterator[JobState]:
        """Yield the states of the job, in order."""
        yield from _steps(job, self.progress)
        output: JSONObject = dict(self.output)
        yield evolve(job, status=status.COMPLETED, progress=100, task_output=output)


@frozen
class Fails:
    """The job fails.

    Attributes:
        message: The `error_message`.
        progress: Steps of the progress, in per cent.
        log: Lines that the worker wrote about the job.
    """

    message: str
    progress: Sequence[int] = ()
    log: Sequence[str] = ()

    def states(self, job: JobState) -> Iterator[JobState]:
        """Yield the states of the job, in order."""
        yield from _steps(job, self.progress)
        yield evolve(job, status=status.FAILED, error_message=self.message)


@frozen
class StaysQueued:
    """The job stays queued. It can be cancelled."""

    def states(self, job: JobState) -> Iterator[JobState]:
        """None."""
        del job
        return iter(())


@frozen
class Refuses:
    """The server refuses the submit with an error.

    Attributes:
        status: HTTP status code, such as 429 or 503.
        message: The reason.
        retry_after: Seconds for the header `Retry-After`.
    """

    status: int
    message: str = "refused, as the script says"
    retry_after: int | None = None


Scripted: TypeAlias = Completes | Fails | StaysQueued | Refuses
"""What happens to one submit."""


def _steps(job: JobState, progress: Sequence[int]) -> Iterator[JobState]:
    for percent in progress:
        yield evolve(job, status=status.PROCESSING, progress=percent)
