"""What every job repository does, whatever it keeps its jobs in."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import (
    DIED,
    FIRST_BACKOFF,
    LEASE,
    MAX_ATTEMPTS,
    Beat,
    Claim,
    Event,
    IdempotencyConflictError,
    JobQuery,
    JobQueue,
)
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.repository import SqlJobRepository
from tests.conformance.conftest import Bench

TYPES = ["hash", "media_thumbnail"]


def new(task_type: str = "hash", job_id: str | None = None) -> Job:
    return Job(job_id=job_id or uuid4().hex, task_type=task_type, params={"algorithm": "all"})


def claimed(queue: JobQueue, worker: str = "w0") -> Claim:
    claim = queue.claim(worker, TYPES)
    assert claim is not None
    return claim


def job_of(queue: JobQueue, job_id: str) -> Job:
    job = queue.get_job(job_id)
    assert job is not None
    return job


def test_a_job_comes_back_as_it_was_kept(bench: Bench) -> None:
    job_id = bench.queue.add_job(new(job_id="one"), created_by="7", priority=9)
    job = job_of(bench.queue, job_id)
    assert (job.job_id, job.task_type, job.status, job.priority, job.created_by) == ("one", "hash", "queued", 9, "7")
    assert job.params == {"algorithm": "all"}
    assert job.created_at == job.updated_at == bench.clock.now
    assert bench.queue.get_job("another") is None
    assert bench.wakes == 1


# 1. Idempotency


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


# 2. Claims


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


# 3. Fencing


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


# 4. Heartbeats


def test_a_heartbeat_keeps_a_claim(bench: Bench) -> None:
    bench.queue.add_job(new())
    claim = claimed(bench.queue)
    for _ in range(4):
        bench.clock.passes(LEASE - 1)
        assert bench.queue.expire() == []
        assert bench.queue.heartbeat(claim) is Beat.KEPT
    assert bench.queue.complete(claim, {})
    assert bench.queue.heartbeat(claim) is Beat.LOST


# 5. Retries


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


# 6. Cancelling


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


# 7. States


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


# 8. Outputs


def test_outputs_that_cannot_be_published_end_nothing(bench: Bench) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    job_id = bench.queue.add_job(new())
    claim = claimed(bench.queue)
    with pytest.raises(OSError, match="No space"):
        bench.queue.complete(claim, {}, full)
    assert bench.told(job_id) == ["queued", "processing"]
    assert bench.queue.complete(claim, {})


# 9. Events


def test_every_change_is_told_after_it_happened(bench: Bench) -> None:
    seen: list[bool] = []
    queue = bench.queue

    def listener(event: Event) -> None:
        seen.append(queue.get_job(event.job.job_id) == event.job)

    queue = (
        MemoryJobRepository(on_event=listener)
        if bench.engine is None
        else SqlJobRepository(bench.engine, on_event=listener)
    )
    queue.add_job(new())
    claim = claimed(queue)
    queue.progress(claim, 40)
    queue.complete(claim, {"md5": "x"})
    assert seen == [True] * 4


def test_a_listener_that_fails_takes_nothing_back(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def deaf(event: Event) -> None:
        raise PermissionError(f"nobody may tell of {event.job.job_id}")

    def broken() -> None:
        raise OSError("no bell")

    queue = (
        MemoryJobRepository(on_event=deaf, on_wake=broken)
        if bench.engine is None
        else SqlJobRepository(bench.engine, on_event=deaf, on_wake=broken)
    )
    job_id = queue.add_job(new())
    assert queue.complete(claimed(queue), {})
    assert f"job {job_id} is completed, but not everybody could be told" in caplog.text
    assert "the workers could not be woken" in caplog.text


def test_what_was_not_told_is_told_by_another(bench: Bench) -> None:
    """A crash between commit and publish loses no event."""
    queue = bench.queue
    job_id = queue.add_job(new())
    claim = claimed(queue)
    queue.progress(claim, 10)
    queue.complete(claim, {"md5": "x"})
    settled = next(event.seq for event in bench.events if event.seq is not None)
    queue.settle([settled])
    assert queue.take_untold(5_000) == []
    bench.clock.passes(5_000)
    late = queue.take_untold(5_000)
    assert [(event.job.job_id, event.job.status.value) for event in late] == [
        (job_id, "processing"),
        (job_id, "completed"),
    ]
    assert late[-1].job.task_output == {"md5": "x"}
    # Whoever took them has time to tell them, and nobody else does meanwhile.
    assert queue.take_untold(5_000) == []
    queue.settle([event.seq for event in late if event.seq is not None])
    bench.clock.passes(60_000)
    assert queue.take_untold(5_000) == []


# Lists


def test_jobs_are_listed_newest_first_page_by_page(bench: Bench) -> None:
    ids = [bench.queue.add_job(new(), created_by="7") for _ in range(5)]
    first = bench.queue.list_jobs(JobQuery(limit=2))
    assert [job.job_id for job in first.jobs] == [ids[4], ids[3]]
    bench.queue.add_job(new())
    second = bench.queue.list_jobs(JobQuery(limit=2, cursor=first.cursor))
    third = bench.queue.list_jobs(JobQuery(limit=2, cursor=second.cursor))
    assert [job.job_id for job in (*second.jobs, *third.jobs)] == [ids[2], ids[1], ids[0]]
    assert third.cursor is None


def test_jobs_are_listed_by_status_type_id_and_owner(bench: Bench) -> None:
    one = bench.queue.add_job(new(), created_by="7")
    two = bench.queue.add_job(new("media_thumbnail"))
    claimed(bench.queue)

    def listed(query: JobQuery) -> list[str]:
        return [job.job_id for job in bench.queue.list_jobs(query).jobs]

    assert listed(JobQuery(status=JobStatus.PROCESSING)) == [one]
    assert listed(JobQuery(task_type="media_thumbnail")) == [two]
    assert listed(JobQuery(ids=[one, "another"])) == [one]
    assert listed(JobQuery(ids=[])) == []
    assert listed(JobQuery(created_by="7")) == [one]
    assert listed(JobQuery(created_by="8")) == []
    assert listed(JobQuery(of_guests=True)) == [two]


def test_old_jobs_are_found_by_when_they_ended(bench: Bench) -> None:
    one, two, _ = (bench.queue.add_job(new()) for _ in range(3))
    claim = claimed(bench.queue)
    assert claim.job.job_id == one
    assert bench.queue.complete(claim, None)
    bench.clock.passes(1_000)
    assert bench.queue.cancel(two) is not None
    first = job_of(bench.queue, one).completed_at
    assert first is not None
    assert bench.queue.finished_before(first) == []
    assert bench.queue.finished_before(first + 1) == [one]
    assert set(bench.queue.finished_before(first + 1_001)) == {one, two}


def test_jobs_that_are_not_over_are_counted_by_task_and_status(bench: Bench) -> None:
    assert bench.queue.unfinished() == {}
    for _ in range(3):
        bench.queue.add_job(new())
    claim = claimed(bench.queue)
    assert bench.queue.unfinished() == {("hash", JobStatus.QUEUED): 2, ("hash", JobStatus.PROCESSING): 1}
    assert bench.queue.fail(claim, "no")
    assert bench.queue.unfinished() == {("hash", JobStatus.QUEUED): 2}


# The five methods that a plain Worker needs


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


def test_two_jobs_of_one_name_are_refused(bench: Bench) -> None:
    bench.queue.add_job(new(job_id="one"))
    with pytest.raises(Exception, match=r"one|UNIQUE|unique"):
        bench.queue.add_job(new(job_id="one"))


def test_jobs_outlive_the_repository(database: Engine) -> None:
    job_id = SqlJobRepository(database).add_job(new())
    assert job_of(SqlJobRepository(database), job_id).status is JobStatus.QUEUED
