"""A worker's shift, with a queue in memory."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback
from cl_ml_tools.job_queue import LEASE, Beat, Claim, Done, JobQuery, Wanted
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import BaseJobParams, Job, JobStatus
from cl_ml_tools.worker import Worker
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.doorbell import Doorbell, Ringer
from cl_server.messaging.worker_announcement import Presence
from cl_server.workers import shift as worker_shift
from cl_server.workers.memory import resident
from cl_server.workers.shift import Shift


class LookedAtTooLate(MemoryJobRepository):
    """The heart looks at each job when it has completed, and before the worker has let go of it."""

    def __init__(self) -> None:
        super().__init__()
        self.completed = threading.Event()
        self.looked = threading.Event()
        self.all_done = asyncio.Event()

    def exchange_many(self, worker_id: str, done: Sequence[Done], wanted: Wanted) -> tuple[list[bool], list[Claim]]:
        ended = super().exchange_many(worker_id, done, wanted)
        self.completed.set()
        assert self.looked.wait(30)
        if all(job.status.terminal for job in self.list_jobs(JobQuery()).jobs):
            self.all_done.set()
        return ended

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        assert self.completed.wait(30)
        beats = super().beats(claims, lease)
        self.looked.set()
        return beats


async def test_what_is_heard_of_one_job_does_not_end_the_next(tmp_path: Path) -> None:
    """A job was dropped, and done only when its lease was over, half a minute later."""
    queue, ringer = LookedAtTooLate(), Ringer(tmp_path / "workers")
    storage, worker = LocalFileStorage(tmp_path), Worker(queue)
    for job_id in ("one", "two"):
        storage.create_job_directory(job_id)
        source = storage.get_input_path(job_id) / "source"
        source.write_bytes(b"something")
        queue.add_job(Job(job_id=job_id, task_type="hash", params={"input_paths": [str(source)]}))
    with Doorbell(tmp_path / "workers", "w0") as bell:
        ringer.ring()
        shift = Shift(worker, queue, storage, Presence(None, "w0", ["hash"]), "w0", task_timeout=60)
        working = asyncio.create_task(shift.work(bell))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(queue.all_done.wait(), 30)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    ringer.close()
    assert queue.looked.is_set()
    assert [job.status for job in queue.list_jobs(JobQuery()).jobs] == [JobStatus.COMPLETED] * 2


class Kept(BaseModel):
    """Of how many jobs."""

    jobs: int


class LeakingTask(BlockingModule[BaseJobParams]):
    """Keeps 16 MiB of each job."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    @property
    def task_type(self) -> str:
        return "leak"

    def get_schema(self) -> type[BaseJobParams]:
        return BaseJobParams

    def process(self, params: BaseJobParams, progress: ProgressCallback) -> BaseModel:
        del params, progress
        self.kept.append(b"x" * (16 << 20))
        return Kept(jobs=len(self.kept))


async def test_a_worker_that_a_task_made_too_large_ends_between_two_jobs(tmp_path: Path) -> None:
    queue, storage, leak = MemoryJobRepository(), LocalFileStorage(tmp_path), LeakingTask()
    for number in range(20):
        storage.create_job_directory(f"job{number}")
        queue.add_job(Job(job_id=f"job{number}", task_type="leak", params={"input_paths": [], "output_paths": []}))
    limit = resident() + (40 << 20)
    worker, presence = Worker(queue, {"leak": leak}), Presence(None, "w0", ["leak"])
    shift = Shift(worker, queue, storage, presence, "w0", task_timeout=60, memory=limit)
    with Doorbell(tmp_path / "workers", "w0") as bell:
        assert await asyncio.wait_for(shift.work(bell), 60)
    assert resident() > limit
    done = [job for job in queue.list_jobs(JobQuery()).jobs if job.status is JobStatus.COMPLETED]
    assert 0 < len(done) == len(leak.kept) < 20
    # What is left is for the next worker: nothing was begun that did not end.
    assert {job.status for job in queue.list_jobs(JobQuery()).jobs} == {JobStatus.COMPLETED, JobStatus.QUEUED}


class Ended(BaseModel):
    """That it did."""

    ended: bool = True


