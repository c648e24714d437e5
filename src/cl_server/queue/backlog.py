"""The backlog: waiting jobs, unpublished events, and stored bytes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Engine, func, select

from cl_ml_tools.schemas import JobStatus
from cl_server.queue.clocks import clock_of
from cl_server.queue.tables import jobs, outbox, reading, usage


@dataclass(frozen=True, slots=True)
class Backlog:
    """Figures of one moment.

    Attributes:
        oldest: seconds since the oldest queued job of each task was submitted.
        untold: events in the outbox.
        stored: bytes of the files of all jobs.
    """

    oldest: dict[str, float]
    untold: int
    stored: int


def backlog_of(engine: Engine) -> Callable[[], Backlog]:
    """What asks the database for it. Raises one of SQLAlchemy's errors then."""
    clock = clock_of(engine)
    queued = (
        select(jobs.c.task_type, func.min(jobs.c.created_at).label("since"))
        .where(jobs.c.status == JobStatus.QUEUED.value)
        .group_by(jobs.c.task_type)
    )

    def ask() -> Backlog:
        with reading(engine).connect() as connection:
            rows = cast("Iterable[tuple[str, int]]", connection.execute(queued))
            since = {task: created for task, created in rows}  # noqa: C416 (`dict` would take its method `keys`)
            untold = connection.execute(select(func.count()).select_from(outbox)).scalar_one()
            # PostgreSQL adds bigints up to a number of any size.
            total = select(func.coalesce(func.sum(usage.c.bytes), 0))
            stored = int(cast("int", connection.execute(total).scalar_one()))
        now = clock()
        return Backlog({task: max(now - created, 0) / 1000 for task, created in since.items()}, untold, stored)

    return ask
