"""How jobs and workers fare, for Prometheus. Every API of a database tells the same: take the maximum, not the sum."""

import logging
from collections.abc import Container, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.schemas import JobStatus
from cl_server import events
from cl_server.capabilities import Capabilities
from cl_server.mqtt import Connection

log = logging.getLogger(__name__)


class _Transition(BaseModel):
    """The part of a `JobEvent` that is counted. The rest may be long, such as an embedding, and is not looked at."""

    task_type: str
    status: JobStatus
    progress: int = 0


class JobMetrics(Collector):
    """Transitions are counted as they are heard on MQTT; the queue and the workers are looked at when somebody asks.

    `tasks` are those of the server: others, which anybody could name on the broker, are counted together.
    """

    def __init__(
        self, registry: CollectorRegistry, queue: JobQueue, capabilities: Capabilities, tasks: Container[str]
    ) -> None:
        self._queue = queue
        self._capabilities = capabilities
        self._tasks = tasks
        self._transitions = Counter(
            "cl_job_transitions", "Jobs that came into a status.", ("task", "status"), registry=registry
        )
        registry.register(self)

    def listen(self, connection: Connection) -> None:
        """Count what the workers say."""
        # At most once: to thank for each message costs more than to count it.
        connection.subscribe(events.TOPIC, self.heard, on_connect=_nothing, qos=0)

    def heard(self, topic: str, payload: bytes) -> None:
        """Take in one message."""
        if topic != events.TOPIC:
            return
        try:
            event = _Transition.model_validate_json(payload)
        except ValidationError:
            return
        # What is under way was counted when it began.
        if event.status is not JobStatus.PROCESSING or event.progress == 0:
            self._transitions.labels(self._known(event.task_type), event.status.value).inc()

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not ask the database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """What there is now. Asks the database, so not on the event loop."""
        summary = self._capabilities.summary()
        yield GaugeMetricFamily("cl_workers", "Workers that are up.", summary.num_workers)
        yield self._gauge("cl_workers_idle", "Jobs that workers could take at once.", summary.capabilities.items())
        try:
            counted = self._queue.unfinished()
        except SQLAlchemyError:
            log.exception("the queue cannot be counted")
            return
        for status in (JobStatus.QUEUED, JobStatus.PROCESSING):
            of_status = [(task, count) for (task, its_status), count in counted.items() if its_status is status]
            yield self._gauge(f"cl_jobs_{status.value}", f"Jobs that are {status.value}.", of_status)

    def _gauge(self, name: str, text: str, counts: Iterable[tuple[str, int]]) -> Metric:
        family = GaugeMetricFamily(name, text, labels=("task",))
        sums: dict[str, int] = {}
        for task, count in counts:
            sums[self._known(task)] = sums.get(self._known(task), 0) + count
        for task, count in sums.items():
            family.add_metric((task,), count)
        return family

    def _known(self, task: str) -> str:
        return task if task in self._tasks else "other"


def _nothing() -> None:
    """What there is to do about a new connection: what was said meanwhile is not counted."""
