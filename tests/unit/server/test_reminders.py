"""Clients of other kinds listen to a job when they have asked for it: its end may have been told before that."""

import queue
from pathlib import Path

import httpx
import pytest

from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.messaging import reminders
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.reminders import Reminders
from cl_server.queue.guest_mode import GuestMode

PATIENCE = 10


def ended(repository: MemoryJobRepository, job_id: str) -> Job:
    repository.add_job(Job(job_id=job_id, task_type="hash"))
    assert repository.fetch_next_job(["hash"]) is not None
    repository.update_job(job_id, status=JobStatus.COMPLETED, task_output={})
    job = repository.get_job(job_id)
    assert job is not None
    return job


def test_an_end_is_told_again_to_who_asked_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "DELAY", 0.0)
    told: queue.Queue[Job] = queue.Queue()
    repository = MemoryJobRepository()
    reminding = Reminders(repository, told.put)
    running = Job(job_id="running", task_type="other")
    repository.add_job(running)
    reminding.asked(running)
    reminding.asked(Job(job_id="gone", task_type="hash", created_at=running.created_at))
    reminding.asked(ended(repository, "old").model_copy(update={"created_at": 1}))
    reminding.asked(ended(repository, "quick"))
    assert told.get(timeout=PATIENCE).job_id == "quick"
    assert told.empty()


async def test_our_client_listens_before_it_submits_and_needs_no_reminder(tmp_path: Path) -> None:
    repository, asked = MemoryJobRepository(), list[str]()
    ended(repository, "one")
    app = create_app(
        repository,
        LocalFileStorage(tmp_path),
        Capabilities(),
        GuestMode(tmp_path / "guest-mode"),
        on_asked=lambda job: asked.append(job.job_id),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        for agent in ("cl-client/0.1.0", "python-httpx/0.28.1"):
            assert (await client.get("/jobs/one", headers={"User-Agent": agent})).status_code == 200
    assert asked == ["one"]
