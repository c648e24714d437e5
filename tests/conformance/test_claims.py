"""Taking a job: in order, by one worker, for as long as its lease and its token hold."""

from concurrent.futures import ThreadPoolExecutor

from cl_ml_tools.job_queue import FIRST_BACKOFF, LEASE, Beat
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import TYPES, Bench, claimed, job_of, new


def test_the_highest_priority_is_claimed_first_then_the_oldest(bench: Bench) -> None:
    ids = [bench.queue.add_job(new(), priority=priority) for priority in (0, 5, 10, 5, 10)]
    bench.clock.passes(-500)
    ids.append(bench.queue.add_job(new(), priority=10))
    order = [claimed(bench.queue).job.job_id for _ in ids]
    assert order == [ids[2], ids[4], ids[5], ids[1], ids[3], ids[0]]
    assert bench.queue.claim("w0", TYPES) is None


def test_only_wanted_types_are_claimed(bench: Bench) -> None:
    bench.queue.add_job(new("hash"))
    assert bench.queue.claim("w0", ["media_thumbnail"]) is None
    assert bench.queue.claim("w0", []) is None
    assert bench.queue.claim("w0", ["hash"]) is not None


def test_no_job_is_claimed_twice(bench: Bench) -> None:
    jobs = {bench.queue.add_job(new()) for _ in range(100)}

    def drain(worker: int) -> list[str]:
        mine: list[str] = []
        while (claim := bench.queue.claim(f"w{worker}", TYPES)) is not None:
            mine.append(claim.job.job_id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [job_id for one in pool.map(drain, range(8)) for job_id in one]
    assert len(taken) == 100
    assert set(taken) == jobs


def test_a_stale_worker_learns_that_it_lost(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    stale = claimed(bench.queue, "w0")
    bench.clock.passes(LEASE + 1)
    bench.queue.expire()
    bench.clock.passes(FIRST_BACKOFF)
    fresh = claimed(bench.queue, "w1")
    assert (fresh.attempt, fresh.job.job_id) == (2, job_id)
    assert fresh.token > stale.token
    before = job_of(bench.queue, job_id)
    published: list[str] = []
    assert bench.queue.heartbeat(stale) is Beat.LOST
    assert bench.queue.look(stale) is Beat.LOST
    assert bench.queue.look(fresh) is Beat.KEPT
    assert not bench.queue.progress(stale, 90)
    assert not bench.queue.complete(stale, {"mine": True}, lambda: published.append("stale"))
    assert not bench.queue.fail(stale, "mine")
    assert not bench.queue.fail(stale, "mine", transient=True)
    assert not bench.queue.give_back(stale)
    assert not bench.queue.confirm_cancel(stale)
    assert published == []
    assert job_of(bench.queue, job_id) == before
    assert bench.queue.complete(fresh, {"mine": False}, lambda: published.append("fresh"))
    assert published == ["fresh"]


def test_a_worker_that_is_called_the_same_as_the_one_before_it_is_another(bench: Bench) -> None:
    bench.queue.add_job(new())
    stale = claimed(bench.queue, "w0")
    bench.queue.release("w0")
    fresh = claimed(bench.queue, "w0")
    assert not bench.queue.complete(stale, {})
    assert bench.queue.complete(fresh, {})


def test_a_heartbeat_keeps_a_claim(bench: Bench) -> None:
    bench.queue.add_job(new())
    claim = claimed(bench.queue)
    for _ in range(4):
        bench.clock.passes(LEASE - 1)
        assert bench.queue.expire() == []
        assert bench.queue.heartbeat(claim) is Beat.KEPT
    assert bench.queue.complete(claim, {})
    assert bench.queue.heartbeat(claim) is Beat.LOST


def test_the_five_methods_of_a_plain_repository_work(bench: Bench) -> None:
    job_id = bench.queue.add_job(new())
    assert not bench.queue.update_job(job_id, progress=10)
    job = bench.queue.fetch_next_job(TYPES)
    assert job is not None
    assert job.job_id == job_id
    bench.clock.passes(LEASE * 2)
    assert bench.queue.expire() == []
    assert bench.queue.update_job(job_id, progress=10)
    assert not bench.queue.update_job(job_id, status=JobStatus.QUEUED)
    assert bench.queue.update_job(job_id, status=JobStatus.COMPLETED, progress=100, task_output={"a": 1})
    assert not bench.queue.update_job(job_id, status=JobStatus.FAILED)
    assert job_of(bench.queue, job_id).task_output == {"a": 1}
    for status in (JobStatus.FAILED, JobStatus.CANCELLED):
        other = bench.queue.add_job(new())
        assert bench.queue.fetch_next_job(TYPES) is not None
        assert bench.queue.update_job(other, status=status, error_message="no")
        assert job_of(bench.queue, other).status is status
    assert bench.queue.fetch_next_job(TYPES) is None
