"""With very many jobs, what is asked all the time is found by an index: the plans of the databases say so.

How long it takes is measured elsewhere; here it is enough that nothing reads through the table.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from cl_ml_tools.job_queue import JobQuery, publish_nothing
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.queue.quota import Quota, TooManyBytesError
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import is_postgres, jobs
from tests.conformance.bench import TYPES, claimed, new

MANY = 3000

LISTS = {
    "of guests": JobQuery(of_guests=True),
    "of a user": JobQuery(created_by="7"),
    "of nobody": JobQuery(created_by="99"),
    "of guests in a status": JobQuery(of_guests=True, status=JobStatus.CANCELLED),
    "of guests of a task": JobQuery(of_guests=True, task_type="nope"),
    "of a user in a status": JobQuery(created_by="7", status=JobStatus.FAILED),
    "in a status": JobQuery(status=JobStatus.CANCELLED),
    "of a task": JobQuery(task_type="nope"),
    "by their ids": JobQuery(of_guests=True, ids=[f"{number:032}" for number in range(100)], limit=100),
    "of all": JobQuery(),
}


def finished(number: int) -> dict[str, object]:
    """A row as it is when a job has ended."""
    return {
        "job_id": f"{number:032}",
        "task_type": ("hash", "exif")[number % 2],
        "status": "completed" if number % 20 else "failed",
        "progress": 100,
        "params": {},
        "created_by": None if number % 10 else "7",
        "priority": 5,
        "attempts": 1,
        "created_at": number,
        "updated_at": number,
        "completed_at": number,
        "size": 10,
    }


@pytest.fixture
def full(database: Engine) -> Engine:
    """A database with many jobs that have ended."""
    with database.begin() as connection:
        connection.execute(insert(jobs), [finished(number) for number in range(MANY)])
    if is_postgres(database):
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE jobs"))
    return database


@contextmanager
def plans(engine: Engine) -> Iterator[list[str]]:
    """The steps of the plans of what is run meanwhile; PostgreSQL has to take an index where there is one."""
    seen: list[tuple[str, object]] = []
    found: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        seen.append((statement, parameters))

    def follow(database: sqlite3.Connection, *rest: object) -> None:
        database.set_trace_callback(lambda statement: seen.append((statement, ())))

    # SQLite tells of each statement itself; hot ones don't pass through SQLAlchemy there.
    name, listener = ("before_cursor_execute", note) if is_postgres(engine) else ("checkout", follow)
    event.listen(engine, name, listener)
    yield found
    event.remove(engine, name, listener)
    engine.dispose()
    with engine.connect() as connection:
        if is_postgres(engine):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in seen:
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                explain = "EXPLAIN " if is_postgres(engine) else "EXPLAIN QUERY PLAN "
                rows = connection.exec_driver_sql(explain + statement, parameters)  # pyright: ignore[reportArgumentType] (as it came)
                found += [str(row[-1]) for row in rows]


def reads_all(steps: list[str]) -> list[str]:
    """The steps that go through the whole table of jobs; in the order of its key, a page ends soon."""
    return [step for step in steps if ("SCAN jobs" in step and "INDEX" not in step) or "Seq Scan on jobs" in step]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_found_by_an_index(full: Engine, name: str) -> None:
    queue = SqlJobRepository(full)
    with plans(full) as steps:
        page = queue.list_jobs(LISTS[name])
    assert steps
    # The newest of all are the end of the table itself.
    assert name == "of all" or reads_all(steps) == []
    assert (
        name == "by their ids"
        or not any("SORT" in step or "TEMP B-TREE" in step for step in steps)
        or is_postgres(full)
    )
    assert len(page.jobs) <= 100


def exchange(queue: SqlJobRepository) -> None:
    for _ in range(2):
        queue.add_job(new())
    assert queue.exchange(claimed(queue), {}, publish_nothing, 0, TYPES)[1] is not None


WORK: dict[str, Callable[[SqlJobRepository], object]] = {
    "a claim": lambda queue: queue.claim("w0", TYPES),
    "a completion and the next claim": exchange,
    "the outbox": lambda queue: queue.settle(range(100)),
    "the next due": lambda queue: queue.next_due(TYPES),
    "leases": lambda queue: queue.expire(),
    "dead workers": lambda queue: queue.release("w0"),
    "the metrics": lambda queue: queue.unfinished(),
    "what is old": lambda queue: queue.finished_before(5),
    "a clean-up": lambda queue: queue.delete_jobs([f"{number:032}" for number in range(100)]),
}


@pytest.mark.parametrize("name", WORK)
def test_what_servers_ask_all_the_time_is_found_by_an_index(full: Engine, name: str) -> None:
    queue = SqlJobRepository(full)
    with plans(full) as steps:
        WORK[name](queue)
    assert steps
    assert reads_all(steps) == []
    assert name != "a clean-up" or not any("ix_jobs_status" in step for step in steps)


@pytest.mark.parametrize("owner", [None, "7"])
def test_what_a_user_has_is_summed_up_before(full: Engine, owner: str | None) -> None:
    quota = Quota(full, most_bytes=10 * MANY, most_jobs=5)
    with plans(full) as steps:
        quota.look(owner, 5)
    assert reads_all(steps) == []
    assert any("usage" in step for step in steps)
    assert not any("sum" in step for step in steps if "jobs" in step)


def stored(engine: Engine, owner: str | None) -> int:
    """The bytes of a user, as the quota has them."""
    with pytest.raises(TooManyBytesError, match=r"\d+ of 1 bytes") as caught:
        Quota(engine, most_bytes=1).look(owner, 10**9)
    return int(str(caught.value).split(" have ")[1].split()[0])


def test_the_sums_follow_what_comes_changes_and_goes(full: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.queue.submits.SUMMED_UP", 1)
    queue = SqlJobRepository(full, quota=Quota(full, most_bytes=10**9))
    guests = 10 * MANY * 9 // 10
    assert (stored(full, None), stored(full, "7")) == (guests, 10 * MANY - guests)
    made = [queue.submit(Job(job_id=uuid4().hex, task_type="hash", size=100)).job_id for _ in range(100)]
    assert stored(full, None) == guests + 10_000
    claim = claimed(queue)
    queue.complete(claim, {}, size=7)
    assert stored(full, None) == guests + 10_007
    queue.delete_job(claim.job.job_id)
    for job_id in made[1:50]:
        queue.delete_job(job_id)
    assert stored(full, None) == guests + 5000
    gone = queue.delete_jobs(queue.finished_before(100))
    assert len(gone) == 100
    assert stored(full, None) == guests + 5000 - 900
    assert stored(full, "7") == 10 * MANY - guests - 100
    with full.connect() as connection:
        rows: int = connection.execute(text("SELECT count(*) FROM usage WHERE owner = ''")).scalar_one()
    # On PostgreSQL they are summed up now and then.
    assert rows == 1 if not is_postgres(full) else rows < 250


def test_only_what_has_ended_is_forgotten_by_the_hundred(database: Engine) -> None:
    queue = SqlJobRepository(database)
    for name in ("open", "over"):
        queue.add_job(new(job_id=name))
    queue.cancel("over")
    assert queue.delete_jobs(["open", "over", "none"]) == ["over"]
    assert queue.job_ids() == {"open"}


def test_the_sums_of_a_user_stay_short_whatever_they_do_in_step(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job here is two events: what is counted by events would be even for ever, or odd."""
    monkeypatch.setattr("cl_server.queue.submits.SUMMED_UP", 8)
    queue = SqlJobRepository(postgres)
    for _ in range(200):
        job_id = queue.submit(Job(job_id=uuid4().hex, task_type="hash", size=100)).job_id
        queue.cancel(job_id)
    with postgres.connect() as connection:
        rows: int = connection.execute(text("SELECT count(*) FROM usage")).scalar_one()
    assert rows < 150
