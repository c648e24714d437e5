"""The main job: a file goes to the server, is watched, and its result is on disk."""

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from cl_client import ComputeClient, JobFailedError, JobNotFoundError, ValidationError
from cl_client.jobs.collection import JobResponse
from cl_client.runtime.plugin import FileInput
from tests.media.photo import corner_colours


@pytest.fixture
def client(every_client: ComputeClient) -> ComputeClient:
    """The main job is done for everybody."""
    return every_client


async def test_a_thumbnail_is_made_watched_and_fetched(client: ComputeClient, photo: Path, tmp_path: Path):
    seen: list[int] = []
    job = await client.media_thumbnail.generate(
        photo, width=60, height=60, wait=True, on_progress=lambda state: seen.append(state.progress)
    )
    assert (job.status, job.output.width, job.output.height) == ("completed", 60, 40)
    assert seen[-1] == 100
    saved = await job.download(tmp_path / "thumbnail.jpg")
    with Image.open(saved) as picture:
        assert picture.size == (60, 40)
        assert corner_colours(picture) == ["red", "lime", "blue", "white"]


async def test_a_conversion_is_typed_to_its_output(client: ComputeClient, photo: Path, tmp_path: Path):
    job = await client.image_conversion.convert(photo, output_format="webp", quality=80, wait=True)
    assert job.output.output_path.endswith(".webp")
    assert job.artifact == job.output.output_path
    saved = await client.download_job_file(job.job_id, job.output.output_path, tmp_path)
    with Image.open(saved) as picture:
        assert (picture.format, picture.size) == ("WEBP", (job.output.width, job.output.height))


async def test_both_callbacks_hear_a_job_that_nobody_waits_for(client: ComputeClient, photo: Path):
    ended: asyncio.Future[JobResponse] = asyncio.get_running_loop().create_future()
    words: list[str] = []

    async def on_complete(state: JobResponse) -> None:
        ended.set_result(state)

    job = await client.hash.compute(
        photo, on_progress=lambda state: words.append(state.status), on_complete=on_complete
    )
    state = await ended
    assert state.job_id == job.job_id
    assert state.task_output is not None
    assert "phash" in state.task_output
    assert words[-1] == "completed"
    assert job.done()
    assert job.output.sha256 == state.task_output["sha256"]


async def test_many_jobs_side_by_side_each_have_their_own_output(client: ComputeClient):
    jobs = await asyncio.gather(*(client.hash.compute(str(n).encode() * 100, wait=True) for n in range(30)))
    assert len({job.output.sha256 for job in jobs}) == 30


async def test_every_watcher_hears_one_failure_with_its_reason(client: ComputeClient, tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("this is no image")
    heard: list[JobResponse] = []
    done = asyncio.Event()

    def on_complete(state: JobResponse) -> None:
        heard.append(state)
        done.set()

    job = await client.hash.compute(text, algorithm="phash", on_complete=on_complete)
    events = [state.status async for state in job.events()]
    with pytest.raises(JobFailedError, match="not an image") as failed:
        await job.wait()
    await done.wait()
    assert events[-1] == "failed"
    assert events.count("failed") == 1
    assert [state.status for state in heard] == ["failed"]
    assert failed.value.job_id == job.job_id
    with pytest.raises(JobFailedError):
        _ = job.output


async def test_a_job_is_found_again_by_its_id(client: ComputeClient, photo: Path):
    job = await client.hash.compute(photo)
    state = await client.wait_for_job(job.job_id, timeout=30)
    again = await client.jobs.get(job.job_id)
    assert state.status == again.status == "completed"
    assert again.output == state.task_output
    assert (again.task_type, again.created_at) == ("hash", state.created_at)


async def test_a_job_can_be_followed_by_polling_alone(client: ComputeClient, photo: Path):
    job = await client.hash.compute(photo)
    assert (await client.wait_for_job(job.job_id, poll_interval=0.01, timeout=30)).status == "completed"


async def test_a_subscription_ends_with_unsubscribe(client: ComputeClient, photo: Path):
    job = await client.hash.compute(photo)
    done = asyncio.Event()
    kept = client.subscribe_job_updates(job.job_id, on_complete=lambda _: done.set())
    dropped = client.subscribe_job_updates(job.job_id, on_complete=lambda _: pytest.fail("it was dropped"))
    client.unsubscribe(dropped)
    await done.wait()
    client.unsubscribe(kept)


async def test_a_deleted_job_is_gone(client: ComputeClient, photo: Path):
    job = await client.hash.compute(photo, wait=True)
    await job.delete()
    with pytest.raises(JobNotFoundError) as gone:
        await client.get_job(job.job_id)
    assert (gone.value.status, gone.value.job_id) == (404, job.job_id)
    assert gone.value.request_id
    with pytest.raises(JobNotFoundError):
        await client.delete_job(job.job_id)
    with pytest.raises(JobNotFoundError):
        await client.wait_for_job(job.job_id)


async def test_what_the_client_does_not_check_the_server_does(client: ComputeClient, photo: Path):
    with pytest.raises(ValidationError, match="quality") as refused:
        await client.image_conversion.submit_with_files({"file": photo}, {"format": "png", "quality": 0})
    assert refused.value.status == 422


async def test_parameters_that_the_client_does_not_know_go_through_beneath(client: ComputeClient, photo: Path):
    job = await client.media_thumbnail.submit_with_files(
        {"file": photo}, {"width": 30, "maintain_aspect_ratio": False, "height": None}, priority=9, wait=True
    )
    assert job.output["width"] == 30
    assert job.priority == 9


@pytest.mark.parametrize("as_input", [str, Path, Path.read_bytes, lambda path: path.open("rb")])
async def test_a_file_is_taken_in_every_form(client: ComputeClient, photo: Path, as_input: type):
    source: FileInput = as_input(photo)
    try:
        job = await client.hash.compute(source, wait=True)
        assert job.output.phash is not None
    finally:
        if not isinstance(source, (str, bytes, Path)):
            source.close()  # type: ignore[union-attr]


async def test_the_upload_tells_how_far_it_is(client: ComputeClient):
    heard: list[tuple[int, int]] = []
    await client.hash.compute(bytes(3_000_000), on_upload=lambda sent, total: heard.append((sent, total)))
    assert heard[-1] == (3_000_000, 3_000_000)
    assert [sent for sent, _ in heard] == sorted(sent for sent, _ in heard)


async def test_workers_say_what_they_can_do(local_client: ComputeClient):
    assert await local_client.wait_for_workers(["hash", "image_conversion", "media_thumbnail"])
    assert (await local_client.get_capabilities()).num_workers == 2


async def test_a_server_of_ones_own_comes_and_goes():
    async with ComputeClient.embedded() as client:
        job = await client.hash.compute(b"some bytes", wait=True)
        assert job.output.md5 is not None


async def test_a_server_of_ones_own_has_its_own_broker(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MQTT_URL", "mqtts://ada:guess@elsewhere.example")
    async with ComputeClient.embedded() as client:
        heard = asyncio.Event()
        client.workers.subscribe(lambda *_: heard.set())
        await asyncio.wait_for(heard.wait(), 30)
