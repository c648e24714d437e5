from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from cl_ml_tools.schemas import Job, JobStatus
from cl_server.repository import MAX_ATTEMPTS, SqlJobRepository

TYPES = ["hash", "media_thumbnail"]


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, int]] = []

    def __call__(self, job: Job) -> None:
        self.said.append((job.job_id, job.status.value, job.progress))


def new(task_type: str = "hash", job_id: str | None = None) -> Job:
    return Job(job_id=job_id or uuid4().hex, task_type=task_type, params={"algorithm": "all"})


def test_a_job_comes_back_as_it_was_kept(engine: Engine) -> None:
    repository = SqlJobRepository(engine)
    job_id = repository.add_job(new(job_id="one"), created_by="7", priority=9)
    job = repository.get_job(job_id)
    assert job is not None
    assert (job.job_id, job.task_type, job.status, job.priority, job.created_by) == ("one", "hash", "queued", 9, "7")
    assert job.params == {"algorithm": "all"}
    assert job.created_at == job.updated_at > 0
    assert repository.get_job("another") is None


def test_a_job_is_claimed_once(engine: Engine) -> None:
    api = SqlJobRepository(engine)
    jobs = {api.add_job(new()) for _ in range(200)}
    workers = [SqlJobRepository(engine, worker_id=f"w{number}") for number in range(8)]

    def drain(worker: SqlJobRepository) -> list[str]:
        claimed: list[str] = []
        while (job := worker.fetch_next_job(TYPES)) is not None:
            claimed.append(job.job_id)
        return claimed

    with ThreadPoolExecutor(8) as pool:
        claimed = [job_id for one in pool.map(drain, workers) for job_id in one]
    assert len(claimed) == 200
    assert set(claimed) == jobs


def test_the_highest_priority_is_claimed_first_then_the_oldest(engine: Engine) -> None:
    repository = SqlJobRepository(engine)
    ids = [repository.add_job(new(), priority=priority) for priority in (0, 5, 10, 5, 10)]
    order = [job.job_id for _ in ids if (job := repository.fetch_next_job(TYPES)) is not None]
    assert order == [ids[2], ids[4], ids[1], ids[3], ids[0]]


