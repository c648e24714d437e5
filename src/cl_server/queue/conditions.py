"""Which jobs a statement is about."""

from typing import TypeAlias

from sqlalchemy import Connection, FromClause, Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import Claim, JobQuery
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.tables import job_labels, jobs

Condition: TypeAlias = ColumnElement[bool]

# A label with fewer jobs is as good as any.
FEW = 1000

QUEUED = jobs.c.status == JobStatus.QUEUED.value
PROCESSING = jobs.c.status == JobStatus.PROCESSING.value


def held(claim: Claim) -> tuple[Condition, ...]:
    """The job of a claim, if there was no later claim."""
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
    if owner is not None and (query.ids is not None or query.labels):
        # Written so that no index of it is used: the ids, or the labels, say all.
        found.append(func.coalesce(jobs.c.created_by, "") == owner)
    elif owner is not None:
        found.append(jobs.c.created_by.is_(None) if query.of_guests else jobs.c.created_by == owner)
    if query.cursor is not None:
        found.append(jobs.c.seq < query.cursor)
    return found


def with_labels(query: JobQuery, connection: Connection) -> "Select[tuple[object, ...]]":
    """The jobs of a list, found by their labels: one has the order of the list in an index, and the others are looked
    up for each of its jobs."""
    found = select(jobs)
    labels = list(query.labels.items())
    if len(labels) > 1:
        labels.sort(key=lambda label: connection.execute(_some_with(query, *label)).scalar_one())
    for place, (name, value) in enumerate(labels):
        label = job_labels.alias()
        found = found.join(label, label.c.seq == jobs.c.seq).where(label.c.name == name, label.c.value == value)
        if place == 0:
            found = found.where(*_whose(query, label)).order_by(label.c.seq.desc())
    return found


def _some_with(query: JobQuery, name: str, value: str) -> "Select[int]":
    """How many jobs have a label, counted up to `FEW`."""
    having = (job_labels.c.name == name, job_labels.c.value == value, *_whose(query, job_labels))
    return select(func.count()).select_from(select(job_labels.c.seq).where(*having).limit(FEW).subquery())


def _whose(query: JobQuery, labels: FromClause) -> list[Condition]:
    owner = "" if query.of_guests else query.created_by
    found = [] if owner is None else [labels.c.owner == owner]
    return found if query.cursor is None else [*found, labels.c.seq < query.cursor]


def newest_first(query: JobQuery) -> ColumnElement[int]:
    """The order of a list. Of single jobs, none of the indexes that have it is worth a look."""
    return jobs.c.seq.desc() if query.ids is None else (jobs.c.seq + 0).desc()


def ended_before(time: int) -> tuple[Condition, ...]:
    """The jobs that ended before a time, in UTC milliseconds. Only ended jobs have such a time."""
    return (jobs.c.completed_at < time,)
