"""Jobs by their id: listed, stopped, done again, looked into."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import (
    ComputeClient,
    ConflictError,
    JobCancelledError,
    JobFailedError,
    JobNotFoundError,
    ResponseError,
    UnsupportedError,
    ValidationError,
)
from cl_server.embedded import LocalStack
from tests.faults.scripted import answer, scripted_server
from tests.media.film import film
from tests.states import job as state


@pytest.fixture
async def idle_client(idle_stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a server that does nothing with its jobs."""
    stack = idle_stack
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


async def test_who_watches_a_job_hears_that_it_was_cancelled(idle_client: ComputeClient):
    ends: list[str] = []
    job = await idle_client.hash.compute(b"x", on_complete=lambda end: ends.append(end.status))
    waiting = asyncio.create_task(job.wait())
    by_id = await idle_client.jobs.get(job.job_id)
    assert (await by_id.cancel()).status == "cancelled"
    with pytest.raises(JobCancelledError):
        await waiting
    assert job.status == "cancelled"
    assert (await idle_client.get_job(job.job_id)).status == "cancelled"
    assert ends == ["cancelled"]
    assert (await job.cancel()).status == "cancelled"


async def test_a_job_that_runs_is_stopped_on_the_server(local_client: ComputeClient):
    client, running = local_client, asyncio.Event()
    # Seconds of work, so that it is far from its end when it is heard of, on a busy machine too.
    job = await client.hls_streaming.generate_manifest(
        film(5, (1280, 720)),
        variants=[{"resolution": "1280x720", "bitrate": 5_000_000}] * 8,
        on_progress=lambda now: running.set() if now.status == "processing" else None,
    )
    await running.wait()
    await job.cancel()
    with pytest.raises(JobCancelledError):
        await job.wait(30)
    assert (await client.get_job(job.job_id)).status == "cancelled"


async def test_a_job_that_has_ended_cannot_be_cancelled(anyones_client: ComputeClient):
    job = await anyones_client.hash.compute(b"x", wait=True)
    with pytest.raises(ConflictError, match="completed already"):
        await job.cancel()
    with pytest.raises(ConflictError, match="neither failed nor was cancelled"):
        await job.retry()


async def test_a_cancelled_job_is_done_again_as_a_new_one(idle_client: ComputeClient):
    job = await idle_client.hash.compute(b"x", algorithm="md5")
    await job.cancel()
    again = await job.retry()
    assert again.job_id != job.job_id
    assert (again.status, again.task_type) == ("queued", "hash")
    assert (await again.refresh()).params["algorithm"] == "md5"
    assert (await idle_client.jobs.retry(job.job_id)).job_id not in {job.job_id, again.job_id}


async def test_a_failed_job_is_listed_and_done_again(anyones_client: ComputeClient):
    job = await anyones_client.hash.compute(b"no image", algorithm="phash")
    again = job
    for _ in range(2):
        with pytest.raises(JobFailedError):
            await again.wait()
        again = await job.retry()
    failed = [each.job_id async for each in anyones_client.jobs.list(status="failed", task_type=job.task_type)]
    assert job.job_id in failed
    assert again.job_id != job.job_id


async def test_the_files_of_a_job_are_told_with_their_sums(anyones_client: ComputeClient, photo: Path):
    job = await anyones_client.media_thumbnail.generate(photo, width=20, wait=True)
    files = {file.path: file for file in await job.files()}
    sent = next(file for path, file in files.items() if path.startswith("input/"))
    made = files[job.output.thumbnail_path]
    assert sent.sha256 == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (made.media_type, made.size > 0) == ("image/jpeg", True)


async def test_jobs_are_listed_over_all_pages(idle_client: ComputeClient, photo: Path):
    assert idle_client.contract.jobs is not None
    few = evolve(idle_client.contract, jobs=evolve(idle_client.contract.jobs, most=2))
    made = [(await idle_client.exif.extract(photo)).job_id for _ in range(5)]
    await (await idle_client.jobs.get(made[0])).cancel()
    # The server is shared: older jobs may follow.
    paging = type("Paging", (type(idle_client),), {"contract": few})
    async with paging(idle_client.base_url) as client:
        listed = [job async for job in client.jobs.list(task_type="exif")]
    assert [job.job_id for job in listed][:5] == made[::-1]
    assert {job.task_type for job in listed} == {"exif"}
    cancelled = [job.job_id async for job in idle_client.jobs.list(task_type="exif", status="cancelled")]
    assert [job_id for job_id in cancelled if job_id in made] == made[:1]
    with pytest.raises(ValidationError):
        await anext(idle_client.jobs.list(status="tired"))


@pytest.mark.parametrize("method", ["cancel", "retry", "files"])
async def test_a_job_that_is_not_there_is_told_as_such(idle_client: ComputeClient, method: str):
    with pytest.raises(JobNotFoundError) as missing:
        await getattr(idle_client.jobs, method)("nobody")
    assert missing.value.job_id == "nobody"


@pytest.mark.parametrize("refusal", [404, 405])
@pytest.mark.parametrize("method", ["cancel", "retry", "files"])
async def test_an_older_server_is_told_from_a_missing_job(method: str, refusal: int):
    there = answer(200, json.dumps(state().to_dict()).encode())
    async with scripted_server(answer(refusal), there) as server, ComputeClient(server.url) as client:
        with pytest.raises(UnsupportedError, match=f"no such route .HTTP {refusal}"):
            await getattr(client.jobs, method)("a")


async def test_an_older_server_cannot_list_jobs():
    async with scripted_server(answer(404)) as server, ComputeClient(server.url) as client:
        with pytest.raises(UnsupportedError, match="cannot list jobs"):
            await anext(client.jobs.list())


async def test_a_list_of_something_else_is_a_typed_error():
    broken = answer(200, json.dumps({"jobs": [{**state().to_dict(), "progress": "half"}]}).encode())
    async with scripted_server(broken) as server, ComputeClient(server.url) as client:
        with pytest.raises(ResponseError, match="not what its spec promises"):
            await anext(client.jobs.list())
