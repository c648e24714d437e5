"""Queueing a job: it is kept as it came, and the same key gives the same job."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import IdempotencyConflictError, JobQuery
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import Bench, claimed, job_of, new


def test_a_job_comes_back_as_it_was_kept(bench: Bench) -> None:
    job_id = bench.queue.add_job(new(job_id="one"), created_by="7", priority=9)
    job = job_of(bench.queue, job_id)
    assert (job.job_id, job.task_type, job.status, job.priority, job.created_by) == ("one", "hash", "queued", 9, "7")
    assert job.params == {"algorithm": "all"}
    assert job.created_at == job.updated_at == bench.clock.now
    assert bench.queue.get_job("another") is None
    assert bench.wakes == 1


def test_the_same_key_of_the_same_user_gives_the_same_job(bench: Bench) -> None:
    first = bench.queue.submit(new(), created_by="7", key="k", fingerprint="f")
    again = bench.queue.submit(new(), created_by="7", key="k", fingerprint="f")
    other = bench.queue.submit(new(), created_by="8", key="k", fingerprint="g")
    guest = bench.queue.submit(new(), key="k", fingerprint="h")
    assert again.job_id == first.job_id
    assert len({first.job_id, other.job_id, guest.job_id}) == 3
    assert bench.told(first.job_id) == ["queued"]


def test_a_key_that_came_with_another_job_is_a_conflict(bench: Bench) -> None:
    bench.queue.submit(new(), key="k", fingerprint="f")
    with pytest.raises(IdempotencyConflictError, match="a new job needs a new key"):
        bench.queue.submit(new(), key="k", fingerprint="g")
    assert len(bench.queue.list_jobs(JobQuery()).jobs) == 1


def test_what_a_user_sent_with_a_key_is_found_by_it(bench: Bench) -> None:
    first = bench.queue.submit(new(), created_by="7", key="k", fingerprint="f")
    found = bench.queue.submitted("k", created_by="7", fingerprint="f")
    assert found is not None
    assert found.job_id == first.job_id
    assert bench.queue.submitted("k", created_by="8", fingerprint="f") is None
    assert bench.queue.submitted("k", fingerprint="f") is None
    assert bench.queue.submitted("another", created_by="7", fingerprint="f") is None
    with pytest.raises(IdempotencyConflictError):
        bench.queue.submitted("k", created_by="7", fingerprint="g")


def test_a_key_holds_for_as_long_as_its_job(bench: Bench) -> None:
    first = bench.queue.submit(new(), key="k", fingerprint="f")
    claim = claimed(bench.queue)
    bench.queue.complete(claim, {})
    assert bench.queue.submit(new(), key="k", fingerprint="f").status is JobStatus.COMPLETED
    bench.queue.delete_job(first.job_id)
    assert bench.queue.submit(new(), key="k", fingerprint="g").job_id != first.job_id


def test_of_many_that_come_at_once_with_one_key_one_is_made(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: bench.queue.submit(new(), key="k", fingerprint="f").job_id, range(24)))
    assert len(set(made)) == 1
    assert len(bench.queue.list_jobs(JobQuery()).jobs) == 1


def test_two_jobs_of_one_name_are_refused(bench: Bench) -> None:
    bench.queue.add_job(new(job_id="one"))
    with pytest.raises(Exception, match=r"one|UNIQUE|unique"):
        bench.queue.add_job(new(job_id="one"))


def test_jobs_outlive_the_repository(database: Engine) -> None:
    job_id = SqlJobRepository(database).add_job(new())
    assert job_of(SqlJobRepository(database), job_id).status is JobStatus.QUEUED
