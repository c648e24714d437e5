"""Tells those who watch what happens to jobs, a few times a second: what `GET /events` streams.

The broker says which jobs changed, the database how they are and whose: one question for all who watch. Without
anybody who watches there is no connection and no question.
"""

import asyncio
import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from cl_ml_tools.job_queue import JobQuery, JobQueue
from cl_ml_tools.schemas import Job
from cl_server.http.access import User
from cl_server.messaging.mqtt import Connection
from cl_server.messaging.topics import EVENTS
from cl_server.schemas import JobEvent, JobResponse

# Seconds between two messages to a client.
TICK: Final = 0.3
# More jobs than these in one message are read anew by who watches: a page shows no more of them anyway.
MOST: Final = 200
# Messages that are kept for those who lost their connection.
KEPT: Final = 100
# Seconds after which a connection that is silent gets a word, so that proxies leave it open.
SILENT: Final = 15.0
# Seconds after which a client has to connect again, with a valid token.
LONGEST: Final = 600.0
VIEWERS: Final = 200
# A larger output is left out: who wants it asks for the job.
LARGEST: Final = 2_000
REFETCH: Final = "event: refetch\ndata: {}\n\n"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened in one tick; `jobs` is `None` if it was too much to tell."""

    number: int
    jobs: list[Job] | None
    texts: dict[str | None, str] = field(default_factory=dict[str | None, str])

    def text_for(self, user: User, name: str) -> str:
        """The event for a user: their jobs as in the list, but without parameters and large outputs."""
        if self.jobs is None:
            return f"id: {name}\n{REFETCH}"
        key = "*" if user.is_admin else user.id
        if key not in self.texts:
            seen = [_shown(job) for job in self.jobs if user.may_see(job)]
            self.texts[key] = f"event: jobs\ndata: {json.dumps(seen)}\n\n" if seen else ""
        text = self.texts[key]
        return f"id: {name}\n{text}" if text else ""


class LiveJobs:
    """One for a process. `connect` makes a connection to the broker that isn't started, or says that there is none."""

    def __init__(self, queue: JobQueue, connect: Callable[[], Connection | None], ending: Callable[[], bool]) -> None:
        self._queue = queue
        self._connect = connect
        self._ending = ending
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._kept: deque[Change] = deque(maxlen=KEPT)
        # A number of another process, or of before a restart, means nothing here.
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._viewers = 0
        self._ticked = asyncio.Condition()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether as many watch as may."""
        return self._viewers >= VIEWERS

    async def follow(self, user: User, last: str | None) -> AsyncGenerator[str]:
        """The stream for a user, starting after the message `last`, as server-sent events."""
        self._viewers += 1
        try:
            if self._ticking is None:
                self._ticking = asyncio.create_task(self._tick())
            heard = self._resume(last)
            # Told at once, so that a proxy passes on the head.
            yield "retry: 2000\n\n"
            if heard is None:
                heard = self._number
                yield f"id: {self._boot}-{heard}\n{REFETCH}"
            end = asyncio.get_running_loop().time() + LONGEST
            spoke = asyncio.get_running_loop().time()
            while not self._ending() and (now := asyncio.get_running_loop().time()) < end:
                news = [change for change in self._kept if change.number > heard]
                if news and news[0].number > heard + 1:
                    yield f"id: {self._boot}-{news[-1].number}\n{REFETCH}"
                    news, heard, spoke = [], news[-1].number, now
                for change in news:
                    heard = change.number
                    if text := change.text_for(user, f"{self._boot}-{change.number}"):
                        spoke = now
                        yield text
                if now - spoke > SILENT:
                    spoke = now
                    yield ": still here\n\n"
                await self._next()
        finally:
            self._viewers -= 1

    def _resume(self, last: str | None) -> int | None:
        boot, _, number = (last or "").partition("-")
        if boot != self._boot or not number.isdecimal():
            return None
        oldest = self._kept[0].number if self._kept else self._number + 1
        return int(number) if int(number) >= oldest - 1 else None

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(1), self._ticked:
                await self._ticked.wait()
        except TimeoutError:
            return

    async def _tick(self) -> None:
        """Runs while there are clients."""
        broker = await asyncio.to_thread(self._connect)
        if broker is not None:
            broker.subscribe(EVENTS.name, self._heard, self._lost)
            broker.start()
        try:
            while self._viewers and not self._ending():
                await asyncio.sleep(TICK)
                with self._lock:
                    changed, self._changed = self._changed, set()
                if changed:
                    await self._tell(changed)
        finally:
            self._ticking = None
            self._kept.clear()
            self._boot = secrets.token_hex(4)
            if broker is not None:
                await asyncio.to_thread(broker.stop, 0)

    async def _tell(self, changed: Iterable[str]) -> None:
        ids = list(changed)
        found: list[Job] | None = None
        if len(ids) <= MOST and "" not in ids:
            query = JobQuery(ids=ids, limit=len(ids))
            try:
                found = (await asyncio.to_thread(self._queue.list_jobs, query)).jobs
            except Exception:
                # An outage of the database. Clients request the list themselves, and get the error.
                log.exception("the jobs that changed can't be read")
        self._number += 1
        self._kept.append(Change(self._number, found))
        async with self._ticked:
            self._ticked.notify_all()

    def _heard(self, topic: str, payload: bytes) -> None:
        """In the thread of the connection."""
        if topic != EVENTS.name:
            return
        try:
            job_id = JobEvent.model_validate_json(payload).job_id
        except ValidationError:
            return
        with self._lock:
            if len(self._changed) <= MOST:
                self._changed.add(job_id)

    def _lost(self) -> None:
        """Connected, perhaps again. Events may have been missed."""
        with self._lock:
            self._changed.add("")


def _shown(job: Job) -> dict[str, object]:
    shown = JobResponse.of(job).model_dump(mode="json", exclude={"params"})
    if len(json.dumps(job.task_output)) > LARGEST:
        shown["task_output"] = None
    return shown
