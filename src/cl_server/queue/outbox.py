"""The outbox: events of jobs that are not yet known to be published."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

from sqlalchemy import Engine, literal, select, update

from cl_ml_tools.job_queue import Event
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.hot_statements import HotStatements
from cl_server.queue.job_row import jobs_of_document
from cl_server.queue.statements import has_come
from cl_server.queue.tables import Big, is_postgres, outbox, reading, transitions

# The maximum difference between the clocks of two processes, in milliseconds.
FAR = 60_000


class Outbox:
    """Events that are written in the transaction of their change, and deleted when they are published."""

    def __init__(self, engine: Engine, hot: HotStatements, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._postgres = is_postgres(engine)
        self._hot = hot
        self._clock = clock

    def take(self, older_than: int, limit: int) -> list[Event]:
        """Events that have been unpublished for `older_than` milliseconds, of `limit` rows, oldest first. Other
        processes don't get them for the same time."""
        now = self._clock()
        stale = has_come(outbox.c.told_at, literal(now - older_than, Big), older_than + FAR)
        late = select(outbox.c.seq).where(stale).order_by(outbox.c.seq).limit(limit)
        with self._reading.connect() as connection:
            if connection.execute(late.limit(1)).one_or_none() is None:
                return []
        if self._postgres:
            late = late.with_for_update(skip_locked=True)
        taken = update(outbox).where(outbox.c.seq.in_(late)).values(told_at=now).returning(outbox.c.seq, outbox.c.job)
        with self._engine.begin() as connection:
            rows = sorted(cast("list[tuple[int, object]]", list(connection.execute(taken))), key=lambda row: row[0])
        return [Event(job, seq) for seq, document in rows for job in jobs_of_document(document)]

    def settle(self, seqs: Sequence[int]) -> None:
        """Delete published events, and count them. Each is counted once, even if it was published several times."""
        with self._engine.begin() as connection:
            counted = Counter(self._hot.settle(connection, seqs))
            # In one order, so that no two who count wait for each other.
            for (task_type, status), times in sorted(counted.items()):
                self._hot.count(connection, task_type, status, times)

    def transitions(self) -> dict[tuple[str, JobStatus], int]:
        """The number of published transitions into each status."""
        with self._reading.connect() as connection:
            rows = cast("list[tuple[str, str, int]]", list(connection.execute(select(transitions))))
        return {(task, JobStatus(status)): times for task, status, times in rows}
