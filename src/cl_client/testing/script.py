"""What a fake server does with a job: the words of a script."""

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
        output: the `task_output`. What the plugin's output needs has to be in it, or `job.output` raises.
        files: their bytes by their path, relative to the job, such as `output/thumbnail.jpg`.
        progress: steps on the way, in per cent.
    """

    output: Mapping[str, JSONValue] = field(factory=dict[str, JSONValue])
    files: Mapping[str, bytes] = field(factory=dict[str, bytes])
    progress: Sequence[int] = ()

    def states(self, job: JobState) -> Iterator[JobState]:
        """The states that the job comes to, one after the other."""
        yield from _steps(job, self.progress)
        output: JSONObject = dict(self.output)
        yield evolve(job, status=status.COMPLETED, progress=100, task_output=output)


@frozen
class Fails:
    """The job fails.

    Attributes:
        message: the `error_message`.
        progress: steps on the way, in per cent.
    """

    message: str
    progress: Sequence[int] = ()

    def states(self, job: JobState) -> Iterator[JobState]:
        """The states that the job comes to, one after the other."""
        yield from _steps(job, self.progress)
        yield evolve(job, status=status.FAILED, error_message=self.message)


@frozen
class StaysQueued:
    """Nobody takes the job; it can be cancelled."""

    def states(self, job: JobState) -> Iterator[JobState]:
        """None."""
        del job
        return iter(())


@frozen
class Refuses:
    """There is no job: the submit is answered with an error.

    Attributes:
        status: of HTTP, such as 429 or 503.
        message: why.
        retry_after: seconds, for the header of that name.
    """

    status: int
    message: str = "refused, as the script says"
    retry_after: int | None = None


Scripted: TypeAlias = Completes | Fails | StaysQueued | Refuses
"""What happens to one submit."""


def _steps(job: JobState, progress: Sequence[int]) -> Iterator[JobState]:
    for percent in progress:
        yield evolve(job, status=status.PROCESSING, progress=percent)
