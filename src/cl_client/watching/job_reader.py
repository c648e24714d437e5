"""Reading the states of jobs from the server: many in one request, where it can."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from typing import Final

from cl_client.errors import AuthenticationError, RateLimitError, ResponseError, ServerError
from cl_client.model import JobState
from cl_client.server.port import JobServer

CONCURRENT: Final = 8
"""Requests at once."""

_Question = tuple[str, "asyncio.Future[JobState]"]


class JobReader:
    """Reads jobs of one server. The way in is `read` where many may be asked for together, else `one`."""

    def __init__(self, server: JobServer) -> None:
        self._server = server
        self._waiting: deque[_Question] = deque()
        # What an answer about many did not name: deleted, or somebody else's. Only a question of its own tells.
        self._unnamed: deque[_Question] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = 0
        self._beginning = False
        # Until the server shows that it cannot.
        self._most = server.states_at_once

    async def one(self, job_id: str) -> JobState:
        """The state of a job, by a request of its own.

        Raises:
            JobNotFoundError: no such job, or not yours.
            ResponseError: the answer is none, or about another job.
        """
        state = await self._server.state(job_id)
        if state.job_id != job_id:
            # Whoever watches this one would never hear of it.
            raise ResponseError(
                f"the server was asked for job {job_id!r}, and answers for job {state.job_id!r}",
                job_id=job_id,
                hint=f"ask for it as the server spells it: {state.job_id!r}",
            )
        return state

    async def read(self, job_id: str) -> JobState:
        """As `one`, in one request with the others that are asked for in this moment."""
        answer: asyncio.Future[JobState] = asyncio.get_running_loop().create_future()
        self._waiting.append((job_id, answer))
        self._send()
        return await answer

    async def close(self) -> None:
        """Drop the questions that are open."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _send(self) -> None:
        """Begin to ask, in the next step of the loop: what comes until then goes along."""
        if self._beginning or self._at_work == CONCURRENT:
            return
        self._beginning = True
        self._at_work += 1
        task = asyncio.create_task(self._work(), name="cl_client read jobs")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        self._beginning = False
        while self._unnamed or self._waiting:
            queue, most = (self._unnamed, 1) if self._unnamed else (self._waiting, self._most)
            asked = [queue.popleft() for _ in range(min(most, len(queue)))]
            if self._unnamed or self._waiting:
                self._send()
            try:
                await self._ask(asked)
            except Exception as error:
                for _, answer in asked:
                    if not answer.done():
                        answer.set_exception(error)
        # Here and not when the task is gone, a step later: who asks in between would be left to nobody.
        self._at_work -= 1

    async def _ask(self, asked: list[_Question]) -> None:
        if len(asked) == 1:
            [(job_id, answer)] = asked
            _settle(answer, await self.one(job_id))
            return
        named = await self._many({job_id for job_id, _ in asked})
        for job_id, answer in asked:
            if (job := named.get(job_id)) is not None:
                _settle(answer, job)
            else:
                self._unnamed.append((job_id, answer))
        self._send()

    async def _many(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        """Those of the jobs that the server names; none where it cannot be asked so."""
        try:
            named = await self._server.states(job_ids)
        except ResponseError as error:
            if _is_verdict(error):
                raise
            self._most = 1
            return {}
        # A server that does not know the filter shows its newest jobs instead.
        if not named.keys() <= set(job_ids):
            self._most = 1
        return named


def _settle(answer: asyncio.Future[JobState], job: JobState) -> None:
    if not answer.done():
        answer.set_result(job)


def _is_verdict(error: ResponseError) -> bool:
    """Whether a question for one job would be answered like this too: what else it is, it is about asking for many."""
    if isinstance(error, ServerError):
        return error.status != 501
    return isinstance(error, (AuthenticationError, RateLimitError))
