"""Queueing many jobs in one step: each is answered as its own submit would be."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from cl_ml_tools.job_queue import IdempotencyConflictError, JobQuery, Submittal
from cl_ml_tools.schemas import Job
from cl_server.queue.quota import Quota, TooManyBytesError, TooManyJobsError
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import Bench, claimed, job_of, new


def ids(answers: list[Job | Exception]) -> list[str]:
    """The jobs, all of which were taken."""
    assert all(isinstance(answer, Job) for answer in answers), answers
    return [answer.job_id for answer in answers if isinstance(answer, Job)]


def many(*keys: str, fingerprint: str = "f", size: int = 0) -> list[Submittal]:
    return [Submittal(new().model_copy(update={"size": size}), key, fingerprint) for key in keys]


def test_many_jobs_are_queued_in_their_order_and_workers_are_woken_once(bench: Bench) -> None:
    sent = many("a", "b", "c")
    sent[1].job.labels = {"album": "summer"}
    taken = ids(bench.queue.submit_many(sent, created_by="7"))
    assert taken == [each.job.job_id for each in sent]
    assert [claimed(bench.queue).job.job_id for _ in sent] == taken
    job = job_of(bench.queue, taken[1])
    assert (job.created_by, job.created_at, job.params) == ("7", bench.clock.now, {"algorithm": "all"})
    labelled = JobQuery(labels={"album": "summer"})
    assert [job.job_id for job in bench.queue.list_jobs(labelled).jobs] == [taken[1]]
    assert [bench.told(job_id)[0] for job_id in taken] == ["queued"] * 3
    assert bench.wakes in (1, 3)  # In memory, one by one.


def test_of_many_those_that_came_before_are_found_and_what_is_wrong_is_refused_alone(bench: Bench) -> None:
    [first] = ids(bench.queue.submit_many(many("a"), created_by="7"))
    alone = bench.queue.submit(new(), created_by="7", key="b", fingerprint="f").job_id
    answers = bench.queue.submit_many([*many("a", "b", "c", "c"), *many("a", fingerprint="g")], created_by="7")
    assert isinstance(answers.pop(), IdempotencyConflictError)
    found = ids(answers)
    assert found[:2] == [first, alone]
    assert found[2] == found[3]
    assert len(bench.queue.list_jobs(JobQuery()).jobs) == 3
    assert bench.told(first) == ["queued"]


def test_of_many_that_come_several_times_at_once_each_is_made_once(bench: Bench) -> None:
    keys = [f"k{number}" for number in range(10)]

    def submit(first: int) -> list[str]:
        return ids(bench.queue.submit_many(many(*keys[first:])))

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(submit, [0, 1, 0, 2, 0, 3]))
    assert {job_id for each in made for job_id in each} == set(made[0])
    assert len(bench.queue.list_jobs(JobQuery()).jobs) == 10


def test_a_quota_refuses_those_of_many_that_are_too_much(database: Engine) -> None:
    jobs = SqlJobRepository(database, quota=Quota(database, most_jobs=2))
    answers = jobs.submit_many(many("a", "b", "c"), created_by="7")
    assert [isinstance(answer, TooManyJobsError) for answer in answers] == [False, False, True]
    # What has its place is found again all the same.
    again = jobs.submit_many(many("c", "a"), created_by="7")
    assert isinstance(again[0], TooManyJobsError)
    assert ids(again[1:]) == ids(answers[:1])
    stored = SqlJobRepository(database, quota=Quota(database, most_bytes=100))
    sizes = [*many("d", size=60), *many("e", size=60), *many("f", size=40)]
    answers = stored.submit_many(sizes, created_by="8")
    assert [isinstance(answer, TooManyBytesError) for answer in answers] == [False, True, False]
