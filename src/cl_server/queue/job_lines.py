"""Stores and reads the lines in the logs of jobs."""

from typing import cast

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from cl_ml_tools.job_log import MAX_BYTES, MAX_LINES, LogBuffer, LogLine, LogPage, page, plain_page
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.tables import job_logs, jobs

# Made once: to make one takes longer than to run it.
ADD = insert(job_logs)
LAST = select(func.max(job_logs.c.last)).where(job_logs.c.job_id == bindparam("of_job"))
SIZES = (
    select(job_logs.c.first, job_logs.c.last, job_logs.c.bytes)
    .where(job_logs.c.job_id == bindparam("of_job"))
    .order_by(job_logs.c.first.desc())
)
READ = (
    select(job_logs.c.lines)
    .where(job_logs.c.job_id == bindparam("of_job"), job_logs.c.last > bindparam("after"))
    .order_by(job_logs.c.first)
)

# Jobs of older versions have no rows either, and for several attempts, the lines are unknown.
PLAIN = select(jobs.c.started_at, jobs.c.completed_at).where(
    jobs.c.job_id == bindparam("of_job"),
    jobs.c.status == JobStatus.COMPLETED.value,
    jobs.c.token == 1,
    jobs.c.started_at.is_not(None),
)

Stored = tuple[int, int, str, str]
"""A line as it is stored: its number, UTC milliseconds, level and text."""


def write_lines(connection: Connection, job_id: str, log: LogBuffer, *more: LogLine) -> int | None:
    """Store the unstored lines and then `more`, in this transaction. Returns the number of the last line."""
    if log.base is None or log.stored is None:
        last = cast("int | None", connection.execute(LAST, {"of_job": job_id}).scalar_one()) or 0
        log.base = last if log.base is None else log.base
        log.stored = last
    lines = log.pending(*more)
    if not lines:
        return None
    is_first = log.stored == 0
    # Until the commit is known to have happened, it has to be looked up.
    log.stored = None
    stored: list[Stored] = [(line.number, line.at, line.level, line.text) for line in lines]
    size = sum(line.size for line in lines)
    values = {"first": lines[0].number, "last": lines[-1].number, "bytes": size, "lines": stored}
    connection.execute(ADD, {"job_id": job_id, **values})
    if not is_first:
        _drop_old(connection, job_id)
    return lines[-1].number


def read_lines(connection: Connection, job_id: str, offset: int) -> LogPage | None:
    """The stored lines after a number. `None` if there are none."""
    rows = cast("list[list[Stored]]", list(connection.scalars(READ, {"of_job": job_id, "after": offset})))
    lines = [LogLine(*line) for row in rows for line in row]
    return page(lines, lines[-1].number, offset) if lines else None


def plain_lines(connection: Connection, job_id: str, offset: int) -> LogPage:
    """The lines of a job that completed quickly, for which nothing is stored."""
    row = connection.execute(PLAIN, {"of_job": job_id}).one_or_none()
    if row is None:
        return LogPage((), 0)
    started_at, completed_at = cast("tuple[int, int]", tuple(row))
    return plain_page(started_at, completed_at, offset)


def _drop_old(connection: Connection, job_id: str) -> None:
    """Delete the rows whose lines all come before those that are kept."""
    count = size = 0
    for first, last, of_row in cast("list[tuple[int, int, int]]", list(connection.execute(SIZES, {"of_job": job_id}))):
        if count >= MAX_LINES or size >= MAX_BYTES:
            old = (job_logs.c.job_id == job_id, job_logs.c.first <= first)
            connection.execute(delete(job_logs).where(*old))
            return
        count += last - first + 1
        size += of_row
