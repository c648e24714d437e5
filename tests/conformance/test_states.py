"""States and progress only move on, and a job ends well only with its outputs."""

import pytest

from cl_ml_tools.job_queue import LEASE
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import Bench, claimed, job_of, new


@pytest.mark.parametrize("final", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_final_state_never_changes(bench: Bench, final: JobStatus) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    match final:
        case JobStatus.COMPLETED:
            assert bench.queue.complete(claim, {"md5": "x"})
        case JobStatus.FAILED:
            assert bench.queue.fail(claim, "no")
        case _:
            assert bench.queue.confirm_cancel(claim)
    before = job_of(bench.queue, job_id)
    assert before.completed_at is not None
    assert not bench.queue.complete(claim, {})
    assert not bench.queue.fail(claim, "again")
    assert not bench.queue.confirm_cancel(claim)
    assert not bench.queue.progress(claim, 99)
    assert not bench.queue.give_back(claim)
    bench.queue.cancel(job_id)
    bench.queue.release("w0")
    bench.clock.passes(LEASE * 2)
    bench.queue.expire()
    assert job_of(bench.queue, job_id) == before
    assert bench.told(job_id) == ["queued", "processing", final.value]


def test_progress_only_grows_and_only_while_it_runs(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    assert bench.queue.progress(claim, 50)
    assert not bench.queue.progress(claim, 50)
    assert not bench.queue.progress(claim, 40)
    assert not bench.queue.progress(claim, 101)
    assert job_of(bench.queue, job_id).progress == 50


def test_a_clock_that_is_put_back_makes_no_old_news(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    start = bench.clock.now
    bench.clock.passes(-4_000)
    claim = claimed(bench.queue)
    bench.clock.passes(5_000)
    bench.queue.progress(claim, 10)
    bench.clock.passes(-4_000)
    bench.queue.complete(claim, {})
    assert [event.job.updated_at - start for event in bench.events] == [0, 0, 1_000, 1_000]
    job = job_of(bench.queue, job_id)
    assert (job.created_at, job.started_at, job.completed_at) == (start, start, start + 1_000)


def test_outputs_that_cannot_be_published_end_nothing(bench: Bench) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    with pytest.raises(OSError, match="No space"):
        bench.queue.complete(claim, {}, full)
    assert bench.told(job_id) == ["queued", "processing"]
    assert bench.queue.complete(claim, {})
