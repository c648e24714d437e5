"""Which jobs a statement is about."""

from typing import TypeAlias

from sqlalchemy import func
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import Claim, JobQuery
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.tables import jobs

Condition: TypeAlias = ColumnElement[bool]

QUEUED = jobs.c.status == JobStatus.QUEUED.value
PROCESSING = jobs.c.status == JobStatus.PROCESSING.value


def held(claim: Claim) -> tuple[Condition, ...]:
    """The job of a claim, for as long as nobody has claimed it since."""
    return (jobs.c.job_id == claim.job.job_id, PROCESSING, jobs.c.token == claim.token)


def asked_for(query: JobQuery) -> list[Condition]:
    """The jobs of a list."""
    found: list[Condition] = []
    if query.status is not None:
        found.append(jobs.c.status == query.status.value)
    if query.task_type is not None:
        found.append(jobs.c.task_type == query.task_type)
    if query.ids is not None:
        found.append(jobs.c.job_id.in_(query.ids))
    owner = "" if query.of_guests else query.created_by
    if owner is not None and query.ids is not None:
        # Written so that no index of it is used: the ids say all.
        found.append(func.coalesce(jobs.c.created_by, "") == owner)
    elif owner is not None:
        found.append(jobs.c.created_by.is_(None) if query.of_guests else jobs.c.created_by == owner)
    if query.cursor is not None:
        found.append(jobs.c.seq < query.cursor)
    return found


def newest_first(query: JobQuery) -> ColumnElement[int]:
    """The order of a list. Of single jobs, none of the indexes that have it is worth a look."""
    return jobs.c.seq.desc() if query.ids is None else (jobs.c.seq + 0).desc()


def ended_before(time: int) -> tuple[Condition, ...]:
    """The jobs that ended before a time, in UTC milliseconds; only what has ended has such a time."""
    return (jobs.c.completed_at < time,)
