"""The statements that every job runs through, made once: to make one takes longer than to run it."""

from sqlalchemy import JSON, Executable, Select, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import LONGEST_BACKOFF
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.conditions import PROCESSING, QUEUED
from cl_server.queue.tables import Big, job_labels, jobs, outbox, transitions

NOW = bindparam("now", type_=Big)
# By the clock that nobody puts back (`tables.steady_clock_of`).
STEADY = bindparam("steady", type_=Big)


def after_last(now: ColumnElement[int]) -> ColumnElement[int]:
    """The time; for a job that was changed later than that, before the clock was put back, then.

    Clients tell old news from new by `updated_at`.
    """
    return case((jobs.c.updated_at > now, jobs.c.updated_at), else_=now)


def has_come(time: ColumnElement[int], now: ColumnElement[int], most: int) -> ColumnElement[bool]:
    """Whether a moment of the steady clock has come. One that is more than `most` milliseconds away was written by
    another clock, before the machine started anew."""
    return or_(time <= now, time > now + most)


OF_TYPES = jobs.c.task_type.in_(bindparam("of_types", expanding=True))

# The job `of_job`.
GET = select(jobs).where(jobs.c.job_id == bindparam("of_job"))

# Parameters: what is in the columns.
ADD = insert(jobs)
ADD_LABEL = insert(job_labels)
NOTE = insert(outbox)

# Parameters: `of_types`, and `steady` in milliseconds.
NEXT = (
    select(jobs.c.seq)
    .where(QUEUED, OF_TYPES, has_come(jobs.c.run_at, STEADY, LONGEST_BACKOFF))
    .order_by(jobs.c.priority.desc(), jobs.c.seq)
    .limit(1)
)

# In how many milliseconds a job is due. Parameters: `of_types`, and `steady` in milliseconds.
DUE = select(func.min(case((has_come(jobs.c.run_at, STEADY, LONGEST_BACKOFF), 0), else_=jobs.c.run_at - STEADY))).where(
    QUEUED, OF_TYPES
)

# Parameters: `of_job`, `of_token`, `now` in milliseconds, `output`, and `more` in bytes.
COMPLETE = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_job"), PROCESSING, jobs.c.token == bindparam("of_token"))
    .values(
        status=JobStatus.COMPLETED.value,
        progress=100,
        updated_at=after_last(NOW),
        completed_at=after_last(NOW),
        task_output=bindparam("output", type_=JSON(none_as_null=True)),
        size=jobs.c.size + bindparam("more", type_=Big),
    )
    .returning(jobs)
)


def taking(queued: Select[tuple[int]]) -> Executable:
    """Take what `queued` finds; parameters beside its own: `claimed_by`, and `lease_end` in milliseconds."""
    return (
        update(jobs)
        .where(jobs.c.seq == queued.scalar_subquery())
        .values(
            status=JobStatus.PROCESSING.value,
            worker_id=bindparam("claimed_by"),
            attempts=jobs.c.attempts + 1,
            token=jobs.c.token + 1,
            updated_at=after_last(NOW),
            started_at=after_last(NOW),
            lease_until=bindparam("lease_end"),
        )
        .returning(jobs)
    )


def counting(*, postgres: bool) -> Executable:
    """Add to how often there was a transition; parameters: what is in the columns."""
    if postgres:
        # Where there is no PostgreSQL, its dialect would be a tenth of what a server imports.
        from sqlalchemy.dialects import postgresql

        first = postgresql.insert(transitions)
    else:
        first = sqlite.insert(transitions)
    return first.on_conflict_do_update(
        index_elements=list(transitions.primary_key), set_={"times": transitions.c.times + first.excluded.times}
    )