class HeldTask(BlockingModule[BaseJobParams]):
    """Runs until the test lets it end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    @property
    def task_type(self) -> str:
        return "held"

    def get_schema(self) -> type[BaseJobParams]:
        return BaseJobParams

    def process(self, params: BaseJobParams, progress: ProgressCallback) -> BaseModel:
        del params, progress
        self.begun.set()
        assert self.may_end.wait(60)
        return Ended()


class SignalledShift(Shift):
    """A shift that says when it has heard a signal."""

    heard: asyncio.Event

    def _signal(self) -> None:
        super()._signal()
        self.heard.set()


async def test_a_worker_finishes_its_job_before_it_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # How long a job may take then is another matter: nothing here depends on how fast the machine is.
    monkeypatch.setattr(worker_shift, "GRACE", 600.0)
    queue, storage, held = MemoryJobRepository(), LocalFileStorage(tmp_path), HeldTask()
    for job_id in ("first", "second"):
        storage.create_job_directory(job_id)
        queue.add_job(Job(job_id=job_id, task_type="held", params={"input_paths": [], "output_paths": []}))
    worker, presence = Worker(queue, {"held": held}), Presence(None, "w0", ["held"])
    shift = SignalledShift(worker, queue, storage, presence, "w0", task_timeout=600)
    shift.heard = asyncio.Event()
    with Doorbell(tmp_path / "workers", "w0") as bell:
        working = asyncio.create_task(shift.work(bell))
        assert await asyncio.to_thread(held.begun.wait, 60)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(shift.heard.wait(), 60)
        assert not working.done()
        held.may_end.set()
        assert await asyncio.wait_for(working, 60)
    status = {job.job_id: job.status for job in queue.list_jobs(JobQuery()).jobs}
    assert sorted(status.values()) == [JobStatus.COMPLETED, JobStatus.QUEUED]


class OneHeldTask(HeldTask):
    """Ends at once, except for one of its jobs."""

    def __init__(self, held: int) -> None:
        super().__init__()
        self.held, self.count = held, 0

    def process(self, params: BaseJobParams, progress: ProgressCallback) -> BaseModel:
        self.count += 1
        return super().process(params, progress) if self.count == self.held else Ended()


class Together:
    """A worker that takes three short jobs at once, of which one turns out long."""

    def __init__(self, folder: Path, held: int) -> None:
        self.bells = folder / "workers"
        self.ringer = Ringer(self.bells)
        self.queue, self.task = MemoryJobRepository(on_wake=self.ringer.ring), OneHeldTask(held)
        storage = LocalFileStorage(folder)
        for name in ("one", "two", "three"):
            storage.create_job_directory(name)
            self.queue.add_job(Job(job_id=name, task_type="held", params={"input_paths": [], "output_paths": []}))
        worker, presence = Worker(self.queue, {"held": self.task}), Presence(None, "w0", ["held"])
        self.shift = Shift(worker, self.queue, storage, presence, "w0", task_timeout=600)
        self.shift._pace.note("held", 3, 0.003)

    def states(self) -> dict[str, str]:
        return {job.job_id: job.status.value for job in self.queue.list_jobs(JobQuery()).jobs}

    async def become(self, **states: str) -> None:
        async with asyncio.timeout(60):
            while self.states() != states:
                await asyncio.sleep(0.005)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        with Doorbell(self.bells, "w0") as bell:
            working = asyncio.create_task(self.shift.work(bell))
            assert await asyncio.to_thread(self.task.begun.wait, 60)
            yield
            self.task.may_end.set()
            ends = {name: "cancelled" if state == "cancelled" else "completed" for name, state in self.states().items()}
            await self.become(**ends)
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
        self.ringer.close()


async def test_a_job_that_takes_long_holds_up_none_that_was_taken_with_it(tmp_path: Path) -> None:
    together = Together(tmp_path, held=2)
    async with together.working():
        await together.become(one="completed", two="processing", three="queued")


async def test_a_job_that_was_taken_and_has_not_begun_is_cancelled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_shift, "LATE", 600.0)
    together = Together(tmp_path, held=1)
    async with together.working():
        assert together.states() == {"one": "processing", "two": "processing", "three": "processing"}
        together.queue.cancel("two")
        await together.become(one="processing", two="cancelled", three="queued")
