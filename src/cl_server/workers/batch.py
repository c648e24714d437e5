"""Jobs that a worker has taken together. They run one after the other, in one thread."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence

from cl_ml_tools.compute_module import BlockingModule, TaskResult, TaskStopError
from cl_ml_tools.job_queue import Claim
from cl_ml_tools.schemas import BaseJobParams
from cl_ml_tools.worker import Worker
from cl_server.workers.attempt import STOPPED, Attempt


class Batch:
    """Attempts at jobs of one task; several only where a thread can run them.

    Args:
        attempts: in their order.
        goes_on: whether another is to begin after one has ended.
        on_begin: hears which one runs; `None` when none does.
    """

    def __init__(
        self,
        attempts: Sequence[Attempt],
        goes_on: Callable[[], bool],
        on_begin: Callable[[Claim | None], None],
    ) -> None:
        self._waiting = deque(attempts)
        self._ended: list[tuple[Attempt, TaskResult]] = []
        self._current: Attempt | None = None
        self._goes_on = goes_on
        self._on_begin = on_begin
        self._lock = threading.Lock()
        self.task_type = attempts[0].claim.job.task_type
        self.size = len(attempts)

    @property
    def current(self) -> Attempt | None:
        """The one that runs."""
        return self._current

    @property
    def claims(self) -> list[Claim]:
        """Of those that aren't settled."""
        with self._lock:
            running = () if self._current is None else (self._current,)
            return [attempt.claim for attempt in (*running, *self._waiting, *(ended for ended, _ in self._ended))]

    async def run(self, worker: Worker) -> None:
        """Do them."""
        module = worker.blocking(self.task_type)
        if module is not None:
            await asyncio.to_thread(self._run_here, module)
            return
        while (attempt := self._begin()) is not None:
            try:
                result = await attempt.run(worker)
            except TaskStopError:
                result = STOPPED
            self._end(attempt, result)

    def cut(self) -> list[Attempt]:
        """Those that have not begun, which now don't."""
        with self._lock:
            rest = list(self._waiting)
            self._waiting.clear()
            return rest

    def put_back(self, attempts: Sequence[Attempt]) -> None:
        """Have those begin after all."""
        with self._lock:
            self._waiting.extend(attempts)

    def ended(self) -> list[tuple[Attempt, TaskResult]]:
        """Those that have ended, and that aren't settled."""
        with self._lock:
            return list(self._ended)

    def settle(self, attempts: Sequence[Attempt]) -> None:
        """What these came to is written down."""
        with self._lock:
            self._ended = [pair for pair in self._ended if pair[0] not in attempts]

    def _run_here(self, module: BlockingModule[BaseJobParams]) -> None:
        while (attempt := self._begin()) is not None:
            self._end(attempt, attempt.run_here(module))

    def _begin(self) -> Attempt | None:
        goes_on = not self._ended or self._goes_on()
        with self._lock:
            # The results of some are no longer wanted: they don't begin.
            while self._waiting and self._waiting[0].is_over:
                self._ended.append((self._waiting.popleft(), STOPPED))
            if not goes_on or not self._waiting:
                return None
            self._current = self._waiting.popleft()
        self._on_begin(self._current.claim)
        return self._current

    def _end(self, attempt: Attempt, result: TaskResult) -> None:
        self._on_begin(None)
        with self._lock:
            self._current = None
            self._ended.append((attempt, result))
