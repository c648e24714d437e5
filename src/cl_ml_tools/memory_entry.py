"""A job in the memory of one process, with how it is queued."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cl_ml_tools.job_log import LogLine
from cl_ml_tools.job_queue import JobQuery
from cl_ml_tools.schemas import Job, JobStatus


@dataclass(slots=True)
class Entry:
    """A job, with how it is queued."""

    seq: int
    job: Job
    key: str | None
    fingerprint: str
    attempts: int = 0
    token: int = 0
    worker_id: str | None = None
    lease_until: int = 0
    run_at: int = 0
    cancelling: bool = False
    log: list[LogLine] = field(default_factory=list)
    logged: int = 0

    def waits(self, task_types: Sequence[str]) -> bool:
        """Whether it waits for a worker of one of these types."""
        return self.job.status is JobStatus.QUEUED and self.job.task_type in task_types

    def matches(self, query: JobQuery) -> bool:
        """Whether it is one of those that are asked for."""
        job = self.job
        return (
            (query.status is None or job.status is query.status)
            and (query.task_type is None or job.task_type == query.task_type)
            and (query.ids is None or job.job_id in query.ids)
            and (query.created_by is None or job.created_by == query.created_by)
            and (not query.of_guests or job.created_by is None)
            and (query.cursor is None or self.seq < query.cursor)
            and query.labels.items() <= job.labels.items()
        )
