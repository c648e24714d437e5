"""Many files at once: bounded, in order or as they come, and one bad file stops none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from cl_client.errors import ComputeClientError, InvalidParameterError, JobFailedError
from cl_client.job import Job
from cl_client.upload import FileInput

Source = TypeVar("Source", bound=FileInput)
Output = TypeVar("Output")


@frozen
class Outcome(Generic[Source, Output]):
    """What became of one file: `job`, which has completed, or `error`.

    Attributes:
        source: the file.
        job: the job, completed.
        error: why there is none; a `JobFailedError` holds the job that failed.
    """

    source: Source
    job: Job[Output] | None
    error: ComputeClientError | None

    @property
    def output(self) -> Output:
        """The typed output.

        Raises:
            ComputeClientError: `error`, where there is one.
        """
        if self.job is None:
            raise self.error or ComputeClientError("there is no job")
        return self.job.output


async def map_files(
    method: Callable[..., Awaitable[Job[Output]]],
    sources: Iterable[Source],
    *,
    concurrency: int = 8,
    ordered: bool = True,
    **parameters: object,
) -> AsyncGenerator[Outcome[Source, Output]]:
    """Run a plugin method on each file, and give the outcomes.

    Leaving the loop early cancels what is under way here; jobs that the server has taken go on there.

    Args:
        method: of a plugin, such as `client.hash.compute`.
        sources: read only as far as there is room.
        concurrency: files under way at once, those included that wait for their turn to be given.
        ordered: in the order of `sources`, rather than as they come.
        parameters: of the method.

    Raises:
        InvalidParameterError: `concurrency` is less than 1.
    """
    if concurrency < 1:
        raise InvalidParameterError(f"concurrency is {concurrency}, and has to be at least 1")

    async def one(source: Source) -> Outcome[Source, Output]:
        try:
            return Outcome(source, await method(source, wait=True, **parameters), None)
        except ComputeClientError as error:
            return Outcome(source, None, error)

    under_way: list[asyncio.Task[Outcome[Source, Output]]] = []
    remaining = iter(sources)
    try:
        while True:
            for source in remaining:
                under_way.append(asyncio.create_task(one(source)))
                if len(under_way) >= concurrency:
                    break
            if not under_way:
                return
            first = under_way[:1] if ordered else under_way
            done, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in under_way if task in done]:
                under_way.remove(task)
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def as_completed(jobs: Iterable[Job[Output]], *, timeout: float | None = None) -> AsyncGenerator[Job[Output]]:
    """Give each job when it has ended, well or not: its `status` tells.

    Args:
        jobs: from submits without `wait`.
        timeout: seconds for all of them.

    Raises:
        WaitTimeoutError: one of those that have not ended yet, when the time is up; they all go on.
        JobNotFoundError: a job was deleted.
    """
    deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout

    async def ended(job: Job[Output]) -> Job[Output]:
        left = None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())
        try:
            return await job.wait(left)
        except JobFailedError:
            return job

    under_way = {asyncio.create_task(ended(job)) for job in jobs}
    try:
        while under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
