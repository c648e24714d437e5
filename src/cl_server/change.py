"""A transaction that changes jobs."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Executable, case, literal, update
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import MAX_ATTEMPTS, Claim, Event, Publish, backoff
from cl_ml_tools.schemas import Job, JobStatus, JSONObject
from cl_server.condition import Condition
from cl_server.database import Big, jobs
from cl_server.job_row import JobRow, job_of, number_of
from cl_server.outbox import Outbox
from cl_server.statement import COMPLETE, after_last


class Change:
    """What it changes goes into the outbox with it. `wakes`: whether a worker has something to look at afterwards."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []
        self.wakes = False

    def move(self, status: JobStatus, *conditions: Condition, **values: object) -> list[JobRow]:
        """Bring jobs to a status."""
        now = after_last(literal(self.now, Big))
        ended = {"completed_at": now} if status.terminal else {}
        changed: Mapping[str, object] = {"status": status.value, "updated_at": now, **ended, **values}
        return self.run(update(jobs).where(*conditions).values(changed).returning(jobs))

    def run(self, statement: Executable, values: Mapping[str, object] | None = None) -> list[JobRow]:
        """Change jobs by a statement that gives them back."""
        rows = list(self.connection.execute(statement, values))
        for row in rows:
            self.note(job_of(row))
        return rows

    def take(self, taking: Executable, worker_id: str, task_types: Sequence[str], lease: int) -> Claim | None:
        """Claim what `statement.taking` finds."""
        whose = {"claimed_by": worker_id, "lease_end": self.now + lease}
        for row in self.run(taking, {"of_types": task_types, "now": self.now, **whose}):
            return Claim(job_of(row), worker_id, number_of(row, "attempts"), number_of(row, "token"))
        return None

    def complete(self, claim: Claim, task_output: JSONObject | None, publish: Publish, size: int) -> bool:
        """End a job well, if the claim holds. The row is locked while its files are put in place, so that nobody else
        can come between."""
        result = {"of_job": claim.job.job_id, "of_token": claim.token, "output": task_output, "more": size}
        done = bool(self.run(COMPLETE, {**result, "now": self.now}))
        if done:
            publish()
        return done

    def note(self, job: Job) -> None:
        """Write an event into the outbox."""
        self.events.append(Outbox.write(self.connection, job, self.now))


def requeued(**values: object) -> dict[str, object]:
    """What a job is that waits again, besides its status."""
    return {"progress": 0, "worker_id": None, "started_at": None, "run_at": 0, **values}


def backoff_of_each() -> ColumnElement[int]:
    """Milliseconds before the next attempt, by how many there were."""
    return case(*((jobs.c.attempts <= n, backoff(n)) for n in range(1, MAX_ATTEMPTS)), else_=backoff(MAX_ATTEMPTS))
