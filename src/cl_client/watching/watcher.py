"""Watching jobs to their end without losing one.

MQTT is quick and may drop; HTTP is slow and knows. So both feed one funnel, `Watcher.deliver`:

- An event of the broker goes to the watches of its job through a dict.
- A job is asked for over HTTP when its watch has begun, whenever the subscription (re)stands, and when it has been
  silent for a while; without a broker, or with one that never told of a job of ours, again and again with growing
  pauses.
  That is one mechanism: a moment at which the job is due, which each of these causes moves.
- A state that is older than what is known is dropped. A terminal state takes the job out of the registry, which is why
  it is heard once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

from cl_client.config.defaults import ComputeClientConfig as Config
from cl_client.errors import (
    ClientClosedError,
    ComputeClientError,
    RateLimitError,
    ServerError,
    ServerUnreachableError,
)
from cl_client.http.telemetry import job_ended
from cl_client.loops.home_loop import HomeLoop
from cl_client.model import JobState
from cl_client.server import status
from cl_client.watching.event import Event, EventTopic, supersedes
from cl_client.watching.watch import JobCallback, Watch

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Subscription

logger = logging.getLogger(__name__)

_REMEMBERED: Final = 512
"""Jobs of others, or of ours before the answer to their submit is here: more than are ever in flight."""


class _Entry:
    """What is known of a watched job, and when it is to be asked for."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.watches: dict[str, Watch] = {}
        self.state: JobState | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.heard = 0.0
        self.pause = Config.FIRST_POLL_INTERVAL
        self.fetching = False
        self.ask_again = False
        # An event said that it ended, but not how: only the server can tell.
        self.end_announced = False


