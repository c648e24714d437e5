"""A worker whose storage fails."""

import asyncio
from pathlib import Path

import pytest

from cl_ml_tools.compute_module import ProgressCallback, TaskResult
from cl_ml_tools.job_queue import MAX_ATTEMPTS, Claim
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job, JobStatus
from cl_ml_tools.worker import Worker
from cl_server.files.local import LocalFileStorage, LocalWorkspace
from cl_server.files.protocol import StorageUnavailableError
from cl_server.messaging.worker_announcement import Presence
from cl_server.workers.attempt import Attempt
from cl_server.workers.heartbeat import Heart
from cl_server.workers.shift import Shift


class FakeWorker(Worker):
    """Does nothing, well."""

    def __init__(self, queue: MemoryJobRepository) -> None:
        super().__init__(queue, {})

    async def attempt(self, job: Job, progress: ProgressCallback) -> TaskResult:
        await asyncio.sleep(0)
        return {"status": "ok", "task_output": {}}


class Scene:
    """A worker on a queue in memory, with one job."""

    def __init__(self, folder: Path) -> None:
        self.queue = MemoryJobRepository()
        self.storage = LocalFileStorage(folder)
        self.storage.create_job_directory("one")
        self.queue.add_job(Job(job_id="one", task_type="hash"))
        self.heart = Heart(self.queue, lambda claim, beat: None)
        presence = Presence(None, "w0", ["hash"])
        self.shift = Shift(FakeWorker(self.queue), self.queue, self.storage, presence, "w0", task_timeout=60)

    def claim(self) -> Claim:
        claim = self.queue.claim("w0", ["hash"])
        assert claim is not None
        return claim

    def attempt(self, claim: Claim) -> Attempt:
        return Attempt(claim, self.queue, self.storage, self.heart)

    def status(self, job_id: str) -> JobStatus:
        job = self.queue.get_job(job_id)
        assert job is not None
        return job.status


@pytest.mark.parametrize("step", ["begin_attempt", "hand_in", "publish"])
async def test_a_storage_that_is_away_at_any_step_queues_the_job_again(tmp_path: Path, step: str) -> None:
    scene = Scene(tmp_path)
    scene.storage = Away(tmp_path, step)
    assert (await scene.shift._finish([scene.attempt(scene.claim())]))[0]
    assert scene.status("one") is JobStatus.QUEUED
    assert scene.storage.find("one", "output/result") is None
    assert not list((tmp_path / "jobs" / "one").glob(".attempt*"))


@pytest.mark.parametrize("step", ["begin_attempt", "hand_in", "publish"])
async def test_an_outage_of_the_storage_is_nobodys_attempt(tmp_path: Path, step: str) -> None:
    scene = Scene(tmp_path)
    scene.storage = Away(tmp_path, step, for_all=True)
    for _ in range(MAX_ATTEMPTS + 2):
        claim = scene.claim()
        attempt = scene.attempt(claim)
        assert (await scene.shift._finish([attempt]))[0]
        assert (attempt.storage_away, claim.attempt) == (True, 1)
    assert scene.status("one") is JobStatus.QUEUED


async def test_no_job_is_taken_while_the_storage_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.workers.shift.STORAGE_PAUSE", 0.01)
    scene = Scene(tmp_path)
    scene.storage = Away(tmp_path, "begin_attempt", for_all=True)
    scene.shift = Shift(
        FakeWorker(scene.queue), scene.queue, scene.storage, Presence(None, "w0", []), "w0", task_timeout=60
    )
    waiting = asyncio.create_task(scene.shift._await_storage())
    while scene.storage.checks < 3:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    scene.storage.for_all = False
    await asyncio.wait_for(waiting, 30)


class Away(LocalFileStorage):
    """Fails at one step, and with `for_all` when it is asked whether it is there."""

    def __init__(self, folder: Path, step: str, *, for_all: bool = False) -> None:
        super().__init__(folder)
        self.step = step
        self.for_all = for_all
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if self.for_all:
            self.fail()

    def begin_attempt(self, job_id: str, token: int) -> LocalWorkspace:
        if self.step == "begin_attempt":
            self.fail()
        workspace = super().begin_attempt(job_id, token)
        (workspace.outputs / "result").touch()
        setattr(workspace, self.step, self.fail)
        return workspace

    def fail(self) -> None:
        raise StorageUnavailableError("the file storage does not answer")
