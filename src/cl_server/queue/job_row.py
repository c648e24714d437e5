"""A row of the table of jobs, and the job that it is."""

from typing import TypeAlias, cast

from sqlalchemy import Row

from cl_ml_tools.schemas import Job
from cl_server.queue.tables import jobs

JobRow: TypeAlias = "Row[tuple[object, ...]]"

COLUMNS = tuple(jobs.columns.keys())


def value_of(row: JobRow, name: str) -> object:
    """What is in a column."""
    return row[COLUMNS.index(name)]


def number_of(row: JobRow, name: str) -> int:
    """The number in a column that is never empty."""
    return cast("int", value_of(row, name))


def job_of(row: JobRow) -> Job:
    """The job. Columns about how it is queued (its worker, its attempts) are not part of it, and are ignored."""
    values: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    values["labels"] = values["labels"] or {}
    return Job.model_validate(values)
