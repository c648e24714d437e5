"""One listener to one job: a future for its end, an iterator over its states, and two callbacks.

Callbacks run in a task of their own, never in the funnel that states come through, and hear the latest state: progress
that came while a callback was busy is skipped, the end never is.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

from cl_client.errors import ComputeClientError, readable
from cl_client.model import JobState
from cl_client.server import status

logger = logging.getLogger(__name__)

JobCallback = Callable[[JobState], Awaitable[None] | None]
"""Called with the state of a job; may be async."""


class Watch:
    """One listener to one job.

    Attributes:
        id: the subscription id, unique in the process.
        job_id: the job.
        state: the latest that is known, `None` before the first word.
    """

    _ids = itertools.count(1)

    def __init__(self, job_id: str, mirror: Callable[[JobState], None] | None = None) -> None:
        self.id: str = f"watch-{next(self._ids)}"
        self.job_id: str = job_id
        self.state: JobState | None = None
        self._mirror = mirror
        self._awaited = False
        self._end: asyncio.Future[JobState] = asyncio.get_running_loop().create_future()
        # An end without a waiter is not an error.
        self._end.add_done_callback(lambda end: end.cancelled() or end.exception())
        self._news = asyncio.Event()
        self._callbacks: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self._end.done()

    async def end(self) -> JobState:
        """Wait for the terminal state, and for the callbacks to have heard of it.

        Raises:
            JobNotFoundError: the job is gone.
            ResponseError: the server will not say (any more).
            ClientClosedError: the client was closed before.
        """
        self._awaited = True
        try:
            return await asyncio.shield(self._end)
        finally:
            if self._end.done() and self._callbacks is not None:
                await asyncio.shield(self._callbacks)

    async def states(self) -> AsyncGenerator[JobState]:
        """Each new state as long as the reader keeps up, the latest one otherwise; the terminal state is the last."""
        last: JobState | None = None
        while True:
            await self._news.wait()
            self._news.clear()
            if self._end.done():
                yield self._end.result()
                return
            if self.state is not None and self.state is not last:
                last = self.state
                yield last

    def call(self, on_progress: JobCallback | None, on_complete: JobCallback | None) -> None:
        """Call these from now on: `on_progress` for every state, then `on_complete` once, for the terminal one."""
        self._callbacks = asyncio.create_task(self._call_back(on_progress, on_complete), name=f"cl_client {self.id}")

    def cancel(self) -> None:
        """Stop listening: no callback begins after this."""
        self._end.cancel()
        self._news.set()
        # A callback that stops its own watch runs to its end.
        if self._callbacks is not None and self._callbacks is not asyncio.current_task():
            self._callbacks.cancel()

    def hear(self, job: JobState) -> None:
        self.state = job
        if self._mirror is not None:
            self._mirror(job)
        if status.is_terminal(job.status) and not self._end.done():
            self._end.set_result(job)
        self._news.set()

    def fail(self, error: ComputeClientError) -> None:
        if not self._end.done():
            self._end.set_exception(error)
        self._news.set()

    async def _call_back(self, on_progress: JobCallback | None, on_complete: JobCallback | None) -> None:
        try:
            async for job in self.states():
                await self._call(on_progress, job)
                if self._end.done() and job is self._end.result():
                    await self._call(on_complete, job)
        except ComputeClientError as error:
            # Who waits gets the error itself; callbacks have no way to hear of it.
            if not self._awaited:
                logger.warning("no more news of job %s: %s", readable(self.job_id), error)

    async def _call(self, callback: JobCallback | None, job: JobState) -> None:
        if callback is None:
            return
        try:
            result = callback(job)
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("a callback for job %s failed", readable(self.job_id))
