"""The statements that every job runs through, made once: to make one takes longer than to run it."""

from typing import cast

from sqlalchemy import (
    ARRAY,
    CTE,
    JSON,
    BigInteger,
    Integer,
    Select,
    String,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert, ReturningDelete, ReturningUpdate
from sqlalchemy.sql.elements import ColumnElement, Label

from cl_ml_tools.job_queue import LONGEST_BACKOFF
from cl_ml_tools.schemas import Job, JobStatus
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
# The same for many, which come back in their order.
ADD_MANY = insert(jobs).returning(jobs.c.seq, sort_by_parameter_order=True)
NOTE_MANY = insert(outbox).returning(outbox.c.seq, sort_by_parameter_order=True)

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


def next_of(types: int, *, skip_locked: bool = False) -> Select[tuple[int]]:
    """The next job of this number of task types. Parameters: `type_0` and so on, and `steady` in milliseconds.

    With `skip_locked`, workers skip jobs that others are claiming, instead of waiting for them.
    """
    wanted = jobs.c.task_type.in_([bindparam(f"type_{number}", type_=String) for number in range(types)])
    found = (
        select(jobs.c.seq)
        .where(QUEUED, wanted, has_come(jobs.c.run_at, STEADY, LONGEST_BACKOFF))
        .order_by(jobs.c.priority.desc(), jobs.c.seq)
        .limit(1)
    )
    return found.with_for_update(skip_locked=True) if skip_locked else found


def taking(types: int, *, skip_locked: bool = False) -> ReturningUpdate[tuple[object, ...]]:
    """Take it; parameters beside its own: `claimed_by`, and `now` and `lease_end` in milliseconds."""
    return (
        update(jobs)
        .where(jobs.c.seq == next_of(types, skip_locked=skip_locked).scalar_subquery())
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


def at_once(*, ends: bool, types: int) -> Select[tuple[int, object, int, int]]:
    """On PostgreSQL: `COMPLETE` if it `ends`, `taking` if there are `types`, and an event of each, in this order.

    Its rows have the place in the outbox, the job, and for a claimed job, its attempts and its token.
    """
    ended = [COMPLETE.cte("ended")] if ends else []
    taken = [taking(types, skip_locked=True).cte("taken")] if types else []
    documents = [
        select(literal_column(str(place), Integer).label("place"), _document(row))
        for place, row in enumerate(ended + taken)
    ]
    moved = union_all(*documents).subquery("moved")
    notes = select(moved.c.job, STEADY).order_by(moved.c.place)
    noted = insert(outbox).from_select(["job", "told_at"], notes).returning(outbox.c.seq, outbox.c.job).cte("noted")
    numbers = [select(cte.c[name]).scalar_subquery() for cte in taken for name in ("attempts", "token")]
    columns = (noted.c.seq, noted.c.job, *(numbers or (null(), null())))
    return cast("Select[tuple[int, object, int, int]]", select(*columns))


def _document(row: CTE) -> Label[object]:
    """A job as JSON."""
    parts: list[ColumnElement[object]] = []
    for name in Job.model_fields:
        # A job without labels has no value in its row.
        value = func.coalesce(row.c.labels, literal_column("'{}'::json")) if name == "labels" else row.c[name]
        parts += (literal_column(f"'{name}'"), value)
    return cast("Label[object]", func.json_build_object(*parts).label("job"))


def settling(*, postgres: bool) -> ReturningDelete[tuple[str, str]]:
    """Delete published events from the outbox. The parameter `seqs` is a list on PostgreSQL, and JSON on SQLite."""
    names = ("task_type", "status")
    if postgres:
        told = outbox.c.seq == func.any(bindparam("seqs", type_=ARRAY(BigInteger)))
        words = [cast("JSON.Comparator[str]", outbox.c.job[name]).as_string() for name in names]
    else:
        seqs = func.json_each(bindparam("seqs", type_=String)).table_valued("value")
        told = outbox.c.seq.in_(select(seqs.c.value))
        words = [func.json_extract(outbox.c.job, f"$.{name}") for name in names]
    return cast("ReturningDelete[tuple[str, str]]", delete(outbox).where(told).returning(*words))


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
