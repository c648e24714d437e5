"""Metrics of jobs and workers. All APIs of a database report the same values: use the maximum, not the sum."""

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.schemas import JobStatus
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.backlog import Backlog

log = logging.getLogger(__name__)


class JobMetrics(Collector):
    """Collects metrics of the queue and the workers at each request.

    `tasks` are those of the server. Other names, which anyone could announce on the broker, are counted together.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        queue: JobQueue,
        capabilities: Capabilities,
        tasks: Container[str],
        backlog: Callable[[], Backlog],
    ) -> None:
        self._queue = queue
        self._backlog = backlog
        self._capabilities = capabilities
        self._tasks = tasks
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not ask the database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """What there is now. Asks the database, so not on the event loop."""
        summary = self._capabilities.summary()
        build = GaugeMetricFamily("cl_build_info", "The version of this server.", labels=("version",))
        build.add_metric((version("cl-client"),), 1)
        yield build
        yield GaugeMetricFamily("cl_workers", "Workers that are up.", summary.num_workers)
        yield self._gauge("cl_workers_idle", "Jobs that workers could take at once.", summary.capabilities.items())
        try:
            unfinished, transitions, backlog = self._queue.unfinished(), self._queue.transitions(), self._backlog()
        except SQLAlchemyError:
            log.exception("the queue cannot be counted")
            return
        for status in (JobStatus.QUEUED, JobStatus.PROCESSING):
            of_status = [(task, count) for (task, its_status), count in unfinished.items() if its_status is status]
            yield self._gauge(f"cl_jobs_{status.value}", f"Jobs that are {status.value}.", of_status)
        yield self._counter(transitions)
        oldest = GaugeMetricFamily(
            "cl_jobs_oldest_queued_seconds", "Since when the oldest queued job waits.", labels=("task",)
        )
        ages = dict[str, float]()
        for task, age in backlog.oldest.items():
            ages[self._known(task)] = max(age, ages.get(self._known(task), 0))
        for task, age in ages.items():
            oldest.add_metric((task,), age)
        yield oldest
        yield GaugeMetricFamily("cl_outbox_events", "Events that wait to be published.", backlog.untold)
        yield GaugeMetricFamily("cl_stored_bytes", "Files of all jobs.", backlog.stored)

    def _gauge(self, name: str, text: str, counts: Iterable[tuple[str, int]]) -> Metric:
        family = GaugeMetricFamily(name, text, labels=("task",))
        sums = Counter[str]()
        for task, count in counts:
            sums[self._known(task)] += count
        for task, count in sums.items():
            family.add_metric((task,), count)
        return family

    def _counter(self, transitions: Mapping[tuple[str, JobStatus], int]) -> Metric:
        family = CounterMetricFamily("cl_job_transitions", "Jobs that came into a status.", labels=("task", "status"))
        sums = Counter[tuple[str, str]]()
        for (task, status), times in transitions.items():
            sums[self._known(task), status.value] += times
        for labels, times in sums.items():
            family.add_metric(labels, times)
        return family

    def _known(self, task: str) -> str:
        return task if task in self._tasks else "other"
