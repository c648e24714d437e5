"""A commit whose answer is lost may have happened: each change happens once, and is told once, whichever it was."""

import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import Done, Event, JobQuery, OutcomeUnknownError, Submittal, Wanted
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import TYPES, claimed, job_of, new
from tests.conformance.lost_commits import LostCommits

KEPT = pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])


class Desk:
    """A queue on a database that loses answers, and what it told."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[Event] = []
        self.commits = LostCommits(engine)
        self.queue = SqlJobRepository(engine, on_event=self.events.append, patience=2)
        # The first look at the clock may write too.
        self.queue.next_due(TYPES)

    def told(self, job_id: str) -> list[str]:
        return [event.job.status.value for event in self.events if event.job.job_id == job_id]


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


@KEPT
@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_submit_makes_one_job(desk: Desk, key: str | None, lost: int, kept: bool) -> None:
    desk.commits.lose(lost, kept=kept)
    job = desk.queue.submit(new(job_id="one"), key=key, fingerprint="f")
    assert (job.job_id, job.status) == ("one", "queued")
    assert [job.job_id for job in desk.queue.list_jobs(JobQuery()).jobs] == ["one"]
    assert desk.told("one") == ["queued"]
    if key is not None:
        assert desk.queue.submit(new(), key=key, fingerprint="f").job_id == "one"


@KEPT
def test_a_claim_takes_one_job_and_one_attempt(desk: Desk, kept: bool) -> None:
    for name in ("one", "two"):
        desk.queue.add_job(new(job_id=name))
    desk.commits.lose(kept=kept)
    claim = claimed(desk.queue)
    assert (claim.job.job_id, claim.attempt, claim.token) == ("one", 1, 1)
    assert job_of(desk.queue, "two").status is JobStatus.QUEUED
    assert desk.queue.complete(claim, {})
    assert desk.told("one") == ["queued", "processing", "completed"]


@KEPT
def test_an_end_is_kept_and_the_next_job_is_taken_once(desk: Desk, kept: bool) -> None:
    for name in ("one", "two", "three"):
        desk.queue.add_job(new(job_id=name))
    claim = claimed(desk.queue)
    published: list[str] = []
    desk.commits.lose(kept=kept)
    done, following = desk.queue.exchange(claim, {"a": 1}, lambda: published.append("once"), 5, TYPES)
    assert done
    assert following is not None
    assert (following.job.job_id, following.attempt) == ("two", 1)
    assert job_of(desk.queue, "one").task_output == {"a": 1}
    assert job_of(desk.queue, "one").size == 5
    assert job_of(desk.queue, "three").status is JobStatus.QUEUED
    assert desk.told("one") == ["queued", "processing", "completed"]
    assert desk.told("two") == ["queued", "processing"]
    # What did not become true is put in place again.
    assert len(published) == (1 if kept else 2)


@KEPT
def test_several_jobs_end_once_and_the_next_are_taken_once(desk: Desk, kept: bool) -> None:
    names = ["one", "two", "three", "four", "five"]
    for name in names:
        desk.queue.add_job(new(job_id=name))
    wanted = Wanted({"hash": 2})
    desk.commits.lose(kept=kept)
    claims = desk.queue.claim_many("w0", wanted)
    assert [(claim.job.job_id, claim.attempt) for claim in claims] == [("one", 1), ("two", 1)]
    desk.commits.lose(kept=kept)
    done, following = desk.queue.exchange_many("w0", [Done(claim, {"a": 1}) for claim in claims], wanted)
    assert done == [True, True]
    assert [(claim.job.job_id, claim.attempt) for claim in following] == [("three", 1), ("four", 1)]
    ended, running = ["queued", "processing", "completed"], ["queued", "processing"]
    assert [desk.told(name) for name in names] == [ended, ended, running, running, ["queued"]]


@KEPT
def test_a_failure_that_passes_counts_one_attempt(desk: Desk, kept: bool) -> None:
    desk.queue.add_job(new(job_id="one"))
    claim = claimed(desk.queue)
    desk.commits.lose(kept=kept)
    desk.queue.fail(claim, "the disk", transient=True)
    job = job_of(desk.queue, "one")
    assert job.status is JobStatus.QUEUED


@KEPT
def test_what_is_given_back_does_not_count(desk: Desk, kept: bool) -> None:
    desk.queue.add_job(new(job_id="one"))
    claim = claimed(desk.queue)
    desk.commits.lose(kept=kept)
    desk.queue.give_back(claim)
    assert claimed(desk.queue).attempt == 1


@KEPT
def test_a_job_that_is_deleted_was_there(desk: Desk, kept: bool) -> None:
    desk.queue.add_job(new(job_id="one"))
    desk.commits.lose(kept=kept)
    assert desk.queue.delete_job("one")
    assert desk.queue.get_job("one") is None
    assert desk.told("one") == ["queued", "cancelled"]
    assert not desk.queue.delete_job("one")


@KEPT
def test_a_cancel_is_one(desk: Desk, kept: bool) -> None:
    desk.queue.add_job(new(job_id="one"))
    desk.commits.lose(kept=kept)
    job = desk.queue.cancel("one")
    assert job is not None
    assert job.status is JobStatus.CANCELLED
    assert desk.told("one") == ["queued", "cancelled"]


@KEPT
def test_what_a_dead_worker_had_is_given_once_and_its_leavings_are_known_of(desk: Desk, kept: bool) -> None:
    desk.queue.add_job(new(job_id="one"))
    claim = claimed(desk.queue)
    desk.commits.lose(kept=kept)
    assert [job.job_id for job in desk.queue.release(claim.worker_id)] == ["one"]
    assert desk.told("one") == ["queued", "processing", "queued"]
    assert claimed(desk.queue).attempt == 2
    desk.commits.lose(kept=kept)
    assert desk.queue.release("nobody") == []


@KEPT
def test_who_cannot_find_out_says_so(database: Engine, kept: bool) -> None:
    desk = Desk(database)
    desk.queue = SqlJobRepository(database, patience=0.1)
    desk.queue.next_due(TYPES)
    desk.commits.lose(10_000, kept=kept)
    with pytest.raises(OutcomeUnknownError):
        desk.queue.submit(new(job_id="one"), key="k")
    desk.commits.lose(0, kept=True)
    assert (desk.queue.get_job("one") is not None) is kept


@KEPT
@pytest.mark.parametrize("lost", [1, 2])
def test_a_submit_of_many_makes_each_job_once(desk: Desk, lost: int, kept: bool) -> None:
    names = ["one", "two", "three"]
    desk.commits.lose(lost, kept=kept)
    answers = desk.queue.submit_many([Submittal(new(job_id=name), f"key of {name}", "f") for name in names])
    assert [answer.job_id for answer in answers if isinstance(answer, Job)] == names
    assert sorted(job.job_id for job in desk.queue.list_jobs(JobQuery()).jobs) == sorted(names)
    assert [desk.told(name) for name in names] == [["queued"]] * 3
