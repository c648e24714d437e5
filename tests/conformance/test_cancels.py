"""Cancelling and deleting: at once where nobody works, else the worker is asked."""

import pytest

from cl_ml_tools.job_queue import LEASE, Beat
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import TYPES, Bench, claimed, job_of, new


def test_a_queued_job_is_cancelled_at_once(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    cancelled = bench.queue.cancel(job_id)
    assert cancelled is not None
    assert cancelled.status is JobStatus.CANCELLED
    assert bench.queue.claim("w0", TYPES) is None
    assert bench.told(job_id) == ["queued", "cancelled"]
    assert bench.queue.cancel("another") is None


def test_the_worker_of_a_running_job_is_asked_to_stop(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    asked = bench.queue.cancel(job_id)
    assert asked is not None
    assert asked.status is JobStatus.PROCESSING
    assert bench.queue.look(claim) is Beat.CANCEL
    assert bench.queue.heartbeat(claim) is Beat.CANCEL
    assert bench.queue.confirm_cancel(claim)
    assert job_of(bench.queue, job_id).status is JobStatus.CANCELLED
    assert bench.told(job_id) == ["queued", "processing", "cancelled"]


@pytest.mark.parametrize("way", ["lease", "death", "give back", "transient"])
def test_a_job_that_was_cancelled_is_never_queued_again(bench: Bench, way: str) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    bench.queue.cancel(job_id)
    match way:
        case "lease":
            bench.clock.passes(LEASE + 1)
            bench.queue.expire()
        case "death":
            bench.queue.release("w0")
        case "give back":
            assert bench.queue.give_back(claim)
        case _:
            assert bench.queue.fail(claim, "no space", transient=True)
    assert job_of(bench.queue, job_id).status.terminal
    assert bench.queue.claim("w0", TYPES) is None


def test_a_deleted_job_is_cancelled_first_and_gone_for_everybody(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    assert bench.queue.delete_job(job_id)
    assert not bench.queue.delete_job(job_id)
    assert bench.queue.get_job(job_id) is None
    assert bench.queue.heartbeat(claim) is Beat.LOST
    assert not bench.queue.complete(claim, {})
    assert bench.told(job_id) == ["queued", "processing", "cancelled"]
