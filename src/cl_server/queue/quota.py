"""How much one user may have on the server at once."""

from typing import Protocol, cast

from sqlalchemy import Connection, Engine, case, delete, func, insert, select, text
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.schemas import JobStatus
from cl_server.queue.tables import UNFINISHED, is_postgres, jobs, reading, usage

# Of how many jobs that were begun the files are counted: there are as many as workers, and those of dead ones.
MOST_TRIED = 1000


class AttemptSizes(Protocol):
    """The part of a storage that knows what attempts have written."""

    @property
    def sees_attempts(self) -> bool:
        """Whether what an attempt writes is here while it runs, and not only what is left of one."""
        ...

    def attempts_size(self, job_id: str) -> int:
        """The bytes of what attempts at a job have written here, and not yet given to it."""
        ...


class QuotaExceededError(Exception):
    """One sentence that says what is too much, and one that says what to do."""


class TooManyJobsError(QuotaExceededError):
    """Too many unfinished jobs."""


class TooManyBytesError(QuotaExceededError):
    """Too much in files."""


class Quota:
    """What each user may have: `most_bytes` of files and `most_jobs` that are not over; 0 is no limit.

    Guests are one user. What attempts have written up to now counts where somebody is about to upload more: `sizes`
    says how much that is. A job may end above the limit all the same, by its output.
    """

    def __init__(
        self, engine: Engine, most_bytes: int = 0, most_jobs: int = 0, sizes: AttemptSizes | None = None
    ) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._most_bytes = most_bytes
        self._most_jobs = most_jobs
        self._sizes = sizes

    def __bool__(self) -> bool:
        return self._most_bytes > 0 or self._most_jobs > 0

    def look(self, owner: str | None, size: int) -> None:
        """Whether there is room now. Raises `QuotaExceededError`."""
        written = self.written(owner)
        with self._reading.connect() as connection:
            self._check(connection, owner, size, written)

    def take(self, connection: Connection, owner: str | None, size: int, written: int = 0) -> None:
        """The same in the transaction that adds the job, before which the next one of this user has to wait.

        `written` is asked before it: files take longer to look at than a transaction may.
        """
        if not self:
            return
        # SQLite has one writer anyway.
        if is_postgres(self._engine):
            lock = text("SELECT pg_advisory_xact_lock(hashtext(:owner))")
            connection.execute(lock, {"owner": f"quota of {owner}"})
        self._check(connection, owner, size, written)

    def written(self, owner: str | None) -> int:
        """The bytes of attempts at jobs of a user: of those that run, and of those whose workers died."""
        if self._sizes is None or not self._most_bytes:
            return 0
        # The first attempt of a job that runs has nothing behind it.
        past = jobs.c.attempts > case(
            (jobs.c.status == JobStatus.PROCESSING, 0 if self._sizes.sees_attempts else 1), else_=0
        )
        tried = select(jobs.c.job_id).where(jobs.c.status.in_(UNFINISHED), _of(owner), past)
        with self._reading.connect() as connection:
            found = cast("list[str]", connection.scalars(tried.limit(MOST_TRIED)).all())
        return sum(self._sizes.attempts_size(job_id) for job_id in found)

    def _check(self, connection: Connection, owner: str | None, size: int, written: int = 0) -> None:
        whose = _of(owner)
        who = "all guests together have" if owner is None else "you have"
        if self._most_jobs:
            unfinished = select(func.count()).where(jobs.c.status.in_(UNFINISHED), whose)
            if connection.execute(unfinished).scalar_one() >= self._most_jobs:
                raise TooManyJobsError(
                    f"{who} {self._most_jobs} unfinished jobs, which is the limit: "
                    "wait for some to finish, or cancel some"
                )
        if self._most_bytes:
            total = select(func.coalesce(func.sum(usage.c.bytes), 0)).where(usage.c.owner == (owner or ""))
            # PostgreSQL sums such numbers as decimals.
            stored = int(cast("int", connection.execute(total).scalar_one())) + written
            if stored + size > self._most_bytes:
                raise TooManyBytesError(
                    f"{who} {stored} of {self._most_bytes} bytes in files, and this needs {size} more: "
                    "delete jobs that you no longer need"
                )


def _of(owner: str | None) -> ColumnElement[bool]:
    return jobs.c.created_by.is_(None) if owner is None else jobs.c.created_by == owner


def sum_up(connection: Connection, owner: str | None) -> None:
    """Make one row of those that a user has on PostgreSQL; what others are just at is left for the next time."""
    mine = select(usage.c.seq).where(usage.c.owner == (owner or "")).with_for_update(skip_locked=True)
    removing = delete(usage).where(usage.c.seq.in_(mine)).returning(usage.c.bytes)
    removed = list(connection.scalars(removing))
    if removed:
        connection.execute(insert(usage).values(owner=owner or "", bytes=sum(removed)))
