"""Jobs in a SQL database: `JobQueue` on SQLite and PostgreSQL."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Unpack, cast

from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from cl_ml_tools.job_queue import (
    DIED,
    LEASE,
    LONG_LEASE,
    MAX_ATTEMPTS,
    Beat,
    Claim,
    Event,
    IdempotencyConflictError,
    JobQuery,
    Listener,
    Page,
    Publish,
    Wake,
    backoff,
    ignore_event,
    ignore_wake,
    publish_nothing,
    scoped_key,
    tell,
    wake,
)
from cl_ml_tools.job_repository import JobUpdate
from cl_ml_tools.schemas import TERMINAL, Job, JobStatus, JSONObject
from cl_server.database import UNFINISHED, Big, clock_of, is_postgres, jobs, outbox, reading
from cl_server.quota import Quota, QuotaExceededError

COLUMNS = tuple(jobs.columns.keys())
# On which PostgreSQL tells listening workers that there is something to do.
CHANNEL = "cl_jobs"

QUEUED = jobs.c.status == JobStatus.QUEUED.value
PROCESSING = jobs.c.status == JobStatus.PROCESSING.value

Condition = ColumnElement[bool]


def _after_last(now: ColumnElement[int]) -> ColumnElement[int]:
    """The time; for a job that was changed later than that, before the clock was put back, then.

    Clients tell old news from new by `updated_at`.
    """
    return case((jobs.c.updated_at > now, jobs.c.updated_at), else_=now)


def _claiming(queued: Select[tuple[int]]) -> Executable:
    now = _after_last(NOW)
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


# Each worker asks this all the time, and to make such a statement takes longer than to run it.
NOW = bindparam("now", type_=Big)
NEXT = (
    select(jobs.c.seq)
    .where(QUEUED, jobs.c.task_type.in_(bindparam("of_types", expanding=True)), jobs.c.run_at <= NOW)
    .order_by(jobs.c.priority.desc(), jobs.c.seq)
    .limit(1)
)


class Change:
    """One transaction that changes jobs: what it changes goes into the outbox with it."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []
        self.wakes = False

    def update(self, values: Mapping[str, object], *conditions: Condition) -> list["Row[tuple[object, ...]]"]:
        """Change jobs, and note it."""
        return self.run(update(jobs).where(*conditions).values(dict(values)).returning(jobs))

    def run(self, statement: Executable, values: Mapping[str, object] | None = None) -> list["Row[tuple[object, ...]]"]:
        """Change jobs by a statement that gives them back, and note it."""
        rows = list(self.connection.execute(statement, values))
        for row in rows:
            self.note(_job(row))
        return rows

    def move(self, status: JobStatus, *conditions: Condition, **values: object) -> list["Row[tuple[object, ...]]"]:
        """Bring jobs to a status."""
        now = _after_last(literal(self.now, Big))
        ended = {"completed_at": now} if status.terminal else {}
        return self.update({"status": status.value, "updated_at": now, **ended, **values}, *conditions)

    def note(self, job: Job) -> None:
        """Write an event into the outbox."""
        values = {"job": job.model_dump(mode="json"), "told_at": self.now}
        key = self.connection.execute(insert(outbox).values(values)).inserted_primary_key
        self.events.append(Event(job, None if key is None else cast("int", key[0])))


