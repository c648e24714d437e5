"""The overview for the page: waiting and running jobs, failures with their reasons, and throughput.

Every statement reads a bounded number of rows in the order of an index, so it costs the same with any number of jobs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

from sqlalchemy import Connection, Engine, func, null, select
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.schemas import JobStatus
from cl_server.queue.clocks import clock_of
from cl_server.queue.tables import jobs, reading, usage

# The maximum count for each status. Above it, the page shows "more than".
MOST = 10_000
# The number of ended jobs of each status that are read for times and failures.
SAMPLES = {JobStatus.COMPLETED: 2_000, JobStatus.FAILED: 1_000}
RUNNING = 500


class Ended(NamedTuple):
    """A job that completed or failed: times are UTC milliseconds."""

    job_id: str
    task_type: str
    status: str
    name: str
    error: str
    created_at: int
    started_at: int | None
    completed_at: int


class Running(NamedTuple):
    """A job that a worker has."""

    job_id: str
    task_type: str
    worker_id: str
    progress: int
    started_at: int
    name: str


class Waiting(NamedTuple):
    """The queued jobs of a task, and since when the oldest waits (UTC milliseconds)."""

    task_type: str
    number: int
    since: int


@dataclass(frozen=True, slots=True)
class Whose:
    """The jobs of one user, of all guests (`owner` is empty), or of all users."""

    owner: str | None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one moment (`at`, UTC milliseconds); `stored` is in bytes."""

    at: int
    waiting: list[Waiting]
    running: list[Running]
    ended: list[Ended]
    stored: int


Overview: TypeAlias = Callable[[Whose, int], Figures]


def overview_of(engine: Engine) -> Overview:
    """The queries for jobs that ended within this number of milliseconds."""
    clock = clock_of(engine)

    def ask(whose: Whose, within: int) -> Figures:
        now = clock()
        with reading(engine).connect() as connection:
            return Figures(
                at=now,
                waiting=_waiting(connection, whose),
                running=_running(connection, whose),
                ended=[entry for status in SAMPLES for entry in _ended(connection, whose, status, now - within)],
                stored=_stored(connection, whose),
            )

    return ask


def _of(whose: Whose, status: JobStatus) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [jobs.c.status == status.value]
    if not whose.everybody:
        found.append(jobs.c.created_by.is_(None) if whose.owner is None else jobs.c.created_by == whose.owner)
    return found


def _waiting(connection: Connection, whose: Whose) -> list[Waiting]:
    """Of the oldest `MOST`."""
    oldest = (
        select(jobs.c.task_type, jobs.c.created_at)
        .where(*_of(whose, JobStatus.QUEUED))
        .order_by(jobs.c.seq)
        .limit(MOST)
        .subquery()
    )
    since: ColumnElement[int] = func.min(oldest.c.created_at)
    grouped = select(oldest.c.task_type, func.count(), since).group_by(oldest.c.task_type)
    return [Waiting(*row) for row in cast("Iterable[tuple[str, int, int]]", connection.execute(grouped))]


def _running(connection: Connection, whose: Whose) -> list[Running]:
    columns = (jobs.c.job_id, jobs.c.task_type, jobs.c.worker_id, jobs.c.progress, jobs.c.started_at, jobs.c.params)
    found = select(*columns).where(*_of(whose, JobStatus.PROCESSING)).order_by(jobs.c.seq).limit(RUNNING)
    rows = cast("Iterable[tuple[str, str, str, int, int, object]]", connection.execute(found))
    return [Running(*row[:5], _name(row[5])) for row in rows]


def _ended(connection: Connection, whose: Whose, status: JobStatus, since: int) -> list[Ended]:
    """Jobs that ended since then, among the newest of their status."""
    times = (jobs.c.created_at, jobs.c.started_at, jobs.c.completed_at)
    # Names and messages of failures alone: the others are many.
    told = (jobs.c.params, jobs.c.error_message) if status is JobStatus.FAILED else (null(), null())
    newest = (
        select(jobs.c.job_id, jobs.c.task_type, *told, *times)
        .where(*_of(whose, status))
        .order_by(jobs.c.seq.desc())
        .limit(SAMPLES[status])
    )
    rows = cast(
        "Iterable[tuple[str, str, object, str | None, int, int | None, int | None]]", connection.execute(newest)
    )
    return [
        Ended(job_id, task_type, status.value, _name(params), error or "", created_at, started_at, completed_at)
        for job_id, task_type, params, error, created_at, started_at, completed_at in rows
        if completed_at is not None and completed_at >= since
    ]


def _stored(connection: Connection, whose: Whose) -> int:
    total = select(func.coalesce(func.sum(usage.c.bytes), 0))
    if not whose.everybody:
        total = total.where(usage.c.owner == (whose.owner or ""))
    return int(cast("int", connection.execute(total).scalar_one()))


def _name(params: object) -> str:
    """The name that the user gave to the first input."""
    names = cast("dict[str, object]", params).get("input_names") if isinstance(params, dict) else None
    return str(cast("list[object]", names)[0]) if isinstance(names, list) and names else ""
