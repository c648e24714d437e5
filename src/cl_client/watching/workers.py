"""Which workers there are, as they say themselves on MQTT: a retained message each, and an empty one at their end."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from cl_client.config.defaults import ComputeClientConfig as Config
from cl_client.config.seconds import seconds
from cl_client.errors import WorkerUnavailableError
from cl_client.loops.home_loop import HomeLoop
from cl_client.model import WorkerState
from cl_client.server.contract import Contract, expected, renamed
from cl_client.wire.types import JSONObject

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Subscription

logger = logging.getLogger(__name__)

WorkerCallback = Callable[[str, "WorkerState | None"], "Awaitable[None] | None"]
"""Called with the id and the state of a worker, or with `None` if it is gone. Can be async."""


class Workers:
    """The workers that announce themselves on a broker. `client.workers` is an instance.

    Args:
        connect: Makes the subscription, without topics.
        contract: Contract of the server. Without a topic for workers, there is no subscription.
    """

    def __init__(self, connect: Callable[[Workers], Subscription], contract: Contract) -> None:
        self._connect = connect
        self._contract = contract
        self._subscription: Subscription | None = None
        self._known: dict[str, WorkerState] = {}
        self._listeners: dict[str, _Listener] = {}
        self._ids = itertools.count(1)
        # Since the subscription was last lost: who does not say so again is gone.
        self._announced: set[str] = set()
        self._news = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None
        self._home = HomeLoop()
        self.ignored: int = 0
        """The number of messages that couldn't be read."""

    @property
    def known(self) -> Mapping[str, WorkerState]:
        """The known workers, by id. Empty before the first message of the broker."""
        return MappingProxyType(self._known)

    def start(self) -> None:
        """Start to listen to the broker, if it isn't listening yet. Returns immediately.

        Raises:
            ClientClosedError: The client is closed, or started in another event loop.
            UnsupportedError: The server has no topic for its workers.
        """
        self._home.check()
        if self._subscription is None:
            topic = expected(self._contract.worker_events, "tell of its workers on the broker")
            self._subscription = self._connect(self)
            self._subscription.add(topic.replace("{worker_id}", "+"))

    def subscribe(self, callback: WorkerCallback) -> str:
        """Call a function for each worker that exists, comes, changes or goes. Needs a running event loop.

        The function runs in a task. If changes arrive faster than it returns, it gets only the latest of each worker.

        Returns:
            An id for `unsubscribe`.
        """
        self.start()
        listener = _Listener(callback)
        name = f"workers-{next(self._ids)}"
        self._listeners[name] = listener
        for worker_id, worker in self._known.items():
            listener.hear(worker_id, worker)
        return name

    def unsubscribe(self, subscription_id: str) -> None:
        """Stop a subscription. An unknown id is ignored."""
        if (listener := self._listeners.pop(subscription_id, None)) is not None:
            listener.cancel()

    async def news(self, timeout: float) -> bool:
        """Wait until a worker comes, changes or goes. Returns `False` after the timeout in seconds.

        If the server doesn't announce its workers on the broker, there are no changes.
        """
        if self._contract.worker_events is not None:
            self.start()
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), timeout)
        except TimeoutError:
            return False
        return True

    async def wait_for(self, task_type: str, timeout: float | None = None) -> bool:
        """Wait until a worker of this task type announces itself.

        Args:
            task_type: Task type, such as `clip_embedding`.
            timeout: Seconds to wait. Default: 30.

        Returns:
            True.

        Raises:
            WorkerUnavailableError: There is no such worker after the timeout.
        """
        self.start()
        given = seconds("timeout", timeout)
        limit = Config.WORKER_WAIT_TIMEOUT if given is None else given
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        while not any(task_type in worker.capabilities for worker in self._known.values()):
            if not await self.news(max(0.0, deadline - loop.time())):
                raise WorkerUnavailableError(
                    f"no worker for {task_type} after {limit:g} s", hint="start one: `cl-client server up`"
                )
        return True

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message of the broker. Never raises."""
        before, _, after = (self._contract.worker_events or "").partition("{worker_id}")
        worker_id = topic.removeprefix(before).removesuffix(after)
        if not payload:
            self._forget(worker_id)
            return
        try:
            worker = _parse(payload, self._contract)
        except (ValueError, RecursionError) as error:
            self.ignored += 1
            logger.debug("ignored a message on %r: %r", topic, error)
            return
        self._announced.add(worker_id)
        known = self._known.get(worker_id)
        self._known[worker_id] = worker
        if known is None or _abilities(known) != _abilities(worker):
            self._tell(worker_id, worker)

    def online(self, topics: Collection[str]) -> None:
        """The subscription stands: who was known, and does not say so again soon, is gone."""
        del topics
        self._stop_sweep()
        self._sweep = asyncio.get_running_loop().call_later(Config.WORKER_SILENCE, self._forget_silent)

    def offline(self, reason: str) -> None:
        """The subscription does not stand: what is known may be of the past, and is kept until it stands again."""
        logger.debug("no news of workers: %s", reason)
        self._stop_sweep()
        self._announced.clear()

    async def close(self) -> None:
        """Stop listening."""
        self._home.closed = True
        self._stop_sweep()
        for name in list(self._listeners):
            self.unsubscribe(name)
        if self._subscription is not None:
            await self._subscription.close()

    def _forget_silent(self) -> None:
        for worker_id in self._known.keys() - self._announced:
            self._forget(worker_id)

    def _forget(self, worker_id: str) -> None:
        if self._known.pop(worker_id, None) is not None:
            self._tell(worker_id, None)

    def _tell(self, worker_id: str, worker: WorkerState | None) -> None:
        self._news.set()
        for listener in self._listeners.values():
            listener.hear(worker_id, worker)

    def _stop_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()


class _Listener:
    """A callback and the task that it runs in, never in the funnel that messages come through."""

    def __init__(self, callback: WorkerCallback) -> None:
        self._callback = callback
        self._untold: dict[str, WorkerState | None] = {}
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="cl_client workers")

    def hear(self, worker_id: str, worker: WorkerState | None) -> None:
        self._untold[worker_id] = worker
        self._news.set()

    def cancel(self) -> None:
        # A callback that unsubscribes itself runs to its end.
        if self._task is not asyncio.current_task():
            self._task.cancel()
        self._untold.clear()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._untold:
                worker_id = next(iter(self._untold))
                await self._call(worker_id, self._untold.pop(worker_id))

    async def _call(self, worker_id: str, worker: WorkerState | None) -> None:
        try:
            result = self._callback(worker_id, worker)
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("a callback for worker %r failed", worker_id)


def _parse(payload: bytes, contract: Contract) -> WorkerState:
    """Read the word of a worker.

    Raises:
        ValueError, RecursionError: it is none.
    """
    fields = cast("object", json.loads(payload))
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    try:
        return WorkerState.from_dict(renamed(cast("JSONObject", fields), contract.worker_fields))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not what the spec promises: {error!r}") from None


def _abilities(worker: WorkerState) -> tuple[list[str], int]:
    return worker.capabilities, worker.idle_count
