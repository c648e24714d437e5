"""Sends the submits of one client: small files that wait at the same moment go in one request, where the server can."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Final, TypeVar

from attrs import define, evolve, field

from cl_client.errors import AuthenticationError, ClientClosedError, RateLimitError, ResponseError, ServerError
from cl_client.http.labels import written
from cl_client.jobs.operation import Operation
from cl_client.model import JobState
from cl_client.server.port import JobServer
from cl_client.server.small_submit import SmallSubmit, small_submit

AT_ONCE: Final = 2
"""Requests on their way, beyond which submits wait for each other. What waits goes with the next one."""
PATIENCE: Final = 0.1
"""Seconds after which what waits is sent all the same: the server may be silent about what is on its way."""
MOST_AT_ONCE: Final = 16

_NO_SUCH_ROUTE: Final = frozenset({404, 405, 501})
_TOO_LARGE: Final = 413

Body = TypeVar("Body")
Output = TypeVar("Output")


@define(eq=False)
class _Waiting:
    """A submit, and who waits for its answer; `alone` sends it by itself."""

    small: SmallSubmit
    alone: Callable[[], Awaitable[JobState]]
    answer: asyncio.Future[JobState]


@define(eq=False)
class _Queue:
    """The submits of one task. `at_work` counts the requests on their way, those of single ones too."""

    waiting: deque[_Waiting] = field(factory=deque[_Waiting])
    at_work: int = 0
    is_beginning: bool = False
    timer: asyncio.TimerHandle | None = None
    # Until the server shows that it cannot.
    is_together: bool = True
    # Bytes, where a proxy takes less than the server does.
    most_bytes: float = math.inf

    def is_idle_but_for(self, one: _Waiting) -> bool:
        """Whether there is nothing else."""
        return self.at_work == 0 and len(self.waiting) == 1 and self.waiting[0] is one


class Submitter:
    """Sends the submits of a client."""

    def __init__(self, server: JobServer) -> None:
        self._server = server
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(
        self, operation: Operation[Body, Output], body: Body, key: str, labels: Mapping[str, str] | None
    ) -> JobState:
        """As `JobServer.submit`, perhaps in one request with others."""

        def alone() -> Awaitable[JobState]:
            return self._server.submit(operation, body, key, labels)

        small = self._small(operation, body, key, labels)
        if small is None:
            return await alone()
        queue = self._queues[small.task_type]
        if not queue.is_together:
            return await alone()
        one = _Waiting(small, alone, asyncio.get_running_loop().create_future())
        queue.waiting.append(one)
        try:
            if queue.is_idle_but_for(one):
                # Whoever submits in this very moment, too, is there in the next step of the loop.
                await asyncio.sleep(0)
                if queue.is_idle_but_for(one):
                    queue.waiting.clear()
                    return await self._first(queue, alone)
            self._go_on(queue)
            return await one.answer
        finally:
            one.answer.cancel()

    async def close(self) -> None:
        """Drop what is on its way."""
        for queue in self._queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
            _fail(queue.waiting, _closed())
            queue.waiting.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _small(
        self, operation: Operation[Body, Output], body: Body, key: str, labels: Mapping[str, str] | None
    ) -> SmallSubmit | None:
        batch = self._server.batch
        # Only where the server has the jobs of a task does it know them in a batch.
        if batch is None or batch.path.replace("{task}", operation.task_type).rpartition("/")[0] != operation.path:
            return None
        return small_submit(operation.task_type, body, key, written(labels))

    async def _first(self, queue: _Queue, alone: Callable[[], Awaitable[JobState]]) -> JobState:
        """Send what nobody waits beside; whoever comes meanwhile goes together."""
        queue.at_work += 1
        try:
            return await alone()
        finally:
            queue.at_work -= 1
            self._go_on(queue)

    def _go_on(self, queue: _Queue, most: int = AT_ONCE) -> None:
        """Send what waits, if there may be another request, in the next step of the loop: what comes until then goes
        along."""
        if queue.waiting and not queue.is_beginning and (queue.at_work < most or not queue.is_together):
            queue.at_work += 1
            queue.is_beginning = True
            self._begin(self._send(queue))
        if queue.waiting and queue.timer is None:
            queue.timer = asyncio.get_running_loop().call_later(PATIENCE, self._hurry, queue)

    def _hurry(self, queue: _Queue) -> None:
        queue.timer = None
        if queue.waiting:
            self._go_on(queue, min(queue.at_work + 1, MOST_AT_ONCE))

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name="cl_client submit jobs")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next(self, queue: _Queue) -> list[_Waiting]:
        """What goes in the next request."""
        batch = self._server.batch
        most, room = (batch.files, batch.bytes) if batch is not None and queue.is_together else (1, 0)
        room = min(room, queue.most_bytes)
        together: list[_Waiting] = []
        while queue.waiting and len(together) < most:
            room -= queue.waiting[0].small.file.size or 0
            if together and room < 0:
                break
            together.append(queue.waiting.popleft())
        return together

    async def _send(self, queue: _Queue) -> None:
        queue.is_beginning = False
        together = self._next(queue)
        self._go_on(queue)
        try:
            await asyncio.gather(*(_read(one) for one in together if not one.small.file.is_held))
            wanted = [one for one in together if not one.answer.done()]
            if len(wanted) > 1:
                await self._send_together(queue, wanted)
            elif wanted:
                await _settle(wanted[0])
        finally:
            queue.at_work -= 1
            self._go_on(queue)

    async def _send_together(self, queue: _Queue, wanted: list[_Waiting]) -> None:
        sending = asyncio.ensure_future(self._server.submit_many([one.small for one in wanted]))

        def left(_: object) -> None:
            if all(one.answer.cancelled() for one in wanted):
                sending.cancel()

        for one in wanted:
            one.answer.add_done_callback(left)
        try:
            answers = await sending
        except ResponseError as error:
            if _is_verdict(error):
                _fail(wanted, error)
                return
            # It is about sending them together: what there is to say of each, it hears by itself.
            if error.status in _NO_SUCH_ROUTE or error.status is None:
                queue.is_together = False
            elif error.status == _TOO_LARGE:
                queue.most_bytes = sum(one.small.file.size or 0 for one in wanted) / 2
            answers = [error] * len(wanted)
        except asyncio.CancelledError:
            _fail(wanted, _closed())
            sending.cancel()
            return
        except Exception as error:
            _fail(wanted, error)
            return
        for one, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, ResponseError):
                self._begin(_settle(one))
            elif not one.answer.done():
                one.answer.set_result(answer)


async def _read(one: _Waiting) -> None:
    """Read its file into memory: what cannot be read fails alone."""
    try:
        one.small = evolve(one.small, file=await one.small.file.held())
    except Exception as error:
        _fail([one], error)


async def _settle(one: _Waiting) -> None:
    """Send one by itself, until its caller leaves."""
    if one.answer.done():
        return
    sending = asyncio.ensure_future(one.alone())
    one.answer.add_done_callback(lambda _: sending.cancel())
    try:
        state = await sending
    except asyncio.CancelledError:
        _fail([one], _closed())
        sending.cancel()
    except Exception as error:
        _fail([one], error)
    else:
        if not one.answer.done():
            one.answer.set_result(state)


def _fail(waiting: Iterable[_Waiting], error: Exception) -> None:
    for one in waiting:
        if not one.answer.done():
            one.answer.set_exception(error)


def _closed() -> ClientClosedError:
    return ClientClosedError("this client was closed while it submitted jobs: whether they are queued is not known")


def _is_verdict(error: ResponseError) -> bool:
    """Whether each of the jobs would be answered like this, too."""
    if isinstance(error, ServerError):
        return error.status != 501
    return isinstance(error, AuthenticationError | RateLimitError)
