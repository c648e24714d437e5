"""What is known of jobs in memory: lists, numbers and logs, which change nothing."""

from collections import Counter
from collections.abc import Callable

from cl_ml_tools import job_log
from cl_ml_tools.job_log import LogPage
from cl_ml_tools.job_queue import JobQuery, Listener, Page
from cl_ml_tools.memory_entry import Entry
from cl_ml_tools.memory_outbox import MemoryOutbox
from cl_ml_tools.schemas import Job, JobStatus


class MemoryJobArchive(MemoryOutbox):
    """The part of a `MemoryJobRepository` that reads."""

    def __init__(self, on_event: Listener, clock: Callable[[], int] | None = None) -> None:
        super().__init__(on_event, clock)
        self._entries: dict[str, Entry] = {}

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None`."""
        with self._lock:
            entry = self._entries.get(job_id)
            return None if entry is None else entry.job.model_copy()

    def read_log(self, job_id: str, offset: int = 0) -> LogPage:
        """The log of a job."""
        with self._lock:
            entry = self._entries.get(job_id)
            return LogPage((), 0) if entry is None else job_log.page(entry.log, entry.logged, offset)

    def list_jobs(self, query: JobQuery) -> Page:
        """A page of jobs, newest first."""
        with self._lock:
            found = [entry for entry in self._entries.values() if entry.matches(query)]
        found.sort(key=lambda entry: -entry.seq)
        shown = found[: query.limit]
        more = len(found) > query.limit
        return Page([entry.job.model_copy() for entry in shown], shown[-1].seq if more else None)

    def unfinished(self) -> dict[tuple[str, JobStatus], int]:
        """How many jobs are not over."""
        with self._lock:
            jobs = [entry.job for entry in self._entries.values()]
        return dict(Counter((job.task_type, job.status) for job in jobs if not job.status.terminal))

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time."""
        with self._lock:
            ended = {job_id: entry.job.completed_at for job_id, entry in self._entries.items()}
        return [job_id for job_id, at in ended.items() if at is not None and at < time]