class SqlJobRepository:
    """`on_event` hears of every change after its commit, `on_wake` when a worker has something to look at.

    `worker_id` is the name in which `fetch_next_job` claims. `clock` gives UTC milliseconds.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker_id: str = "worker",
        on_event: Listener = ignore_event,
        on_wake: Wake = ignore_wake,
        clock: Callable[[], int] | None = None,
        quota: Quota | None = None,
    ) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._postgres = is_postgres(engine)
        self._worker_id = worker_id
        self._on_event = on_event
        self._on_wake = on_wake
        self._clock = clock_of(engine) if clock is None else clock
        self._quota = quota
        self._held: dict[str, Claim] = {}
        # Workers pass by what others are just taking, instead of waiting for them.
        self._claim = _claiming(NEXT.with_for_update(skip_locked=True) if self._postgres else NEXT)

    # What every repository can.

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Queue a new job."""
        return self.submit(job, created_by=created_by, priority=priority).job_id

    def get_job(self, job_id: str) -> Job | None:
        """The job, or `None`."""
        with self._reading.connect() as connection:
            row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def job_ids(self) -> set[str]:
        """All jobs."""
        with self._reading.connect() as connection:
            return set(connection.scalars(select(jobs.c.job_id)))

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        ended = (jobs.c.status.in_(TERMINAL), jobs.c.completed_at < time)
        with self._reading.connect() as connection:
            return list(connection.scalars(select(jobs.c.job_id).where(*ended)))

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job that `fetch_next_job` gave; progress only grows."""
        claim = self._held.get(job_id)
        if claim is None:
            return False
        match changes.get("status"):
            case None:
                self.heartbeat(claim, LONG_LEASE)
                return self.progress(claim, changes.get("progress", 0))
            case JobStatus.COMPLETED:
                done = self.complete(claim, changes.get("task_output"))
            case JobStatus.FAILED:
                done = self.fail(claim, changes.get("error_message") or "it failed")
            case JobStatus.CANCELLED:
                done = self.confirm_cancel(claim)
            case _:
                return False
        self._held.pop(job_id, None)
        return done

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim a job for a worker that knows no heartbeat."""
        claim = self.claim(self._worker_id, task_types, LONG_LEASE)
        if claim is None:
            return None
        self._held[claim.job.job_id] = claim
        return claim.job

    def delete_job(self, job_id: str) -> bool:
        """Cancel a job that is not over, and forget it."""
        with self._changing() as change:
            open_jobs = (jobs.c.job_id == job_id, jobs.c.status.not_in(TERMINAL))
            change.wakes = bool(change.move(JobStatus.CANCELLED, *open_jobs))
            return change.connection.execute(delete(jobs).where(jobs.c.job_id == job_id)).rowcount > 0

    # Submitting.

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
        try:
            with self._changing() as change:
                if self._quota is not None:
                    self._quota.take(change.connection, job.created_by, job.size)
                job.created_at = job.updated_at = change.now
                values = {"attempts": 0, "idempotency_key": scoped, "fingerprint": fingerprint}
                change.connection.execute(insert(jobs).values(job.model_dump(mode="json") | values))
                change.note(job)
                change.wakes = True
        except (IntegrityError, QuotaExceededError):
            # It came before, under this key; whoever has it has a place for it.
            found = None if scoped is None else self._with_key(scoped, fingerprint)
            if found is None:
                raise
            return found
        return job

    def _with_key(self, scoped: str, fingerprint: str) -> Job | None:
        with self._reading.connect() as connection:
            row = connection.execute(select(jobs).where(jobs.c.idempotency_key == scoped)).one_or_none()
        if row is not None and _value(row, "fingerprint") != fingerprint:
            raise IdempotencyConflictError
        return None if row is None else _job(row)

    # Working.

    def claim(self, worker_id: str, task_types: Sequence[str], lease: int = LEASE) -> Claim | None:
        """Take the next job: highest priority first, then as they came, whatever the clock did meanwhile."""
        now = self._clock()
        queued = {"of_types": task_types, "now": now}
        if not self._postgres:
            # Most looks find nothing. A read needs no lock, so idle workers do not hold up busy ones.
            with self._reading.connect() as connection:
                if connection.execute(NEXT, queued).one_or_none() is None:
                    return None
        with self._changing() as change:
            rows = change.run(self._claim, {**queued, "claimed_by": worker_id, "lease_end": now + lease})
        for row in rows:
            return Claim(_job(row), worker_id, _number(row, "attempts"), _number(row, "token"))
        return None

    def heartbeat(self, claim: Claim, lease: int = LEASE) -> Beat:
        """Renew a claim."""
        renewed = (
            update(jobs).where(*_held(claim)).values(lease_until=self._clock() + lease).returning(jobs.c.cancelling)
        )
        with self._engine.begin() as connection:
            row = connection.execute(renewed).one_or_none()
        return _beat(row)

    def look(self, claim: Claim) -> Beat:
        """What a heartbeat would say."""
        with self._reading.connect() as connection:
            row = connection.execute(select(jobs.c.cancelling).where(*_held(claim))).one_or_none()
        return _beat(row)

    def progress(self, claim: Claim, percent: int) -> bool:
        """Tell how far the job is."""
        if percent > 100:
            return False
        news = (
            update(jobs)
            .where(*_held(claim), jobs.c.progress < percent)
            .values(progress=percent, updated_at=_after_last(literal(self._clock(), Big)))
            .returning(jobs)
        )
        with self._engine.begin() as connection:
            row = connection.execute(news).one_or_none()
        if row is None:
            return False
        tell(self._on_event, Event(_job(row)))
        return True

    def complete(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish = publish_nothing, size: int = 0
    ) -> bool:
        """End a job well. Its row is locked while its files are put in place, so nobody else can come between."""
        with self._changing() as change:
            result = {"progress": 100, "task_output": task_output, "size": jobs.c.size + size}
            done = change.move(JobStatus.COMPLETED, *_held(claim), **result)
            if done:
                publish()
        return bool(done)

    def fail(self, claim: Claim, error: str, *, transient: bool = False) -> bool:
        """End a job badly, or try it again later."""
        with self._changing() as change:
            if transient and not claim.last:
                again = _requeued(run_at=change.now + backoff(claim.attempt))
                if change.move(JobStatus.QUEUED, *_held(claim), jobs.c.cancelling.is_(False), **again):
                    change.wakes = True
                    return True
            # PostgreSQL keeps no NUL in a text.
            return bool(change.move(JobStatus.FAILED, *_held(claim), error_message=error.replace("\0", "")))

    def give_back(self, claim: Claim) -> bool:
        """Queue a job again; the attempt does not count."""
        with self._changing() as change:
            if change.move(JobStatus.CANCELLED, *_held(claim), jobs.c.cancelling.is_(True)):
                return True
            again = _requeued(attempts=jobs.c.attempts - 1)
            change.wakes = bool(change.move(JobStatus.QUEUED, *_held(claim), **again))
            return change.wakes

    def confirm_cancel(self, claim: Claim) -> bool:
        """End a job that was cancelled while it ran."""
        with self._changing() as change:
            return bool(change.move(JobStatus.CANCELLED, *_held(claim)))

    # Watching over it.

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job."""
        with self._changing() as change:
            if not change.move(JobStatus.CANCELLED, jobs.c.job_id == job_id, QUEUED):
                flag = update(jobs).where(jobs.c.job_id == job_id, PROCESSING).values(cancelling=True)
                change.wakes = change.connection.execute(flag).rowcount > 0
        return self.get_job(job_id)

    def release(self, *worker_ids: str) -> list[Job]:
        """Take jobs away from dead workers."""
        return self._take_away(jobs.c.worker_id.in_(worker_ids), wait=False)

    def release_others(self, *worker_ids: str) -> list[Job]:
        """Take jobs away from every other worker: for a start with fewer workers than before."""
        return self._take_away(jobs.c.worker_id.not_in(worker_ids), wait=False)

    def expire(self) -> list[Job]:
        """Take jobs away from workers whose lease is over."""
        over = jobs.c.lease_until < self._clock()
        with self._reading.connect() as connection:
            if connection.execute(select(jobs.c.seq).where(PROCESSING, over).limit(1)).one_or_none() is None:
                return []
        return self._take_away(over, wait=True)

    def _take_away(self, lost: Condition, *, wait: bool) -> list[Job]:
        """Cancelled where that was asked for, failed after the last attempt, else queued again."""
        last = jobs.c.attempts >= MAX_ATTEMPTS
        with self._changing() as change:
            run_at = literal(change.now, Big) + _backoff() if wait else literal(0, Big)
            ended = change.move(JobStatus.CANCELLED, lost, PROCESSING, jobs.c.cancelling.is_(True))
            ended += change.move(JobStatus.FAILED, lost, PROCESSING, last, error_message=DIED)
            again = change.move(JobStatus.QUEUED, lost, PROCESSING, **_requeued(run_at=run_at))
            change.wakes = bool(again)
        return [_job(row) for row in (*ended, *again)]

    def next_due(self, task_types: Sequence[str]) -> int | None:
        """In how many milliseconds the next queued job may be claimed."""
        due = select(func.min(jobs.c.run_at)).where(QUEUED, jobs.c.task_type.in_(task_types))
        with self._reading.connect() as connection:
            run_at = cast("int | None", connection.execute(due).scalar_one_or_none())
        return None if run_at is None else max(run_at - self._clock(), 0)

    def list_jobs(self, query: JobQuery) -> Page:
        """A page of jobs, newest first."""
        statement = select(jobs).order_by(jobs.c.seq.desc()).limit(query.limit + 1)
        if query.status is not None:
            statement = statement.where(jobs.c.status == query.status.value)
        if query.task_type is not None:
            statement = statement.where(jobs.c.task_type == query.task_type)
        if query.ids is not None:
            statement = statement.where(jobs.c.job_id.in_(query.ids))
        if query.created_by is not None:
            statement = statement.where(jobs.c.created_by == query.created_by)
        if query.of_guests:
            statement = statement.where(jobs.c.created_by.is_(None))
        if query.cursor is not None:
            statement = statement.where(jobs.c.seq < query.cursor)
        with self._reading.connect() as connection:
            rows = list(connection.execute(statement))
        shown = rows[: query.limit]
        return Page([_job(row) for row in shown], _number(shown[-1], "seq") if len(rows) > query.limit else None)

    def unfinished(self) -> dict[tuple[str, JobStatus], int]:
        """How many jobs are not over."""
        group = (jobs.c.task_type, jobs.c.status)
        counted = select(*group, func.count()).where(jobs.c.status.in_(UNFINISHED)).group_by(*group)
        with self._reading.connect() as connection:
            rows = cast("list[tuple[str, str, int]]", list(connection.execute(counted)))
        return {(task, JobStatus(status)): count for task, status, count in rows}

    # The outbox.

    def take_untold(self, older_than: int, limit: int = 100) -> list[Event]:
        """Events that nobody has settled in time: whoever made them died, or has no broker."""
        now = self._clock()
        late = select(outbox.c.seq).where(outbox.c.told_at <= now - older_than).order_by(outbox.c.seq).limit(limit)
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
        """Forget events that were told."""
        with self._engine.begin() as connection:
            connection.execute(delete(outbox).where(outbox.c.seq.in_(seqs)))

    @contextmanager
    def _changing(self) -> Generator[Change]:
        now = self._clock()
        with self._engine.begin() as connection:
            change = Change(connection, now)
            yield change
            if change.wakes and self._postgres:
                connection.execute(text(f"NOTIFY {CHANNEL}"))
        # `queued` is told before a worker is woken, so that it is on its way before `processing`.
        for event in change.events:
            tell(self._on_event, event)
        if change.wakes:
            wake(self._on_wake)


def _beat(row: "Row[tuple[bool]] | None") -> Beat:
    if row is None:
        return Beat.LOST
    return Beat.CANCEL if row[0] else Beat.KEPT


def _held(claim: Claim) -> tuple[Condition, ...]:
    return (jobs.c.job_id == claim.job.job_id, PROCESSING, jobs.c.token == claim.token)


def _requeued(**values: object) -> dict[str, object]:
    return {"progress": 0, "worker_id": None, "started_at": None, "run_at": 0, **values}


def _backoff() -> ColumnElement[int]:
    return case(*((jobs.c.attempts <= n, backoff(n)) for n in range(1, MAX_ATTEMPTS)), else_=backoff(MAX_ATTEMPTS))


def _value(row: "Row[tuple[object, ...]]", name: str) -> object:
    return row[COLUMNS.index(name)]


def _number(row: "Row[tuple[object, ...]]", name: str) -> int:
    return cast("int", _value(row, name))


def _job(row: "Row[tuple[object, ...]]") -> Job:
    # Columns about how the job is queued (its worker, its attempts) are not part of a Job, which ignores them.
    values: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    return Job.model_validate(values)