def test_a_clock_that_is_put_back_changes_neither_the_order_nor_what_is_news(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []

    def heard(job: Job) -> None:
        if job.job_id == "first":
            times.append(job.updated_at)

    repository = SqlJobRepository(engine, on_change=heard)
    monkeypatch.setattr("cl_server.repository.now_ms", lambda: 5_000)
    repository.add_job(new(job_id="first"))
    monkeypatch.setattr("cl_server.repository.now_ms", lambda: 1_000)
    repository.add_job(new(job_id="second"))
    claimed = repository.fetch_next_job(TYPES)
    assert claimed is not None
    assert claimed.job_id == "first"
    monkeypatch.setattr("cl_server.repository.now_ms", lambda: 6_000)
    repository.update_job("first", progress=10)
    monkeypatch.setattr("cl_server.repository.now_ms", lambda: 2_000)
    repository.update_job("first", status=JobStatus.COMPLETED)
    assert times == [5_000, 5_000, 6_000, 6_000]
    job = repository.get_job("first")
    assert job is not None
    assert (job.created_at, job.started_at, job.completed_at) == (5_000, 5_000, 6_000)


def test_a_listener_that_fails_takes_nothing_back_and_stops_nobody(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def deaf(job: Job) -> None:
        raise PermissionError(f"nobody may tell of {job.job_id}")

    queued = Heard()
    repository = SqlJobRepository(engine, on_change=deaf, on_queued=queued)
    job_id = repository.add_job(new())
    assert queued.said == [(job_id, "queued", 0)]
    assert repository.fetch_next_job(TYPES) is not None
    assert repository.update_job(job_id, status=JobStatus.COMPLETED)
    assert f"job {job_id} is completed, but not everybody could be told" in caplog.text


def test_only_wanted_types_are_claimed(engine: Engine) -> None:
    repository = SqlJobRepository(engine)
    repository.add_job(new("hash"))
    assert repository.fetch_next_job(["media_thumbnail"]) is None
    assert repository.fetch_next_job([]) is None
    assert repository.fetch_next_job(["hash"]) is not None


@pytest.mark.parametrize("final", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_final_state_never_changes(engine: Engine, final: JobStatus) -> None:
    heard = Heard()
    repository = SqlJobRepository(engine, on_change=heard)
    job_id = repository.add_job(new())
    repository.fetch_next_job(TYPES)
    assert repository.update_job(job_id, status=final)
    before = repository.get_job(job_id)
    for status in JobStatus:
        assert not repository.update_job(job_id, status=status)
    assert not repository.update_job(job_id, progress=99)
    assert repository.release("w0") == []
    assert repository.get_job(job_id) == before
    assert [status for _, status, _ in heard.said] == ["queued", "processing", final.value]


def test_every_transition_and_progress_is_told_after_its_commit(engine: Engine) -> None:
    states: list[tuple[str, int]] = []
    repository = SqlJobRepository(engine)

    def on_change(job: Job) -> None:
        kept = repository.get_job(job.job_id)
        assert kept == job
        states.append((job.status.value, job.progress))

    told = SqlJobRepository(engine, on_change=on_change)
    job_id = told.add_job(new())
    told.fetch_next_job(TYPES)
    told.update_job(job_id, progress=40)
    told.update_job(job_id, status=JobStatus.COMPLETED, progress=100, task_output={"md5": "x"})
    assert states == [("queued", 0), ("processing", 0), ("processing", 40), ("completed", 100)]


def test_progress_only_grows_and_only_while_it_runs(engine: Engine) -> None:
    repository = SqlJobRepository(engine)
    job_id = repository.add_job(new())
    assert not repository.update_job(job_id, progress=10)
    repository.fetch_next_job(TYPES)
    assert repository.update_job(job_id, progress=50)
    assert not repository.update_job(job_id, progress=40)
    job = repository.get_job(job_id)
    assert job is not None
    assert job.progress == 50


def test_only_the_worker_that_holds_a_job_can_change_it(engine: Engine) -> None:
    first, second = SqlJobRepository(engine, worker_id="w0"), SqlJobRepository(engine, worker_id="w1")
    job_id = first.add_job(new())
    first.fetch_next_job(TYPES)
    assert not second.update_job(job_id, status=JobStatus.FAILED, error_message="mine")
    assert first.update_job(job_id, status=JobStatus.COMPLETED)


def test_what_a_dead_worker_held_is_queued_again(engine: Engine) -> None:
    heard, queued = Heard(), Heard()
    repository = SqlJobRepository(engine, worker_id="w0", on_change=heard, on_queued=queued)
    job_id = repository.add_job(new())
    repository.fetch_next_job(TYPES)
    repository.update_job(job_id, progress=30)
    other = SqlJobRepository(engine, worker_id="w1")
    other_id = other.add_job(new())
    other.fetch_next_job(TYPES)
    assert [job.job_id for job in repository.release("w0")] == [job_id]
    job = repository.get_job(job_id)
    assert job is not None
    assert (job.status, job.progress, job.started_at) == (JobStatus.QUEUED, 0, None)
    assert heard.said[-1] == (job_id, "queued", 0)
    assert queued.said == [(job_id, "queued", 0)] * 2
    untouched = repository.get_job(other_id)
    assert untouched is not None
    assert untouched.status is JobStatus.PROCESSING
    # Whoever ran it before cannot finish it now.
    assert not repository.update_job(job_id, status=JobStatus.COMPLETED)


def test_a_job_with_which_workers_die_fails_in_the_end(engine: Engine) -> None:
    repository = SqlJobRepository(engine, worker_id="w0")
    job_id = repository.add_job(new())
    for _ in range(MAX_ATTEMPTS):
        assert repository.fetch_next_job(TYPES) is not None
        repository.release("w0")
    job = repository.get_job(job_id)
    assert job is not None
    assert (job.status, job.error_message) == (JobStatus.FAILED, "the worker died 3 times while it ran this job")
    assert job.completed_at is not None
    assert repository.fetch_next_job(TYPES) is None


def test_a_job_that_is_given_back_alive_may_be_tried_as_often_as_before(engine: Engine) -> None:
    repository = SqlJobRepository(engine, worker_id="w0")
    repository.add_job(new())
    for _ in range(MAX_ATTEMPTS * 2):
        assert repository.fetch_next_job(TYPES) is not None
        repository.release("w0", died=False)
    assert repository.fetch_next_job(TYPES) is not None


def test_slots_that_are_no_more_give_their_jobs_back(engine: Engine) -> None:
    for slot in ("w0", "w1", "w2"):
        repository = SqlJobRepository(engine, worker_id=slot)
        repository.add_job(new(job_id=f"of-{slot}"))
        repository.fetch_next_job(TYPES)
    released = SqlJobRepository(engine, worker_id="w0").release_others("w0", "w1")
    assert [job.job_id for job in released] == ["of-w2"]


def test_a_deleted_job_is_gone_for_everybody(engine: Engine) -> None:
    repository = SqlJobRepository(engine)
    job_id = repository.add_job(new())
    assert repository.delete_job(job_id)
    assert not repository.delete_job(job_id)
    assert not repository.update_job(job_id, status=JobStatus.COMPLETED)
    assert repository.fetch_next_job(TYPES) is None
