"""How jobs come into a SQL database: one by one, and many at once."""

import secrets
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import IntegrityError

from cl_ml_tools.job_queue import IdempotencyConflictError, Submittal, scoped_key
from cl_ml_tools.schemas import Job
from cl_server.queue.hot_statements import Adding
from cl_server.queue.job_archive import SqlJobArchive
from cl_server.queue.job_row import job_of, value_of
from cl_server.queue.job_transaction import Change, Transactions
from cl_server.queue.quota import Quota, QuotaExceededError, sum_up
from cl_server.queue.statements import GET
from cl_server.queue.tables import is_postgres, jobs

# The usage of a user is summed up in one of this number of submits on PostgreSQL. It is random, because a counter could
# be in step with a pattern of submits.
SUMMED_UP = 64


class SqlSubmits(SqlJobArchive):
    """The part of a repository that jobs come in by; see there."""

    def __init__(
        self, engine: Engine, steady: Callable[[], int], transactions: Transactions, quota: Quota | None
    ) -> None:
        super().__init__(engine, steady, transactions)
        self._postgres = is_postgres(engine)
        self._quota = quota

    def submit(
        self,
        job: Job,
        *,
        created_by: str | None = None,
        priority: int | None = None,
        key: str | None = None,
        fingerprint: str = "",
    ) -> Job:
        """Queue a job, or find the one that came with the same key. Raises `QuotaExceededError`."""
        job.created_by = created_by if created_by is not None else job.created_by
        job.priority = job.priority if priority is None else priority
        scoped = None if key is None else scoped_key(job.created_by, key)
        doubted = False
        written = self._written(job.created_by)

        def work(change: Change) -> Job:
            nonlocal doubted
            if change.doubted is not None:
                doubted = True
                row = change.connection.execute(GET, {"of_job": job.job_id}).one_or_none()
                if row is not None and change.keep_doubted():
                    return job_of(row)
            if self._quota is not None:
                self._quota.room(change.connection, job.created_by, written).take(job.size)
            change.add(job, scoped, fingerprint)
            self._sum_up_sometimes(change.connection, job.created_by)
            return job

        try:
            return self._transactions.run(work)
        except (IntegrityError, QuotaExceededError):
            # A job with this key exists, and has its place in the quota.
            found = None if scoped is None else self._with_key(scoped, fingerprint)
            if found is None and doubted:
                # The commit that was in doubt had only just not happened when we looked.
                found = self.get_job(job.job_id)
            if found is None:
                raise
            return found

    def submit_many(self, submittals: Sequence[Submittal], *, created_by: str | None = None) -> list[Job | Exception]:
        """Queue many jobs of one user, or find those that came with the same keys; else, why not."""
        news: list[Adding] = []
        for each in submittals:
            each.job.created_by = created_by if created_by is not None else each.job.created_by
            news.append(Adding(each.job, scoped_key(each.job.created_by, each.key), each.fingerprint))
        written = self._written(created_by)
        try:
            answers = self._transactions.run(lambda change: self._add_many(change, news, created_by, written))
        except IntegrityError:
            # Another process has just submitted one of them too.
            return [self._alone(each, created_by) for each in submittals]
        # After a commit in doubt, a refused job may have had its place already.
        return [
            self._found_instead(new, answer) if isinstance(answer, QuotaExceededError) else answer
            for new, answer in zip(news, answers, strict=True)
        ]

    def submitted(self, key: str, *, created_by: str | None = None, fingerprint: str = "") -> Job | None:
        """The job that this user sent with a key."""
        return self._with_key(scoped_key(created_by, key), fingerprint)

    def _add_many(
        self, change: Change, news: Sequence[Adding], created_by: str | None, written: int
    ) -> list[Job | Exception]:
        rows = change.connection.execute(select(jobs).where(jobs.c.idempotency_key.in_([new.key for new in news])))
        known = {value_of(row, "idempotency_key"): (job_of(row), value_of(row, "fingerprint")) for row in rows}
        if not {job.job_id for job, _ in known.values()}.isdisjoint(new.job.job_id for new in news):
            # By the transaction whose answer was lost.
            change.keep_doubted()
        room = None if self._quota is None else self._quota.room(change.connection, created_by, written)
        added: list[Adding] = []
        answers: list[Job | Exception] = []
        for new in news:
            if new.key in known:
                job, fingerprint = known[new.key]
                answers.append(job if fingerprint == new.fingerprint else IdempotencyConflictError())
                continue
            try:
                if room is not None:
                    room.take(new.job.size)
            except QuotaExceededError as error:
                answers.append(error)
                continue
            known[new.key] = new.job, new.fingerprint
            added.append(new)
            answers.append(new.job)
        change.add_many(added)
        if added:
            self._sum_up_sometimes(change.connection, created_by)
        return answers

    def _alone(self, each: Submittal, created_by: str | None) -> Job | Exception:
        try:
            return self.submit(each.job, created_by=created_by, key=each.key, fingerprint=each.fingerprint)
        except (IdempotencyConflictError, QuotaExceededError) as error:
            return error

    def _found_instead(self, new: Adding, error: QuotaExceededError) -> Job | Exception:
        try:
            return self._with_key(str(new.key), new.fingerprint) or error
        except IdempotencyConflictError as conflict:
            return conflict

    def _with_key(self, scoped: str, fingerprint: str) -> Job | None:
        with self._reading.connect() as connection:
            row = connection.execute(select(jobs).where(jobs.c.idempotency_key == scoped)).one_or_none()
        if row is not None and value_of(row, "fingerprint") != fingerprint:
            raise IdempotencyConflictError
        return None if row is None else job_of(row)

    def _written(self, owner: str | None) -> int:
        return 0 if self._quota is None else self._quota.written(owner)

    def _sum_up_sometimes(self, connection: Connection, owner: str | None) -> None:
        if self._postgres and secrets.randbelow(SUMMED_UP) == 0:
            sum_up(connection, owner)
