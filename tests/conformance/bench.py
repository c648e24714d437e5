"""A queue to be tested, with a clock that the test sets."""

from uuid import uuid4

from sqlalchemy import Engine

from cl_ml_tools.job_queue import Claim, Event, JobQueue
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job
from cl_server.queue.repository import SqlJobRepository

TYPES = ["hash", "media_thumbnail"]


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now

    def passes(self, milliseconds: int) -> None:
        self.now += milliseconds


class Bench:
    """A queue, and what it told."""

    def __init__(self, kind: str, engine: Engine | None) -> None:
        self.kind = kind
        self.engine = engine
        self.clock = Clock()
        self.events: list[Event] = []
        self.wakes = 0
        self.queue = self.another()

    def another(self, *, silent: bool = False) -> JobQueue:
        """A repository on the same database."""
        listener = _ignore if silent else self.events.append
        if self.engine is None:
            return MemoryJobRepository(on_event=listener, on_wake=self._wake, clock=self.clock)
        return SqlJobRepository(self.engine, on_event=listener, on_wake=self._wake, clock=self.clock)

    def told(self, job_id: str) -> list[str]:
        """The states of a job that were told, in order."""
        return [event.job.status.value for event in self.events if event.job.job_id == job_id]

    def _wake(self) -> None:
        self.wakes += 1


def _ignore(event: Event) -> None:
    del event


def new(task_type: str = "hash", job_id: str | None = None) -> Job:
    """A job that nobody has queued yet."""
    return Job(job_id=job_id or uuid4().hex, task_type=task_type, params={"algorithm": "all"})


def claimed(queue: JobQueue, worker: str = "w0") -> Claim:
    """The next job, for a worker."""
    claim = queue.claim(worker, TYPES)
    assert claim is not None
    return claim


def job_of(queue: JobQueue, job_id: str) -> Job:
    """A job that is there."""
    job = queue.get_job(job_id)
    assert job is not None
    return job
