"""Taking several jobs in one step, and ending them in one."""

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import LEASE, Beat, Claim, Done, Event, Wanted
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import Bench, Clock, job_of, new

THREE = Wanted({"hash": 3, "media_thumbnail": 3})


def ids_of(claims: list[Claim]) -> list[str]:
    return [claim.job.job_id for claim in claims]


def test_a_worker_takes_the_next_jobs_of_a_task_each_with_a_claim_of_its_own(bench: Bench) -> None:
    late = bench.queue.add_job(new("media_thumbnail", "other task"))
    hashes = [bench.queue.add_job(new(job_id=f"h{number}"), priority=7) for number in range(4)]
    bench.queue.add_job(new(job_id="lower"), priority=6)
    claims = bench.queue.claim_many("w0", THREE)
    assert ids_of(claims) == hashes[:3]
    assert [(claim.worker_id, claim.attempt, claim.token) for claim in claims] == [("w0", 1, 1)] * 3
    assert [bench.told(job_id) for job_id in hashes[:3]] == [["queued", "processing"]] * 3
    # What is not like the next one comes alone: another priority, and then another task.
    assert [ids_of(bench.queue.claim_many("w1", THREE)) for _ in range(4)] == [[hashes[3]], ["lower"], [late], []]


def test_nobody_takes_more_than_their_share_of_what_waits(bench: Bench) -> None:
    for _ in range(5):
        bench.queue.add_job(new())
    shared = Wanted({"hash": 32}, workers=2)
    assert [len(bench.queue.claim_many("w0", shared)) for _ in range(4)] == [3, 1, 1, 0]


def test_what_has_an_attempt_behind_it_is_taken_alone(bench: Bench) -> None:
    jobs = [bench.queue.add_job(new(job_id=f"j{number}")) for number in range(3)]
    bench.queue.claim_many("w0", THREE)
    bench.queue.release("w0")
    fresh = [bench.queue.add_job(new(job_id=f"new{number}")) for number in range(2)]
    taken = [ids_of(bench.queue.claim_many("w0", THREE)) for _ in range(4)]
    assert taken == [[jobs[0]], [jobs[1]], [jobs[2]], fresh]


def test_a_job_that_ends_its_worker_every_time_costs_those_with_it_one_attempt(bench: Bench) -> None:
    for name in ("deadly", "good", "other"):
        bench.queue.add_job(new(job_id=name))
    while claims := bench.queue.claim_many("w0", THREE):
        if ids_of(claims)[0] == "deadly":
            bench.queue.release("w0")
        else:
            bench.queue.exchange_many("w0", [Done(claim, {}) for claim in claims], Wanted({}))
    ends = [job_of(bench.queue, name).status.value for name in ("deadly", "good", "other")]
    assert ends == ["failed", "completed", "completed"]


def test_what_is_given_back_from_among_several_was_no_attempt(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.queue.add_job(new(job_id=name))
    _, second = bench.queue.claim_many("w0", THREE)
    assert bench.queue.give_back(second)
    [again] = bench.queue.claim_many("w0", THREE)
    assert (again.job.job_id, again.attempt, again.token) == ("two", 1, 2)


def test_several_jobs_end_and_the_next_are_taken_in_one_step(bench: Bench) -> None:
    jobs = [bench.queue.add_job(new(job_id=f"j{number}")) for number in range(5)]
    claims = bench.queue.claim_many("w0", THREE)
    bench.queue.cancel(jobs[1])
    bench.queue.release("another")
    done = [Done(claim, {"of": claim.job.job_id}, size=7) for claim in claims]
    kept, following = bench.queue.exchange_many("w0", done, THREE)
    assert (kept, ids_of(following)) == ([True] * 3, jobs[3:])
    ended = [job_of(bench.queue, job_id) for job_id in jobs[:3]]
    assert [(job.status, job.task_output, job.size) for job in ended] == [
        (JobStatus.COMPLETED, {"of": job_id}, 7) for job_id in jobs[:3]
    ]
    assert bench.queue.exchange_many("w0", [Done(claim, None) for claim in following], Wanted({})) == ([True] * 2, [])


def test_who_lost_one_of_several_jobs_keeps_the_results_of_the_others(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.queue.add_job(new(job_id=name))
    claims = bench.queue.claim_many("w0", THREE)
    bench.queue.delete_job("one")
    published: list[str] = []
    done = [Done(claim, {}, lambda name=claim.job.job_id: published.append(name)) for claim in claims]
    assert bench.queue.exchange_many("w0", done, THREE) == ([False, True], [])
    assert published == ["two"]


def test_where_one_of_several_results_cannot_be_kept_none_is(bench: Bench) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    for name in ("one", "two"):
        bench.queue.add_job(new(job_id=name))
    claims = bench.queue.claim_many("w0", THREE)
    with pytest.raises(OSError, match="No space"):
        bench.queue.exchange_many("w0", [Done(claims[0], {}), Done(claims[1], {}, full)], THREE)
    assert [job_of(bench.queue, name).status for name in ("one", "two")] == [JobStatus.PROCESSING] * 2
    assert bench.queue.exchange_many("w0", [Done(claim, {}) for claim in claims], THREE) == ([True] * 2, [])


def test_one_heartbeat_keeps_several_claims_and_hears_of_each(bench: Bench) -> None:
    for name in ("cancelled", "lost", "kept"):
        bench.queue.add_job(new(job_id=name))
    claims = bench.queue.claim_many("w0", THREE)
    bench.queue.cancel("cancelled")
    bench.queue.delete_job("lost")
    bench.clock.passes(LEASE - 1)
    expected = [Beat.CANCEL, Beat.LOST, Beat.KEPT]
    assert bench.queue.beats(claims) == bench.queue.beats(claims, None) == expected
    bench.clock.passes(LEASE - 1)
    assert bench.queue.expire() == []


def test_what_happens_in_one_moment_is_one_row_in_the_outbox(database: Engine) -> None:
    clock, moments = Clock(), list[list[Event]]()
    queue = SqlJobRepository(database, on_moment=lambda events: moments.append(list(events)), clock=clock)
    for name in ("one", "two", "three"):
        queue.add_job(new(job_id=name))
    claims = queue.claim_many("w0", Wanted({"hash": 2}))
    queue.exchange_many("w0", [Done(claim, {"x": 1}) for claim in claims], THREE)
    told = [[(event.job.job_id, event.job.status.value) for event in moment] for moment in moments[3:]]
    assert told == [
        [("one", "processing"), ("two", "processing")],
        [("one", "completed"), ("two", "completed"), ("three", "processing")],
    ]
    assert [len({event.seq for event in moment}) for moment in moments] == [1] * 5
    clock.passes(5_000)
    late = queue.take_untold(5_000)
    assert late == [event for moment in moments for event in moment]
    queue.settle([event.seq for event in late if event.seq is not None])
    assert queue.transitions() == {
        ("hash", JobStatus.QUEUED): 3,
        ("hash", JobStatus.PROCESSING): 3,
        ("hash", JobStatus.COMPLETED): 2,
    }
