"""Another attempt: after a lease that is over, a transient error, a worker that died."""

from cl_ml_tools.job_queue import DIED, FIRST_BACKOFF, LEASE, MAX_ATTEMPTS
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import TYPES, Bench, claimed, job_of, new


def test_a_lease_that_is_over_queues_the_job_again_later(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    bench.queue.progress(claim, 30)
    bench.clock.passes(LEASE + 1)
    assert [job.job_id for job in bench.queue.expire()] == [job_id]
    job = job_of(bench.queue, job_id)
    assert (job.status, job.progress, job.started_at) == (JobStatus.QUEUED, 0, None)
    assert bench.queue.claim("w1", TYPES) is None
    assert bench.queue.next_due(TYPES) == FIRST_BACKOFF
    assert bench.queue.next_due(["media_thumbnail"]) is None
    bench.clock.passes(FIRST_BACKOFF)
    assert claimed(bench.queue, "w1").job.job_id == job_id


def test_after_the_last_attempt_a_job_has_failed(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    for _ in range(MAX_ATTEMPTS):
        claimed(bench.queue)
        bench.clock.passes(LEASE + 1)
        bench.queue.expire()
        bench.clock.passes(60_000)
    job = job_of(bench.queue, job_id)
    assert (job.status, job.error_message) == (JobStatus.FAILED, DIED)
    assert job.completed_at is not None
    assert bench.queue.claim("w0", TYPES) is None
    assert bench.told(job_id) == ["queued", *["processing", "queued"] * (MAX_ATTEMPTS - 1), "processing", "failed"]


def test_a_transient_error_is_tried_again_and_bad_input_is_not(bench: Bench) -> None:
    bad = bench.queue.add_job(new())
    assert bench.queue.fail(claimed(bench.queue), "it is no picture")
    assert job_of(bench.queue, bad).error_message == "it is no picture"
    job_id = bench.queue.add_job(new())
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim = claimed(bench.queue)
        assert (claim.attempt, claim.last) == (attempt, attempt == MAX_ATTEMPTS)
        assert bench.queue.fail(claim, "no space\0 left", transient=True)
        assert job_of(bench.queue, job_id).status is (JobStatus.FAILED if claim.last else JobStatus.QUEUED)
        bench.clock.passes(60_000)
    assert "left" in (job_of(bench.queue, job_id).error_message or "")


def test_what_a_dead_worker_held_is_queued_at_once(bench: Bench) -> None:
    first, second = bench.queue.add_job(new()), bench.queue.add_job(new())
    claimed(bench.queue, "w0")
    claimed(bench.queue, "w1")
    wakes = bench.wakes
    assert [job.job_id for job in bench.queue.release("w0", "w7")] == [first]
    assert bench.wakes == wakes + 1
    assert job_of(bench.queue, second).status is JobStatus.PROCESSING
    assert claimed(bench.queue, "w1").attempt == 2


def test_a_job_that_is_given_back_may_be_tried_as_often_as_before(bench: Bench) -> None:
    bench.queue.add_job(new())
    tokens: list[int] = []
    for _ in range(MAX_ATTEMPTS * 2):
        claim = claimed(bench.queue)
        tokens.append(claim.token)
        assert claim.attempt == 1
        assert bench.queue.give_back(claim)
    assert tokens == sorted(set(tokens))
