"""Many files at once, on a real server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from cl_client import (
    ComputeClient,
    InputNotFoundError,
    InvalidParameterError,
    Job,
    JobFailedError,
    WaitTimeoutError,
    as_completed,
)
from cl_server.embedded import LocalStack


@pytest.mark.parametrize("ordered", [True, False])
async def test_every_file_has_its_outcome_and_a_bad_one_stops_none(
    local_client: ComputeClient, photo: Path, tmp_path: Path, ordered: bool
):
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    sources = [photo, text, tmp_path / "missing.jpg", *[photo] * 20]
    outcomes = [
        outcome
        async for outcome in local_client.map(
            local_client.hash.compute, sources, concurrency=4, ordered=ordered, algorithm="phash"
        )
    ]
    if ordered:
        assert [outcome.source for outcome in outcomes] == sources
    errors = {str(outcome.source): outcome.error for outcome in outcomes if outcome.error is not None}
    assert isinstance(errors.pop(str(text)), JobFailedError)
    assert isinstance(errors.pop(str(tmp_path / "missing.jpg")), InputNotFoundError)
    assert errors == {}
    hashes = {outcome.output.phash for outcome in outcomes if outcome.error is None}
    assert (len(hashes), None in hashes) == (1, False)
    with pytest.raises(JobFailedError):
        _ = next(outcome for outcome in outcomes if outcome.source == text).output


async def test_files_are_done_side_by_side_for_whoever_may(anyones_client: ComputeClient):
    outcomes = anyones_client.map(anyones_client.hash.compute, [b"one", b"two"])
    assert len({outcome.output.sha256 async for outcome in outcomes}) == 2


async def test_sources_are_read_only_as_far_as_there_is_room(local_client: ComputeClient):
    read = 0

    def sources() -> Iterator[bytes]:
        nonlocal read
        for read in range(1, 1_000):
            yield str(read).encode()

    outcomes = local_client.map(local_client.hash.compute, sources(), concurrency=3)
    async for outcome in outcomes:
        assert outcome.error is None
        if outcome.source == b"5":
            break
    await outcomes.aclose()
    assert read <= 8
    assert local_client.jobs.watcher.watched == 0


async def test_nothing_at_once_is_refused(local_client: ComputeClient):
    with pytest.raises(InvalidParameterError, match="concurrency"):
        await anext(local_client.map(local_client.hash.compute, [b"x"], concurrency=0))


async def test_jobs_are_given_as_they_end(anyones_client: ComputeClient, tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    jobs = [
        await anyones_client.hash.compute(text, algorithm="dhash"),
        *[await anyones_client.hash.compute(text, algorithm="phash") for _ in range(5)],
    ]
    ended = [job async for job in as_completed(jobs)]
    assert {job.job_id for job in ended} == {job.job_id for job in jobs}
    assert {job.status for job in ended} == {"failed"}


async def test_jobs_that_do_not_end_in_time_are_told():
    with LocalStack(workers=0) as stack:
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            jobs = await asyncio.gather(client.hash.compute(b"1"), client.hash.compute(b"2"))
            with pytest.raises(WaitTimeoutError):
                await anext(as_completed(jobs, timeout=0.1))
            await jobs[1].cancel()
            given = as_completed(jobs, timeout=0.1)
            assert await anext(given) is jobs[1]
            with pytest.raises(WaitTimeoutError):
                await anext(given)


async def test_jobs_that_end_in_one_moment_with_an_error_of_another_are_given_first():
    class FakeJob:
        """One whose end comes with the next step of the loop."""

        def __init__(self, error: Exception | None) -> None:
            self.error = error

        async def wait(self, timeout: float | None) -> "FakeJob":
            if self.error is not None:
                raise self.error
            return self

    jobs = [FakeJob(None if n % 2 else WaitTimeoutError("too late")) for n in range(8)]
    given = as_completed(cast("list[Job[object]]", jobs))
    assert {await anext(given) for _ in range(4)} == set(jobs[1::2])
    with pytest.raises(WaitTimeoutError):
        await anext(given)
