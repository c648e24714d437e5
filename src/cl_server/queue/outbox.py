"""What has happened to jobs and is not yet known to have been told."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

from sqlalchemy import Engine, literal, select, update

from cl_ml_tools.job_queue import Event
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.queue.hot_statements import HotStatements
from cl_server.queue.statements import has_come
from cl_server.queue.tables import Big, is_postgres, outbox, reading, transitions

# Milliseconds by which the clocks of two processes never differ.
FAR = 60_000


class Outbox:
    """Events that are written with the change itself, and forgotten when somebody has told them."""

    def __init__(self, engine: Engine, hot: HotStatements, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._postgres = is_postgres(engine)
        self._hot = hot
        self._clock = clock

    def take(self, older_than: int, limit: int) -> list[Event]:
        """Events that nobody has settled within `older_than` milliseconds, oldest first; nobody else is given them
        for as long again."""
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
        return [Event(Job.model_validate(job), seq) for seq, job in rows]

    def settle(self, seqs: Sequence[int]) -> None:
        """Forget events that were told, and count them; each is counted once, whoever told it how often."""
        with self._engine.begin() as connection:
            counted = Counter(self._hot.settle(connection, seqs))
            # In one order, so that no two who count wait for each other.
            for (task_type, status), times in sorted(counted.items()):
                self._hot.count(connection, task_type, status, times)

    def transitions(self) -> dict[tuple[str, JobStatus], int]:
        """How often jobs came into a status, of what was told."""
        with self._reading.connect() as connection:
            rows = cast("list[tuple[str, str, int]]", list(connection.execute(select(transitions))))
        return {(task, JobStatus(status)): times for task, status, times in rows}
