"""A clock that is put back or forward, or a machine that sleeps, takes no job away and keeps none waiting."""

import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cl_ml_tools.job_queue import FIRST_BACKOFF, LEASE, LONG_LEASE
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.clocks import DatabaseClock, HostClock
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database
from tests.conformance.bench import TYPES, Clock, claimed, job_of, new

HOUR = 3_600_000
STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR, 50 * 365 * 24 * HOUR])


class Clocks:
    """A queue whose clock on the wall is moved, while time passes as it does."""

    def __init__(self, engine: Engine) -> None:
        self.wall, self.steady = Clock(), Clock()
        self.wall.now += 100 * HOUR
        self.steady.now += 100 * HOUR
        self.queue = SqlJobRepository(engine, clock=self.wall, steady=self.steady)


@pytest.fixture
def clocks(database: Engine) -> Clocks:
    return Clocks(database)


@STEPS
def test_a_worker_keeps_its_job(clocks: Clocks, step: int) -> None:
    clocks.queue.add_job(new(job_id="one"))
    claim = claimed(clocks.queue)
    clocks.wall.passes(step)
    assert clocks.queue.expire() == []
    assert clocks.queue.heartbeat(claim).value == "kept"
    clocks.wall.passes(-step)
    assert clocks.queue.expire() == []
    clocks.steady.passes(LEASE + 1)
    assert [job.job_id for job in clocks.queue.expire()] == ["one"]


@STEPS
def test_a_pause_is_as_long_as_it_is(clocks: Clocks, step: int) -> None:
    clocks.queue.add_job(new(job_id="one"))
    clocks.queue.fail(claimed(clocks.queue), "the disk", transient=True)
    clocks.wall.passes(step)
    assert clocks.queue.claim("w0", TYPES) is None
    assert clocks.queue.next_due(TYPES) == FIRST_BACKOFF
    clocks.steady.passes(FIRST_BACKOFF)
    assert clocks.queue.next_due(TYPES) == 0
    assert claimed(clocks.queue).attempt == 2


@STEPS
def test_what_was_not_told_is_told_in_time(clocks: Clocks, step: int) -> None:
    clocks.queue.add_job(new(job_id="one"))
    clocks.wall.passes(step)
    assert clocks.queue.take_untold(10_000) == []
    clocks.steady.passes(10_000)
    assert len(clocks.queue.take_untold(10_000)) == 1


def test_what_another_clock_wrote_is_not_waited_for(clocks: Clocks) -> None:
    """The machine started anew, or the version before this one wrote what the clock on the wall showed."""
    for name in ("runs", "waits"):
        clocks.queue.add_job(new(job_id=name))
    claimed(clocks.queue)
    clocks.queue.fail(claimed(clocks.queue), "the disk", transient=True)
    clocks.steady.now -= 2 * LONG_LEASE
    assert clocks.queue.next_due(TYPES) == 0
    assert claimed(clocks.queue).job.job_id == "waits"
    assert [job.job_id for job in clocks.queue.expire()] == ["runs"]
    assert len(clocks.queue.take_untold(10_000)) > 0


def test_times_of_jobs_never_go_back(clocks: Clocks) -> None:
    clocks.queue.add_job(new(job_id="one"))
    before = job_of(clocks.queue, "one").updated_at
    clocks.wall.passes(-HOUR)
    claimed(clocks.queue)
    job = job_of(clocks.queue, "one")
    assert job.status is JobStatus.PROCESSING
    assert job.updated_at >= before


def test_all_processes_of_a_host_have_one_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cl_server.migrations import migrate

    engine, another = open_database(tmp_path / "jobs.sqlite"), open_database(tmp_path / "jobs.sqlite")
    migrate(engine)
    first = HostClock(engine)
    first()
    later = time.time_ns() + HOUR * 1_000_000
    monkeypatch.setattr("cl_server.queue.clocks.now_ms", lambda: later // 1_000_000)
    second = HostClock(another)
    assert abs(first() - second()) < 60_000
    with another.begin() as connection:
        connection.execute(text("UPDATE steady_clock SET boot = 'the one before'"))
    assert HostClock(engine)() - first() > HOUR - 60_000
    with another.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM steady_clock")).scalar() == 1
    engine.dispose()
    another.dispose()


def test_hosts_have_the_clock_of_their_database(postgres: Engine) -> None:
    steady = Clock()
    clock = DatabaseClock(postgres, steady)
    began = clock()
    assert abs(began - time.time() * 1000) < 60_000
    steady.passes(1000)
    assert clock() == began + 1000
    # Asked again now and then: no two clocks run the same for ever.
    steady.passes(HOUR)
    assert clock() - began < 60_000
