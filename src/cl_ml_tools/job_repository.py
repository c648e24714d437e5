"""Where jobs are kept: the protocol between master, worker and database."""

from collections.abc import Sequence
from typing import Protocol, TypedDict, Unpack

from cl_ml_tools.schemas import Job, JobStatus, JSONObject


class JobUpdate(TypedDict, total=False):
    """What may change of a job."""

    status: JobStatus
    progress: int
    task_output: JSONObject | None
    error_message: str | None


class JobRepository(Protocol):
    """Keeps jobs. Every method may be called from any thread."""

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Keep a new job and return its id."""
        ...

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None` when there is none of this id."""
        ...

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job; `False` when it is gone, final, or somebody else's by now."""
        ...

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim the next queued job of these types (highest priority first, then oldest) for this worker alone."""
        ...

    def delete_job(self, job_id: str) -> bool:
        """Forget a job; `False` when there is none of this id."""
        ...
