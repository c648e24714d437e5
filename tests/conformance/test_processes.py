"""Real worker processes on one database: none gets what another has, and none takes its job to the grave."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import FIRST_BACKOFF, LEASE, JobQuery
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.clock import now_ms
from cl_server.queue.repository import SqlJobRepository
from tests.conformance import claimer, opener


def address(database: Engine) -> str:
    """What another process opens."""
    if database.dialect.name == "sqlite":
        return str(database.url.database)
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


# One process imports what they need, which takes longer than what they do, and forks them.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.conformance.claimer", "tests.conformance.opener", "psycopg"])


class Other:
    """A process of its own, and the pipe to it."""

    def __init__(self, main: Callable[..., None], *arguments: object) -> None:
        self._pipe, theirs = FORKS.Pipe()
        self.process = FORKS.Process(target=main, args=(*arguments, theirs))
        self.process.start()
        theirs.close()

    def hear(self) -> str:
        """What it says next; nothing at its end."""
        try:
            return self._pipe.recv()
        except (EOFError, ConnectionError):
            return ""

    def go(self) -> None:
        """Let it start, or go on."""
        self._pipe.send("go")

    def end(self) -> list[str]:
        """The rest of what it says, at its end."""
        said = list(iter(self.hear, ""))
        self.process.join()
        self._pipe.close()
        return said


class Claimer(Other):
    """One worker process."""

    def __init__(self, database: Engine, name: str, what: str) -> None:
        super().__init__(claimer.main, address(database), name, what)


def test_of_many_processes_none_claims_what_another_has(database: Engine) -> None:
    queue = SqlJobRepository(database)
    jobs = {queue.add_job(Job(job_id=uuid4().hex, task_type="hash")) for _ in range(120)}
    workers = [Claimer(database, f"w{number}", "drain") for number in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.go()
    claimed = [line for worker in workers for line in worker.end()]
    assert claimed.count("done") == 4
    assert sorted(line for line in claimed if line != "done") == sorted(jobs)
    listed = queue.list_jobs(JobQuery(limit=200)).jobs
    assert {job.status for job in listed} == {JobStatus.COMPLETED}


@pytest.mark.parametrize("way", ["lease", "slot"])
def test_a_worker_that_is_killed_loses_its_job_to_another(database: Engine, way: str) -> None:
    """kill -9: found by its lease, or by its successor in the same slot."""
    now = now_ms()
    queue = SqlJobRepository(database, clock=lambda: now)
    job_id = queue.add_job(Job(job_id="one", task_type="hash"))
    worker = Claimer(database, "w0", "hold")
    assert worker.hear() == "ready"
    worker.go()
    assert worker.hear() == job_id
    now = now_ms()
    worker.process.kill()
    assert worker.end() == []
    assert queue.claim("w1", ["hash"]) is None
    assert queue.expire() == []
    if way == "slot":
        queue.release("w0")
    else:
        now += LEASE + 1
        assert [job.job_id for job in queue.expire()] == [job_id]
        assert queue.next_due(["hash"]) == FIRST_BACKOFF
        now += FIRST_BACKOFF
    claim = queue.claim("w1", ["hash"])
    assert claim is not None
    assert (claim.job.job_id, claim.attempt) == (job_id, 2)
    assert queue.complete(claim, {"by": "w1"})


def test_a_worker_that_was_only_slow_cannot_finish_what_another_has(database: Engine) -> None:
    queue = SqlJobRepository(database)
    job_id = queue.add_job(Job(job_id="one", task_type="hash"))
    slow = Claimer(database, "w0", "hold")
    assert slow.hear() == "ready"
    slow.go()
    assert slow.hear() == job_id
    queue.release("w0")
    claim = queue.claim("w1", ["hash"])
    assert claim is not None
    slow.go()
    assert slow.end() == ["done"]
    job = queue.get_job(job_id)
    assert job is not None
    assert job.status is JobStatus.PROCESSING
    assert queue.complete(claim, {"by": "w1"})


def test_what_a_process_did_not_tell_before_it_was_killed_is_told(database: Engine) -> None:
    queue = SqlJobRepository(database)
    job_id = queue.add_job(Job(job_id="one", task_type="hash"))
    worker = Claimer(database, "w0", "hold")
    assert worker.hear() == "ready"
    worker.go()
    assert worker.hear() == job_id
    worker.process.kill()
    worker.end()
    assert [event.job.status.value for event in queue.take_untold(0)] == ["queued", "processing"]


def test_processes_that_open_a_new_database_together_all_get_it(tmp_path: Path) -> None:
    """The first start of a stack: SQLite changes to WAL for one of them, and does not let the others wait."""
    new = 25
    openers = [Other(opener.main, str(tmp_path), new) for _ in range(4)]
    said: list[list[str]] = [[] for _ in openers]
    for _ in range(new):
        for other, modes in zip(openers, said, strict=True):
            while (word := other.hear()) != "ready":
                assert word == "wal", "the process ended"
                modes.append(word)
        for other in openers:
            other.go()
    for other, modes in zip(openers, said, strict=True):
        assert modes + other.end() == ["wal"] * new
        assert other.process.exitcode == 0
