"""The next job of a worker: the statements that look for one and take it.

Each worker runs them all the time, and to make such a statement takes longer than to run it.
"""

from sqlalchemy import Executable, Select, bindparam, select, update

from cl_ml_tools.schemas import JobStatus
from cl_server.change import after_last
from cl_server.condition import QUEUED
from cl_server.database import Big, jobs

NOW = bindparam("now", type_=Big)

# Parameters: `of_types`, and `now` in milliseconds.
NEXT = (
    select(jobs.c.seq)
    .where(QUEUED, jobs.c.task_type.in_(bindparam("of_types", expanding=True)), jobs.c.run_at <= NOW)
    .order_by(jobs.c.priority.desc(), jobs.c.seq)
    .limit(1)
)


def taking(queued: Select[tuple[int]]) -> Executable:
    """Take what `queued` finds; parameters beside its own: `claimed_by`, and `lease_end` in milliseconds."""
    now = after_last(NOW)
    return (
        update(jobs)
        .where(jobs.c.seq == queued.scalar_subquery())
        .values(
            status=JobStatus.PROCESSING.value,
            worker_id=bindparam("claimed_by"),
            attempts=jobs.c.attempts + 1,
            token=jobs.c.token + 1,
            updated_at=now,
            started_at=now,
            lease_until=bindparam("lease_end"),
        )
        .returning(jobs)
    )
