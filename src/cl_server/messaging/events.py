"""Publishes the states of jobs on MQTT, and makes sure that all of them are published."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

from paho.mqtt.client import MQTTMessageInfo
from sqlalchemy.exc import OperationalError

from cl_ml_tools.job_queue import Event, JobQueue
from cl_ml_tools.schemas import Job
from cl_server.messaging.mqtt import Connection
from cl_server.messaging.topics import EVENTS
from cl_server.queue.guest_mode import Guests
from cl_server.schemas import JobEvent
from cl_server.settings import Settings

# Seconds between an event and the note that the broker has it: one note for many.
SETTLE = 0.25
# Milliseconds after which another process publishes an event, because its process died or lost its broker.
STALE = 10_000

log = logging.getLogger(__name__)


class Events:
    """Publishes jobs. Without a connection, it does nothing.

    Everyone can listen to the broker, so only events of guests' jobs contain parameters and outputs, and only while
    guests are permitted.
    """

    def __init__(self, connection: Connection | None, guests: Guests) -> None:
        self._connection = connection
        self._guests = guests

    @property
    def heard(self) -> bool:
        """Whether there is a broker."""
        return self._connection is None or self._connection.connected

    def publish(self, job: Job) -> Callable[[], bool | None]:
        """Publish the state of a job. The result tells whether the broker has it (`None` if that is unknown)."""
        if self._connection is None:
            return _always
        event = JobEvent.about(job, whole=job.created_by is None and self._guests.on)
        info = self._connection.publish(EVENTS.name, event.model_dump_json(exclude_unset=True).encode())
        return lambda: _published(info)


class Relay:
    """A listener for a repository: publishes each event at once, and deletes it from the outbox when the broker has it.

    `sound` is whether the last query or write of the database succeeded, which is tried every few seconds. `on_lost` is
    called with the jobs that were taken from dead workers.
    """

    def __init__(self, events: Events, on_lost: Callable[[Sequence[Job]], None] | None = None) -> None:
        self._events = events
        self._on_lost = on_lost
        self._pending: dict[int, Callable[[], bool | None]] = {}
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._queue: JobQueue | None = None
        self.sound = True

    def __call__(self, event: Event) -> None:
        """Tell of one change; see `moment`."""
        self.moment([event])

    def moment(self, events: Sequence[Event]) -> None:
        """Tell of what changed together, which may have one place in the outbox."""
        told: dict[int, list[Callable[[], bool | None]]] = {}
        for event in events:
            try:
                answer = self._events.publish(event.job)
            except Exception:
                # The change is committed. Another process finds it in the outbox, and publishes it.
                job = event.job
                log.exception("job %s is %s, but its event can't be published", job.job_id, job.status.value)
                answer = _never
            if event.seq is not None:
                told.setdefault(event.seq, []).append(answer)
        if told:
            with self._lock:
                self._pending |= {seq: partial(_all, answers) for seq, answers in told.items()}
            self._told.set()

    def follow(self, queue: JobQueue) -> None:
        """Keep the outbox of a repository empty from now on."""
        self._queue = queue
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Delete the events that the broker has. Another process publishes the rest."""
        self._stop.set()
        self._told.set()
        if self._thread is not None:
            self._thread.join(5)
        if self._queue is not None:
            self._settle(self._queue)

    def _run(self) -> None:
        looked = 0.0
        while self._queue is not None and not self._stop.is_set():
            if self._told.wait(STALE / 1000):
                self._stop.wait(SETTLE)
            try:
                self._settle(self._queue)
                if time.monotonic() - looked > STALE / 1000:
                    looked = time.monotonic()
                    self.take_over(self._queue)
                self.sound = True
            except Exception as error:
                # A full disk, or an outage of the database: the events stay in the outbox.
                self.sound = False
                if isinstance(error, OperationalError):
                    log.error("the outbox can't be updated: %s", str(error.orig).strip().partition("\n")[0])
                else:
                    log.exception("the outbox can't be updated")
                self._stop.wait(1)

    def take_over(self, queue: JobQueue) -> None:
        """Publish unpublished events, and jobs that lost their worker."""
        lost = queue.expire()
        if self._on_lost is not None:
            self._on_lost(lost)
        if not self._events.heard:
            return
        untold = queue.take_untold(STALE)
        with self._lock:
            late = [event for event in untold if event.seq not in self._pending]
        for event in late:
            log.info("job %s is %s: its event is published late", event.job.job_id, event.job.status.value)
        self.moment(late)

    def _settle(self, queue: JobQueue) -> None:
        self._told.clear()
        with self._lock:
            answers = {seq: told() for seq, told in self._pending.items()}
            for seq, answer in answers.items():
                if answer is not False:
                    del self._pending[seq]
            if self._pending and not self._stop.is_set():
                self._told.set()
        known = [seq for seq, answer in answers.items() if answer]
        if known:
            queue.settle(known)


def connection(settings: Settings, name: str) -> Connection | None:
    """The connection of a process, not yet started. `None` without a broker. Raises `SettingsError`."""
    if settings.mqtt is None:
        return None
    # Each process has its own client id, because amqtt doesn't end the older of two sessions with the same one.
    return Connection(settings.mqtt, f"cl-{name}-{uuid4().hex[:8]}")


def _always() -> bool:
    return True


def _never() -> None:
    return None


def _all(answers: Sequence[Callable[[], bool | None]]) -> bool | None:
    """Whether the broker has all of it; that it isn't known of one is as if it had none."""
    given = [answer() for answer in answers]
    return None if None in given else all(given)


def _published(info: MQTTMessageInfo) -> bool | None:
    try:
        return info.is_published()
    except (RuntimeError, ValueError):
        # The broker was unavailable at that time. paho may deliver the message later, without a notice.
        return None
