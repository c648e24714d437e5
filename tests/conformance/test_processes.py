"""Real worker processes on one database: none gets what another has, and none takes its job to the grave."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import FIRST_BACKOFF, LEASE, JobQuery
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.clock import now_ms
from cl_server.queue.repository import SqlJobRepository


def address(database: Engine) -> str:
    """What another process opens."""
    if database.dialect.name == "sqlite":
        return str(database.url.database)
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


class Claimer:
    """One worker process."""

    def __init__(self, database: Engine, name: str, what: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.claimer", address(database), name, what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        """Let it start, or go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self) -> list[str]:
        """The rest of what it says, at its end."""
        said, _ = self.process.communicate()
        return said.split()


def test_of_many_processes_none_claims_what_another_has(database: Engine) -> None:
    queue = SqlJobRepository(database)
    jobs = {queue.add_job(Job(job_id=uuid4().hex, task_type="hash")) for _ in range(120)}
    claimers = [Claimer(database, f"w{number}", "drain") for number in range(4)]
    assert [claimer.hear() for claimer in claimers] == ["ready"] * 4
    for claimer in claimers:
        claimer.go()
    claimed = [line for claimer in claimers for line in claimer.end()]
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
    claimer = Claimer(database, "w0", "hold")
    assert claimer.hear() == "ready"
    claimer.go()
    assert claimer.hear() == job_id
    now = now_ms()
    claimer.process.kill()
    assert claimer.end() == []
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
    claimer = Claimer(database, "w0", "hold")
    assert claimer.hear() == "ready"
    claimer.go()
    assert claimer.hear() == job_id
    claimer.process.kill()
    claimer.end()
    assert [event.job.status.value for event in queue.take_untold(0)] == ["queued", "processing"]


def test_processes_that_open_a_new_database_together_all_get_it(tmp_path: Path) -> None:
    """The first start of a stack: SQLite changes to WAL for one of them, and does not let the others wait."""
    new = 25
    openers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.opener", str(tmp_path), str(new)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(4)
    ]
    said: list[list[str]] = [[] for _ in openers]
    for _ in range(new):
        for opener, lines in zip(openers, said, strict=True):
            assert opener.stdout is not None
            while (line := opener.stdout.readline().strip()) != "ready":
                assert line == "wal", "the process ended"
                lines.append(line)
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write("go\n")
    for opener, lines in zip(openers, said, strict=True):
        rest, _ = opener.communicate()
        assert lines + rest.split() == ["wal"] * new
        assert opener.returncode == 0
