"""A row of the table of jobs, and the job that it is."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from sqlalchemy import JSON

from cl_ml_tools.schemas import Job, JobStatus
from cl_server.queue.tables import jobs

JobRow: TypeAlias = "Sequence[object]"

COLUMNS = tuple(jobs.columns.keys())
FIELDS = tuple(Job.model_fields)
_PLACES = tuple((name, COLUMNS.index(name)) for name in FIELDS)
# What SQLite keeps as text.
_JSON = tuple(name for name in FIELDS if isinstance(jobs.c[name].type, JSON))


def value_of(row: JobRow, name: str) -> object:
    """The value of a column."""
    return row[COLUMNS.index(name)]


def number_of(row: JobRow, name: str) -> int:
    """The number in a column that is never empty."""
    return cast("int", value_of(row, name))


def job_of(row: JobRow) -> Job:
    """The job. Columns about how it is queued (its worker, its attempts) are not part of it, and are ignored."""
    values: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    values["labels"] = values["labels"] or {}
    return Job.model_validate(values)


def job_of_driver(row: JobRow) -> Job:
    """The job of a row as SQLite's driver gives it."""
    values = {name: row[place] for name, place in _PLACES}
    for name in _JSON:
        text = cast("str | None", values[name])
        values[name] = None if text is None else json.loads(text)
    return job_of_values(values)


def job_of_values(values: Mapping[str, object]) -> Job:
    """The job with these fields, which came from the database and so were checked before."""
    converted: dict[str, object] = {
        "status": JobStatus(cast("str", values["status"])),
        "labels": values["labels"] or {},
    }
    return Job.model_construct(None, **{**values, **converted})


def jobs_of_document(document: object) -> list[Job]:
    """The jobs of a row of the outbox: one, or a list."""
    documents = cast("list[dict[str, object]]", document if isinstance(document, list) else [document])
    return [job_of_values(values) for values in documents]


def values_of(job: Job) -> dict[str, object]:
    """The columns of a job as drivers take them."""
    values = plain_values_of(job)
    for name in _JSON:
        values[name] = None if values[name] is None else json.dumps(values[name])
    return values


def plain_values_of(job: Job) -> dict[str, object]:
    """The columns of a job as SQLAlchemy takes them."""
    return {**job.__dict__, "status": job.status.value, "labels": job.labels or None}
