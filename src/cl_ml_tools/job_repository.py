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
    """Keeps jobs: what a user of this library implements for a database of their own.

    Every method may be called from any thread, several at once, and may block; none is called from an event loop. Each
    is one transaction: it has happened, or raises and has not. A status that is final never changes again.
    """

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Keep a new job and return its id.

        Args:
            job: with its parameters; its status is `queued`.
            created_by: the id of the user; `None` for a guest.
            priority: 0 (lowest) to 10 (highest); that of the job when not given.
        """
        ...

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None` when there is none of this id."""
        ...

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job; `False` when it is gone, final, or somebody else's by now."""
        ...

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim the next queued job of these types (highest priority first, then oldest); `None` where there is none.

        The claim is exclusive: of several workers that ask at once, one gets the job.
        """
        ...

    def delete_job(self, job_id: str) -> bool:
        """Forget a job; `False` when there is none of this id."""
        ...
