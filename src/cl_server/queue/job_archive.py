"""Reads and deletes jobs in a SQL database, including ended ones."""

import secrets
from collections.abc import Callable, Sequence
from typing import cast

from sqlalchemy import Engine, delete, func, insert, select

from cl_ml_tools.job_log import LogPage
from cl_ml_tools.job_queue import JobQuery, Page
from cl_ml_tools.schemas import TERMINAL, Job, JobStatus
from cl_server.queue.conditions import asked_for, ended_before, newest_first, with_labels
from cl_server.queue.job_lines import plain_lines, read_lines
from cl_server.queue.job_row import job_of, number_of
from cl_server.queue.job_transaction import Change, Transactions
from cl_server.queue.statements import DUE, GET
from cl_server.queue.tables import UNFINISHED, database_id, jobs, reading, without_limit


class SqlJobArchive:
    """The part of a repository that reads, and deletes ended jobs. `steady` is as there."""

    def __init__(self, engine: Engine, steady: Callable[[], int], transactions: Transactions) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._steady = steady
        self._transactions = transactions

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None`."""
        with self._reading.connect() as connection:
            row = connection.execute(GET, {"of_job": job_id}).one_or_none()
        return None if row is None else job_of(row)

    def read_log(self, job_id: str, offset: int = 0) -> LogPage:
        """The log of a job."""
        with self._reading.connect() as connection:
            return read_lines(connection, job_id, offset) or plain_lines(connection, job_id, offset)

    def job_ids(self) -> set[str]:
        """All jobs."""
        with self._reading.connect() as connection:
            return set(without_limit(connection).scalars(select(jobs.c.job_id)))

    def database_id(self) -> str:
        """The name that the database gave itself when it was made."""
        first = select(func.min(database_id.c.id))
        with self._engine.begin() as connection:
            if connection.execute(first).scalar_one() is None:
                connection.execute(insert(database_id).values(id=secrets.token_hex(16)))
            return cast("str", connection.execute(first).scalar_one())

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        with self._reading.connect() as connection:
            return list(connection.scalars(select(jobs.c.job_id).where(*ended_before(time))))

    def delete_jobs(self, job_ids: Sequence[str]) -> list[str]:
        """Forget jobs that have ended, in one step; which of them were there."""
        there: set[str] = set()

        def work(change: Change) -> list[str]:
            # The status is written so that no index of it is used: nearly all jobs have one of these.
            wanted = (jobs.c.job_id.in_(job_ids), func.coalesce(jobs.c.status, "").in_(TERMINAL))
            # Jobs that existed at the earlier attempt and no longer exist were deleted by it.
            there.update(change.connection.scalars(select(jobs.c.job_id).where(*wanted)))
            change.connection.execute(delete(jobs).where(*wanted))
            return sorted(there)

        return self._transactions.run(work)

    def next_due(self, task_types: Sequence[str]) -> int | None:
        """In how many milliseconds the next queued job may be claimed."""
        with self._reading.connect() as connection:
            values = {"of_types": task_types, "steady": self._steady()}
            return cast("int | None", connection.execute(DUE, values).scalar_one_or_none())

    def list_jobs(self, query: JobQuery) -> Page:
        """A page of jobs, newest first."""
        with self._reading.connect() as connection:
            found = with_labels(query, connection) if query.labels else select(jobs).order_by(newest_first(query))
            rows = list(connection.execute(found.where(*asked_for(query)).limit(query.limit + 1)))
        shown = rows[: query.limit]
        return Page([job_of(row) for row in shown], number_of(shown[-1], "seq") if len(rows) > query.limit else None)

    def unfinished(self) -> dict[tuple[str, JobStatus], int]:
        """How many jobs are not over."""
        group = (jobs.c.task_type, jobs.c.status)
        counted = select(*group, func.count()).where(jobs.c.status.in_(UNFINISHED)).group_by(*group)
        with self._reading.connect() as connection:
            rows = cast("list[tuple[str, str, int]]", list(connection.execute(counted)))
        return {(task, JobStatus(status)): count for task, status, count in rows}
