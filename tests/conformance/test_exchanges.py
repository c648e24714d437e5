"""Ending a job and taking the next, in one step."""

import pytest

from cl_ml_tools.job_queue import LEASE, Beat, publish_nothing
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import TYPES, Bench, claimed, job_of, new


def test_a_worker_ends_a_job_and_takes_the_next_in_one_step(bench: Bench) -> None:
    one, two = bench.queue.add_job(new()), bench.queue.add_job(new())
    bench.clock.passes(LEASE - 1)
    kept, following = bench.queue.exchange(claimed(bench.queue), {"md5": "x"}, publish_nothing, 7, TYPES)
    assert kept
    assert following is not None
    assert (following.job.job_id, following.worker_id, following.attempt) == (two, "w0", 1)
    done = job_of(bench.queue, one)
    assert (done.status, done.task_output, done.size) == (JobStatus.COMPLETED, {"md5": "x"}, 7)
    # The end of the one is told before the beginning of the other, and the lease of the other begins now.
    told = [(event.job.job_id, event.job.status.value) for event in bench.events[-2:]]
    assert told == [(one, "completed"), (two, "processing")]
    bench.clock.passes(LEASE - 1)
    assert bench.queue.expire() == []
    assert bench.queue.complete(following, {})


@pytest.mark.parametrize("types", [[], ["media_thumbnail"]])
def test_what_is_not_wanted_is_not_taken_in_exchange(bench: Bench, types: list[str]) -> None:
    one, two = bench.queue.add_job(new()), bench.queue.add_job(new())
    assert bench.queue.exchange(claimed(bench.queue), {}, publish_nothing, 0, types) == (True, None)
    assert [job_of(bench.queue, job_id).status.value for job_id in (one, two)] == ["completed", "queued"]


def test_a_worker_that_lost_its_job_takes_the_next_all_the_same(bench: Bench) -> None:
    one = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    bench.queue.release("w0")
    again = claimed(bench.queue, "w1")
    two = bench.queue.add_job(new())
    published: list[str] = []
    kept, following = bench.queue.exchange(claim, {}, lambda: published.append("stale"), 0, TYPES)
    assert not kept
    assert following is not None
    assert following.job.job_id == two
    assert (published, job_of(bench.queue, one).status) == ([], JobStatus.PROCESSING)
    assert bench.queue.look(again) is Beat.KEPT


def test_a_result_that_cannot_be_kept_takes_nothing(bench: Bench) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    one, two = bench.queue.add_job(new()), bench.queue.add_job(new())
    claim = claimed(bench.queue)
    with pytest.raises(OSError, match="No space"):
        bench.queue.exchange(claim, {}, full, 0, TYPES)
    assert bench.told(one) == ["queued", "processing"]
    assert bench.told(two) == ["queued"]
    assert bench.queue.exchange(claim, {}, publish_nothing, 0, TYPES)[0]


def test_of_two_workers_that_exchange_none_takes_what_the_other_has(bench: Bench) -> None:
    jobs = [bench.queue.add_job(new()) for _ in range(12)]
    hands = {worker: claimed(bench.queue, worker) for worker in ("w0", "w1")}
    done: list[str] = []
    while hands:
        for worker, claim in list(hands.items()):
            kept, following = bench.queue.exchange(claim, {"by": worker}, publish_nothing, 0, TYPES)
            assert kept
            done.append(claim.job.job_id)
            if following is None:
                del hands[worker]
            else:
                hands[worker] = following
    assert sorted(done) == sorted(jobs)


def test_labels_go_with_a_job_through_all_that_is_told_of_it(bench: Bench) -> None:
    labelled = new()
    labelled.labels = {"trip": "Köln"}
    bench.queue.add_job(labelled)
    bench.queue.add_job(new())
    _, following = bench.queue.exchange(claimed(bench.queue), {}, publish_nothing, 0, TYPES)
    assert following is not None
    assert following.job.labels == {}
    bench.clock.passes(5_000)
    for events in (bench.events, bench.queue.take_untold(5_000)):
        told = [event.job.labels for event in events if event.job.job_id == labelled.job_id]
        assert told == [{"trip": "Köln"}] * 3
        assert all(event.job.labels == {} for event in events if event.job.job_id != labelled.job_id)
