import logging

import pytest

from cl_ml_tools.compute_module import ComputeModule, ProgressCallback, TaskResult
from cl_ml_tools.schemas import BaseJobParams, Job, JobStatus
from cl_ml_tools.worker import Worker
from tests.installed import ALWAYS


class Memory:
    """A repository that keeps one job."""

    def __init__(self, job: Job | None) -> None:
        self.job = job
        self.changes: list[dict[str, object]] = []
        self.keeps = True

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        raise NotImplementedError

    def get_job(self, job_id: str) -> Job | None:
        return self.job

    def update_job(self, job_id: str, **changes: object) -> bool:
        self.changes.append(changes)
        return self.keeps

    def fetch_next_job(self, task_types: object) -> Job | None:
        assert task_types == ["count"] or task_types == []
        job, self.job = self.job, None
        return job if task_types else None

    def delete_job(self, job_id: str) -> bool:
        raise NotImplementedError


class CountParams(BaseJobParams):
    to: int = 3


class Count(ComputeModule[CountParams]):
    """Counts, or does what it was made to do instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @property
    def task_type(self) -> str:
        return "count"

    def get_schema(self) -> type[CountParams]:
        return CountParams

    def setup(self) -> None:
        if self.error is not None:
            raise self.error

    async def execute(
        self, job: Job, params: CountParams, progress_callback: ProgressCallback | None = None
    ) -> TaskResult:
        assert progress_callback is not None
        for percent in (30, 30, 20, 60, 100):
            progress_callback(percent)
        if self.error is not None:
            raise self.error
        return {"status": "ok", "task_output": {"counted": params.to}}


def worker(memory: Memory, error: Exception | None = None) -> Worker:
    return Worker(memory, {"count": Count(error)})  # pyright: ignore[reportArgumentType]


async def test_a_job_is_run_to_its_output() -> None:
    memory = Memory(Job(job_id="one", task_type="count", params={"to": 5}))
    one = worker(memory)
    assert one.get_supported_task_types() == ["count"]
    assert await one.run_once()
    assert memory.changes == [
        {"progress": 30},
        {"progress": 60},
        {"status": JobStatus.COMPLETED, "progress": 100, "task_output": {"counted": 5}},
    ]
    assert not await one.run_once()


async def test_only_what_it_can_is_asked_for() -> None:
    assert not await worker(Memory(Job(job_id="one", task_type="alchemy"))).run_once(["alchemy"])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/secret/path"), "count failed: No space left on device"),
        (RuntimeError("/secret/path"), "count failed on the server (RuntimeError); see the log of the worker"),
    ],
)
async def test_an_error_is_one_line_without_paths(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory(Job(job_id="one", task_type="count"))
    with caplog.at_level(logging.CRITICAL):
        await worker(memory, error).run_once()
    assert memory.changes[-1] == {"status": JobStatus.FAILED, "error_message": said}


async def test_a_job_whose_progress_cannot_be_told_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Locked(Memory):
        def update_job(self, job_id: str, **changes: object) -> bool:
            if "status" not in changes:
                raise RuntimeError("the database is locked")
            return super().update_job(job_id, **changes)

    memory = Locked(Job(job_id="one", task_type="count"))
    assert await worker(memory).run_once()
    assert [change["status"] for change in memory.changes] == [JobStatus.COMPLETED]
    assert "job one: its progress can't be reported" in caplog.text


async def test_parameters_that_do_not_fit_the_schema_fail_by_name() -> None:
    memory = Memory(Job(job_id="one", task_type="count", params={"to": "many"}))
    await worker(memory).run_once()
    said = "count: to: Input should be a valid integer, unable to parse string as an integer"
    assert memory.changes == [{"status": JobStatus.FAILED, "error_message": said}]


async def test_a_job_that_vanished_is_dropped_quietly() -> None:
    memory = Memory(Job(job_id="one", task_type="count"))
    memory.keeps = False
    assert await worker(memory).run_once()


def test_a_plugin_that_cannot_be_set_up_is_not_offered() -> None:
    one = worker(Memory(None), RuntimeError("no model file"))
    one.setup()
    assert one.get_supported_task_types() == []


def test_the_installed_plugins_are_found() -> None:
    one = Worker(Memory(None))  # pyright: ignore[reportArgumentType]
    one.setup()
    assert one.get_supported_task_types() == ALWAYS
