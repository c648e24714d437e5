"""Jobs in a SQL database."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from sqlalchemy import Engine, Row, case, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_repository import JobUpdate
from cl_ml_tools.schemas import TERMINAL, Job, JobStatus
from cl_server.clock import now_ms
from cl_server.database import jobs, reading

MAX_ATTEMPTS = 3

COLUMNS = tuple(jobs.columns.keys())

Listener = Callable[[Job], None]

log = logging.getLogger(__name__)


def _nobody(job: Job) -> None:
    del job


class SqlJobRepository:
    """`JobRepository` on SQLAlchemy.

    `on_change` hears of every transition and every progress after its commit, `on_queued` of every job that
    can be claimed. `worker_id` is the slot in whose name jobs are claimed: while it is set, only jobs that
    this slot holds can be changed.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker_id: str | None = None,
        on_change: Listener = _nobody,
        on_queued: Listener = _nobody,
    ) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._worker_id = worker_id
        self._on_change = on_change
        self._on_queued = on_queued

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Queue a new job."""
        now = now_ms()
        job.created_at = job.updated_at = now
        job.created_by = created_by if created_by is not None else job.created_by
        job.priority = job.priority if priority is None else priority
        values = job.model_dump(mode="json") | {"attempts": 0}
        with self._engine.begin() as connection:
            connection.execute(insert(jobs).values(values))
        # Told before a worker is woken, so that `queued` is on its way before `processing`.
        _tell(self._on_change, job)
        _tell(self._on_queued, job)
        return job.job_id

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None`."""
        with self._reading.connect() as connection:
            row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def job_ids(self) -> set[str]:
        """All jobs."""
        with self._reading.connect() as connection:
            return set(connection.scalars(select(jobs.c.job_id)))

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job that is not final; progress only grows, and only while the job is processed."""
        now = _now()
        values: dict[str, object] = {**changes, "updated_at": now}
        conditions = [jobs.c.job_id == job_id]
        status = changes.get("status")
        if status is None:
            conditions.append(jobs.c.status == JobStatus.PROCESSING)
            conditions.append(jobs.c.progress <= changes.get("progress", 100))
        else:
            values["status"] = status.value
            conditions.append(jobs.c.status.not_in(TERMINAL))
            if status.terminal:
                values["completed_at"] = now
        if self._worker_id is not None:
            conditions.append(jobs.c.worker_id == self._worker_id)
        changed = self._change(values, *conditions)
        for job in changed:
            _tell(self._on_change, job)
        return bool(changed)

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim a job: highest priority first, then as they came, whatever the clock did meanwhile."""
        queued = (
            select(jobs.c.seq)
            .where(jobs.c.status == JobStatus.QUEUED, jobs.c.task_type.in_(task_types))
            .order_by(jobs.c.priority.desc(), jobs.c.seq)
            .limit(1)
        )
        # Most looks find nothing. A read needs no lock, so idle workers do not hold up busy ones.
        with self._reading.connect() as connection:
            if connection.execute(queued).one_or_none() is None:
                return None
        now = _now()
        claim = {
            "status": JobStatus.PROCESSING.value,
            "worker_id": self._worker_id,
            "attempts": jobs.c.attempts + 1,
            "started_at": now,
            "updated_at": now,
        }
        for job in self._change(claim, jobs.c.seq == queued.scalar_subquery()):
            _tell(self._on_change, job)
            return job
        return None

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        ended = (jobs.c.status.in_(TERMINAL), jobs.c.completed_at < time)
        with self._reading.connect() as connection:
            return list(connection.execute(select(jobs.c.job_id).where(*ended)).scalars())

    def delete_job(self, job_id: str) -> bool:
        """Forget a job, whatever its state."""
        with self._engine.begin() as connection:
            return connection.execute(delete(jobs).where(jobs.c.job_id == job_id)).rowcount > 0

    def release(self, *worker_ids: str, died: bool = True) -> list[Job]:
        """Give back what workers of these slots held. A job with which workers died too often fails."""
        return self._give_back(jobs.c.worker_id.in_(worker_ids), died=died)

    def release_others(self, *worker_ids: str) -> list[Job]:
        """Give back what every other slot held: for a start with fewer workers than before."""
        return self._give_back(jobs.c.worker_id.not_in(worker_ids), died=True)

    def _give_back(self, owner: ColumnElement[bool], *, died: bool) -> list[Job]:
        held = (owner, jobs.c.status == JobStatus.PROCESSING)
        now = _now()
        failed = (
            self._change(
                {
                    "status": JobStatus.FAILED.value,
                    "error_message": f"the worker died {MAX_ATTEMPTS} times while it ran this job",
                    "updated_at": now,
                    "completed_at": now,
                },
                *held,
                jobs.c.attempts >= MAX_ATTEMPTS,
            )
            if died
            else []
        )
        queued = self._change(
            {
                "status": JobStatus.QUEUED.value,
                "progress": 0,
                "worker_id": None,
                "attempts": jobs.c.attempts - (0 if died else 1),
                "started_at": None,
                "updated_at": now,
            },
            *held,
        )
        for job in (*failed, *queued):
            _tell(self._on_change, job)
        for job in queued:
            _tell(self._on_queued, job)
        return [*failed, *queued]

    def _change(self, values: Mapping[str, object], *conditions: ColumnElement[bool]) -> list[Job]:
        statement = update(jobs).where(*conditions).values(values).returning(jobs)
        with self._engine.begin() as connection:
            return [_job(row) for row in connection.execute(statement)]


def _tell(listener: Listener, job: Job) -> None:
    """What is committed has happened: a listener that fails cannot take it back, nor keep the next from hearing."""
    try:
        listener(job)
    except Exception:
        log.exception("job %s is %s, but not everybody could be told", job.job_id, job.status.value)


def _now() -> ColumnElement[int]:
    """The time, in UTC milliseconds; for a job that was changed later than that, before the clock was put back, then.

    Clients tell old news from new by `updated_at`.
    """
    now = now_ms()
    return case((jobs.c.updated_at > now, jobs.c.updated_at), else_=now)


def _job(row: "Row[tuple[object, ...]]") -> Job:
    # Columns about how the job is queued (its worker, its attempts) are not part of a Job, which ignores them.
    values: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    return Job.model_validate(values)
