"""How much one user may have on the server at once."""

from typing import Protocol, cast

from sqlalchemy import Connection, Engine, case, delete, func, insert, select, text
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.schemas import JobStatus
from cl_server.queue.tables import UNFINISHED, is_postgres, jobs, reading, usage

# The maximum number of started jobs whose files are counted: as many as workers, and those of dead ones.
MOST_TRIED = 1000


class AttemptSizes(Protocol):
    """The part of a storage that knows what attempts have written."""

    @property
    def sees_attempts(self) -> bool:
        """Whether the storage contains the files of running attempts, and not only those of ended ones."""
        ...

    def attempts_size(self, job_id: str) -> int:
        """The bytes of what attempts at a job have written here, and not yet given to it."""
        ...


class QuotaExceededError(Exception):
    """A quota is exceeded. The message has a sentence with the reason, and one with the next step."""


class TooManyJobsError(QuotaExceededError):
    """Too many unfinished jobs."""


class TooManyBytesError(QuotaExceededError):
    """Too much in files."""


class Room:
    """What a user can still add, in a transaction that excludes other submits of the user. `None` means no limit."""

    def __init__(self, owner: str | None, jobs: tuple[int, int] | None, size: tuple[int, int] | None) -> None:
        self._who = "all guests together have" if owner is None else "you have"
        # How much there is, and how much there may be.
        self._jobs = jobs
        self._size = size

    def take(self, size: int) -> None:
        """Add a job with this number of bytes, or raise `QuotaExceededError`."""
        if self._jobs is not None and self._jobs[0] >= self._jobs[1]:
            raise TooManyJobsError(
                f"{self._who} {self._jobs[1]} unfinished jobs, which is the limit: wait for some to finish, or cancel "
                "some"
            )
        if self._size is not None and self._size[0] + size > self._size[1]:
            raise TooManyBytesError(
                f"{self._who} {self._size[0]} of {self._size[1]} bytes in files, and this needs {size} more: "
                "delete jobs that you no longer need"
            )
        if self._jobs is not None:
            self._jobs = self._jobs[0] + 1, self._jobs[1]
        if self._size is not None:
            self._size = self._size[0] + size, self._size[1]


class Quota:
    """The quota of each user: `most_bytes` of files and `most_jobs` unfinished jobs. 0 means no limit.

    Guests are one user. Files of running attempts count when the user uploads more; `sizes` returns their size. A job
    can still end above the limit because of its output.
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
            self._room(connection, owner, written).take(size)

    def room(self, connection: Connection, owner: str | None, written: int = 0) -> Room:
        """What there is room for, in the transaction that adds the jobs, before which the next one of this user has to
        wait.

        `written` is asked before it: files take longer to look at than a transaction may.
        """
        if not self:
            return Room(owner, None, None)
        # SQLite has one writer anyway.
        if is_postgres(self._engine):
            lock = text("SELECT pg_advisory_xact_lock(hashtext(:owner))")
            connection.execute(lock, {"owner": f"quota of {owner}"})
        return self._room(connection, owner, written)

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

    def _room(self, connection: Connection, owner: str | None, written: int) -> Room:
        unfinished: tuple[int, int] | None = None
        stored: tuple[int, int] | None = None
        if self._most_jobs:
            counted = select(func.count()).where(jobs.c.status.in_(UNFINISHED), _of(owner))
            unfinished = connection.execute(counted).scalar_one(), self._most_jobs
        if self._most_bytes:
            total = select(func.coalesce(func.sum(usage.c.bytes), 0)).where(usage.c.owner == (owner or ""))
            # PostgreSQL sums such numbers as decimals.
            stored = int(cast("int", connection.execute(total).scalar_one())) + written, self._most_bytes
        return Room(owner, unfinished, stored)


def _of(owner: str | None) -> ColumnElement[bool]:
    return jobs.c.created_by.is_(None) if owner is None else jobs.c.created_by == owner


def sum_up(connection: Connection, owner: str | None) -> None:
    """Make one row of those that a user has on PostgreSQL; what others are just at is left for the next time."""
    mine = select(usage.c.seq).where(usage.c.owner == (owner or "")).with_for_update(skip_locked=True)
    removing = delete(usage).where(usage.c.seq.in_(mine)).returning(usage.c.bytes)
    removed = list(connection.scalars(removing))
    if removed:
        connection.execute(insert(usage).values(owner=owner or "", bytes=sum(removed)))
