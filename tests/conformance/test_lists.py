"""Finding jobs: by page, status, type, owner and age."""

from cl_ml_tools.job_queue import JobQuery
from cl_ml_tools.schemas import JobStatus
from tests.conformance.bench import Bench, claimed, job_of, new


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


def test_jobs_are_listed_by_their_labels(bench: Bench) -> None:
    def labelled(owner: str | None, **labels: str) -> str:
        job = new()
        job.labels = labels
        return bench.queue.add_job(job, created_by=owner)

    mine = [labelled("7", album="summer", day=str(n % 2)) for n in range(4)]
    other = labelled("8", album="summer", day="0")
    guests = labelled(None, album="summer")
    bench.queue.add_job(new(), created_by="7")

    def listed(query: JobQuery) -> list[str]:
        return [job.job_id for job in bench.queue.list_jobs(query).jobs]

    assert listed(JobQuery(labels={"album": "summer"})) == [guests, other, *mine[::-1]]
    assert listed(JobQuery(labels={"album": "summer"}, created_by="7")) == mine[::-1]
    assert listed(JobQuery(labels={"album": "summer"}, of_guests=True)) == [guests]
    assert listed(JobQuery(labels={"album": "summer", "day": "1"}, created_by="7")) == [mine[3], mine[1]]
    assert listed(JobQuery(labels={"album": "winter"})) == []
    assert listed(JobQuery(labels={"album": "summer"}, ids=[mine[0], other])) == [other, mine[0]]
    first = bench.queue.list_jobs(JobQuery(labels={"day": "0"}, limit=2))
    assert [job.job_id for job in first.jobs] == [other, mine[2]]
    second = bench.queue.list_jobs(JobQuery(labels={"day": "0"}, limit=2, cursor=first.cursor))
    assert ([job.job_id for job in second.jobs], second.cursor) == ([mine[0]], None)
    assert job_of(bench.queue, mine[1]).labels == {"album": "summer", "day": "1"}
    assert bench.queue.delete_job(mine[0])
    assert listed(JobQuery(labels={"day": "0"}, created_by="7")) == [mine[2]]


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
