"""The statements that every job runs through, made once: to make one takes longer than to run it."""

# ruff: noqa: S608 (nothing of what these statements are made of comes from outside)

from typing import cast

from sqlalchemy import (
    JSON,
    Integer,
    Select,
    String,
    TextClause,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert, ReturningUpdate
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import LONGEST_BACKOFF
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.conditions import PROCESSING, QUEUED
from cl_server.queue.tables import Big, job_labels, jobs, outbox, transitions

NOW = bindparam("now", type_=Big)
# Of the steady clock (`tables.steady_clock_of`).
STEADY = bindparam("steady", type_=Big)


def after_last(now: ColumnElement[int]) -> ColumnElement[int]:
    """The time, or that of the last change of the job if the clock was set back since.

    Clients recognize old states by `updated_at`.
    """
    return case((jobs.c.updated_at > now, jobs.c.updated_at), else_=now)


def has_come(time: ColumnElement[int], now: ColumnElement[int], most: int) -> ColumnElement[bool]:
    """Whether a time of the steady clock has passed. A time that is more than `most` milliseconds ahead was written by
    another clock, before the machine was restarted."""
    return or_(time <= now, time > now + most)


OF_TYPES = jobs.c.task_type.in_(bindparam("of_types", expanding=True))

# The job `of_job`.
GET = select(jobs).where(jobs.c.job_id == bindparam("of_job"))

# Parameters: the columns.
ADD = insert(jobs).returning(jobs.c.seq)
ADD_LABEL = insert(job_labels)
NOTE = insert(outbox).returning(outbox.c.seq)
# For many, which come back in their order.
ADD_MANY = insert(jobs).returning(jobs.c.seq, sort_by_parameter_order=True)

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


def next_of(types: int) -> Select[tuple[int]]:
    """The next job of this number of task types. Parameters: `type_0` and so on, and `steady` in milliseconds."""
    wanted = jobs.c.task_type.in_([bindparam(f"type_{number}", type_=String) for number in range(types)])
    return (
        select(jobs.c.seq)
        .where(QUEUED, wanted, has_come(jobs.c.run_at, STEADY, LONGEST_BACKOFF))
        .order_by(jobs.c.priority.desc(), jobs.c.seq)
        .limit(1)
    )


def ahead(types: int) -> Select[tuple[int, str, int, int]]:
    """As many of the next jobs as the parameter `look` says, each with its task, its priority and its attempts."""
    columns = (jobs.c.seq, jobs.c.task_type, jobs.c.priority, jobs.c.attempts)
    several = next_of(types).with_only_columns(*columns).limit(bindparam("look", type_=Integer))
    return cast("Select[tuple[int, str, int, int]]", several)


# Parameters: `claimed_by`, and `now` and `lease_end` in milliseconds.
_TAKE = (
    update(jobs)
    .values(
        status=JobStatus.PROCESSING.value,
        worker_id=bindparam("claimed_by", type_=String),
        attempts=jobs.c.attempts + 1,
        token=jobs.c.token + 1,
        updated_at=after_last(NOW),
        started_at=after_last(NOW),
        lease_until=bindparam("lease_end", type_=Big),
    )
    .returning(jobs)
)

# The rows of a JSON list, `seqs`. Only for SQLite, where no other process writes at the same time.
_THESE = func.json_each(bindparam("seqs", type_=String)).table_valued("value")
TAKE_THESE = _TAKE.where(jobs.c.seq.in_(select(_THESE.c.value)))


def taking(types: int) -> ReturningUpdate[tuple[object, ...]]:
    """Take the next job."""
    return _TAKE.where(jobs.c.seq == next_of(types).scalar_subquery())


def settling(*, postgres: bool) -> TextClause:
    """Take what was told out of the outbox; the parameter `seqs` is a list on PostgreSQL, and JSON on SQLite.

    Its rows are lists of pairs, the task and the status of each job of a moment.
    """
    if postgres:
        pair = "json_build_array({0} ->> 'task_type', {0} ->> 'status')"
        several = f"(SELECT json_agg({pair.format('each')}) FROM json_array_elements(job) AS each)"
        words = f"CASE json_typeof(job) WHEN 'array' THEN {several} ELSE json_build_array({pair.format('job')}) END"
        return text(f"DELETE FROM outbox WHERE seq = ANY(CAST(:seqs AS bigint[])) RETURNING {words}")
    pair = "json_array(json_extract({0}, '$.task_type'), json_extract({0}, '$.status'))"
    several = f"(SELECT json_group_array({pair.format('each.value')}) FROM json_each(outbox.job) AS each)"
    words = f"CASE json_type(job) WHEN 'array' THEN {several} ELSE json_array({pair.format('job')}) END"
    return text(f"DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(:seqs)) RETURNING {words}")


def counting(*, postgres: bool) -> Insert:
    """Add to the number of transitions. Parameters: the columns."""
    if postgres:
        # Its dialect would be a tenth of the imports of a server without PostgreSQL.
        from sqlalchemy.dialects import postgresql

        first = postgresql.insert(transitions)
    else:
        first = sqlite.insert(transitions)
    return first.on_conflict_do_update(
        index_elements=list(transitions.primary_key), set_={"times": transitions.c.times + first.excluded.times}
    )
