"""Every change is told, after it happened, by whoever is left to tell it."""

import pytest

from cl_ml_tools.job_queue import Event
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import JobStatus
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import Bench, claimed, new


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
    assert f"job {job_id} is completed, but its event can't be published" in caplog.text
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


def test_what_was_told_is_counted_once_however_often_it_was_told(bench: Bench) -> None:
    queue = bench.queue
    queue.add_job(new())
    queue.add_job(new("exif"))
    queue.complete(claimed(queue), {})
    assert queue.transitions() == {}
    told = [event.seq for event in bench.events if event.seq is not None]
    queue.settle(told[:2])
    assert queue.transitions() == {("hash", JobStatus.QUEUED): 1, ("exif", JobStatus.QUEUED): 1}
    # By its maker, and by another who thought that the maker was dead.
    queue.settle(told)
    queue.settle(told)
    assert queue.transitions() == {
        ("hash", JobStatus.QUEUED): 1,
        ("exif", JobStatus.QUEUED): 1,
        ("hash", JobStatus.PROCESSING): 1,
        ("hash", JobStatus.COMPLETED): 1,
    }