class Watcher:
    """The registry of watched jobs of one client.

    Args:
        fetch: gives the state of a job, over HTTP. It is asked for many at once, and bounds what that costs.
        connect: makes the subscription to the broker, with no topics yet; `None` follows over HTTP alone.
        topic: where events come.
        parse: reads a message; as `Event.parse`.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[JobState]],
        connect: Callable[[Watcher], Subscription] | None,
        topic: str = Config.MQTT_EVENTS_TOPIC,
        parse: Callable[[bytes], Event] = Event.parse,
    ) -> None:
        self._fetch = fetch
        self._connect = connect
        self._topic = EventTopic(topic)
        self._parse = parse
        self._subscription: Subscription | None = None
        self._home = HomeLoop()
        self._entries: dict[str, _Entry] = {}
        self._by_watch: dict[str, _Entry] = {}
        # The last word on jobs that ended, and of the broker on jobs that nobody watches (yet): news of a job can be
        # here before the answer to its submit.
        self._ended: OrderedDict[str, JobState] = OrderedDict()
        self._overheard: OrderedDict[str, JobState] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._online = False
        # Whether the broker has told of a job of ours: until then it may be another server's, and is not relied on.
        self._proven = False
        self._warned = False
        self._server_is_away = False
        # Its own for each client, so that many clients do not ask in the same moment.
        self._phase = random.uniform(0, Config.SWEEP_STEP)  # noqa: S311 (no secret)
        self.ignored: int = 0
        """Messages of the broker that were no events of jobs."""

    @property
    def watched(self) -> int:
        """How many jobs are watched now."""
        return len(self._entries)

    def start(self) -> None:
        """Begin to connect to the broker, if that was not done before. Returns at once."""
        if self._subscription is None and self._connect is not None and not self._home.closed:
            self._subscription = self._connect(self)
            if not self._topic.per_job:
                self._subscription.add(self._topic.name)

    def watch(
        self,
        job_id: str,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
        *,
        mirror: Callable[[JobState], None] | None = None,
    ) -> Watch:
        """Listen to a job, whatever its state.

        Args:
            job_id: the job.
            on_progress: called in a task, with the latest state whenever there is a new one.
            on_complete: called in a task, once, with the terminal state.
            mirror: called at once with every state; may not raise or block.

        Raises:
            ClientClosedError: the client is closed, or began in another event loop.
        """
        self._home.check()
        self.start()
        watch = Watch(job_id, mirror)
        if on_progress is not None or on_complete is not None:
            watch.call(on_progress, on_complete)
        if (ended := self._ended.get(job_id)) is not None:
            watch.hear(ended)
            return watch
        # Registered first and asked for afterwards: an end in between is heard one way or the other.
        entry = self._entries.get(job_id)
        if entry is None:
            entry = self._entries[job_id] = _Entry(job_id)
            entry.state = self._overheard.pop(job_id, None)
            if entry.state is not None:
                entry.heard = asyncio.get_running_loop().time()
                self._proven = True
            # A broker that does tell of our jobs is given a moment first, and all the time of a sweep where it has told
            # of this one: most jobs end without being asked for.
            self._due(entry, Config.FIRST_POLL_INTERVAL if self._proven else 0, if_silent=self._proven)
            if self._topic.per_job and self._subscription is not None and (topic := self._topic.of(job_id)):
                self._subscription.add(topic)
        entry.watches[watch.id] = watch
        self._by_watch[watch.id] = entry
        if entry.state is not None:
            watch.hear(entry.state)
        return watch

    def unwatch(self, watch_id: str) -> None:
        """Stop listening. An id that is not known (any more) is ignored: the job may have ended just now."""
        entry = self._by_watch.pop(watch_id, None)
        if entry is None:
            return
        entry.watches.pop(watch_id).cancel()
        if not entry.watches:
            self._drop(entry)

    def deliver(self, job: JobState) -> None:
        """Take a state of a job, from wherever it came."""
        ended = status.is_terminal(job.status)
        if ended:
            self._overheard.pop(job.job_id, None)
            _remember(self._ended, job)
        elif supersedes(job, self._ended.get(job.job_id)):
            # A job that was tried again is not at its end any more.
            self._ended.pop(job.job_id, None)
        else:
            return
        entry = self._entries.get(job.job_id)
        if entry is None:
            return
        entry.heard = asyncio.get_running_loop().time()
        if not supersedes(job, entry.state):
            return
        entry.state = job
        if ended:
            self._drop(entry)
            job_ended(job)
        for watch in list(entry.watches.values()):
            watch.hear(job)

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message of the broker. Never raises."""
        try:
            event = self._parse(payload)
        except (ValueError, RecursionError) as error:
            self.ignored += 1
            logger.debug("ignored a message on %r: %r", topic, error)
            return
        entry = self._entries.get(event.job_id)
        self._proven = self._proven or entry is not None
        if event.job is not None:
            self.deliver(event.job)
            if entry is None:
                self._overhear(event.job)
            return
        if entry is None:
            return
        entry.heard = asyncio.get_running_loop().time()
        if (merged := event.merged(entry.state)) is not None:
            self.deliver(merged)
        elif status.is_terminal(event.status):
            entry.end_announced = True
            self._due(entry, 0)

    def online(self, topics: Collection[str] = ()) -> None:
        """The subscription stands: ask for every watched job, because of what was missed until now.

        Args:
            topics: where each job has one, those that stand.
        """
        if not self._online:
            logger.info("the MQTT broker sends events of jobs")
        self._online = True
        if self._topic.per_job:
            jobs = (self._entries.get(self._topic.job_of(topic)) for topic in topics)
            entries = [entry for entry in jobs if entry is not None]
        else:
            entries = list(self._entries.values())
        for entry in entries:
            self._due(entry, 0)

    def offline(self, reason: str) -> None:
        """The subscription does not stand: follow every watched job over HTTP."""
        broker = self._subscription.broker if self._subscription is not None else None
        where = f"{broker.host}:{broker.port} " if broker is not None else ""
        text = f"MQTT broker {where}is not reachable ({reason}): following jobs over HTTP instead"
        # Once is a warning; a broker that comes and goes is no news to who was warned.
        logger.log(logging.INFO if self._warned else logging.WARNING, text)
        self._warned = True
        was_online, self._online, self._proven = self._online, False, False
        self._overheard.clear()
        if was_online:
            for entry in self._entries.values():
                entry.pause = Config.FIRST_POLL_INTERVAL
                self._due(entry, entry.pause)

    async def close(self) -> None:
        """End every watch with `ClientClosedError` and leave the broker, within 2 seconds."""
        self._home.closed = True
        for entry in list(self._entries.values()):
            for watch in list(entry.watches.values()):
                watch.fail(
                    ClientClosedError(f"the client was closed while job {entry.job_id} ran", job_id=entry.job_id)
                )
            self._drop(entry)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._subscription is not None:
            await self._subscription.close()

    def _overhear(self, job: JobState) -> None:
        if job.job_id not in self._ended and supersedes(job, self._overheard.get(job.job_id)):
            _remember(self._overheard, job)

    def _due(self, entry: _Entry, delay: float, *, if_silent: bool = False) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        moment = asyncio.get_running_loop().time() + delay
        if if_silent and delay > Config.SWEEP_STEP:
            # Jobs that are due in one moment are one request: thousands of silent ones cost a few a second.
            moment = self._phase + math.ceil((moment - self._phase) / Config.SWEEP_STEP) * Config.SWEEP_STEP
        act = self._sweep if if_silent else self._ask
        entry.timer = asyncio.get_running_loop().call_at(moment, act, entry)

    def _sweep(self, entry: _Entry) -> None:
        silent_for = asyncio.get_running_loop().time() - entry.heard
        patience = Config.SWEEP_AFTER[0]
        # Short events move what is known, and so need something that is.
        if silent_for < patience and entry.state is not None:
            self._due(entry, patience - silent_for, if_silent=True)
        else:
            self._ask(entry)

    def _ask(self, entry: _Entry) -> None:
        entry.timer = None
        if entry.fetching:
            # What is under way may have been read before the news that made this due.
            entry.ask_again = True
            return
        entry.fetching = True
        task = asyncio.create_task(self._ask_server(entry), name=f"cl_client ask {entry.job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_server(self, entry: _Entry) -> None:
        error: ComputeClientError | None = None
        try:
            job = await self._fetch(entry.job_id)
            self._server_is_away = False
            self.deliver(job)
        except (ServerUnreachableError, ServerError, RateLimitError) as trouble:
            error = trouble
            if not self._server_is_away:
                self._server_is_away = True
                logger.warning("%s; still trying", error)
        except ComputeClientError as verdict:
            self._fail(entry, verdict)
        except Exception as bug:
            # Whatever it was: a watch that ends with an error is better than one that never ends.
            logger.exception("asking for job %r failed", entry.job_id)
            self._fail(entry, ComputeClientError(f"asking for job {entry.job_id} failed: {bug!r}", job_id=entry.job_id))
        finally:
            entry.fetching = False
        if self._entries.get(entry.job_id) is entry:
            self._schedule(entry, error)

    def _schedule(self, entry: _Entry, error: ComputeClientError | None) -> None:
        """Decide when a job that has not ended is asked for again."""
        if entry.ask_again:
            entry.ask_again = False
            self._due(entry, 0)
        elif self._proven and error is None and not entry.end_announced:
            self._due(entry, random.uniform(*Config.SWEEP_AFTER), if_silent=True)  # noqa: S311 (no secret)
        elif isinstance(error, RateLimitError) and error.retry_after is not None:
            self._due(entry, error.retry_after)
        else:
            self._due(entry, entry.pause)
            alone = error is None and not self._online
            longest = Config.DEFAULT_POLL_INTERVAL if alone else Config.MAX_POLL_BACKOFF
            entry.pause = min(longest, entry.pause * Config.POLL_BACKOFF_MULTIPLIER)

    def _fail(self, entry: _Entry, error: ComputeClientError) -> None:
        self._drop(entry)
        for watch in list(entry.watches.values()):
            watch.fail(error)

    def _drop(self, entry: _Entry) -> None:
        self._entries.pop(entry.job_id, None)
        for watch_id in entry.watches:
            self._by_watch.pop(watch_id, None)
        if self._topic.per_job and self._subscription is not None and (topic := self._topic.of(entry.job_id)):
            self._subscription.remove(topic)
        if entry.timer is not None:
            entry.timer.cancel()


def _remember(jobs: OrderedDict[str, JobState], job: JobState) -> None:
    jobs[job.job_id] = job
    jobs.move_to_end(job.job_id)
    if len(jobs) > _REMEMBERED:
        jobs.popitem(last=False)
