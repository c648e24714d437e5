"""The main calls in the shape that people know from earlier clients of this family: their code runs as it is.

One server takes guests and users; the environment says where it is, so that no example holds an address.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cl_client import (
    AuthClient,
    ComputeClient,
    JobFailedError,
    JobNotFoundError,
    JobResponse,
    MQTTJobMonitor,
    SessionManager,
    UserCreateRequest,
)
from cl_client.http.auth import JWTAuthProvider, NoAuthProvider
from cl_server.embedded import LocalStack
from tests.accounts import JOBS
from tests.media.film import film
from tests.media.photo import corners, encoded


@pytest.fixture(scope="module")
def admin_password(server: LocalStack) -> str:
    assert server.admin_password is not None
    return server.admin_password


@pytest.fixture(autouse=True)
def environment(server: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(corners(640, 480), orientation=6))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(film(1))
    return path


async def test_a_submit_with_two_callbacks_and_a_download(image: Path, tmp_path: Path):
    progress: list[int] = []
    finished = asyncio.Event()
    ended: list[JobResponse] = []

    def on_progress(job: JobResponse) -> None:
        progress.append(job.progress)

    def on_complete(job: JobResponse) -> None:
        ended.append(job)
        finished.set()

    async with ComputeClient() as client:
        await client.wait_for_workers(required_capabilities=["clip_embedding"], timeout=30.0)
        job = await client.clip_embedding.embed_image(image=image, on_progress=on_progress, on_complete=on_complete)
        await asyncio.wait_for(finished.wait(), timeout=30.0)
        await client.download_job_file(job.job_id, "output/clip_embedding.npy", tmp_path / "embedding.npy")
        await client.delete_job(job.job_id)
        with pytest.raises(JobNotFoundError):
            await client.get_job(job.job_id)
    [end] = ended
    assert (end.status, progress[-1]) == ("completed", 100)
    assert progress == sorted(progress)
    assert end.task_output is not None
    assert "embedding" in end.task_output
    assert (tmp_path / "embedding.npy").read_bytes().startswith(b"\x93NUMPY")


async def test_polling_in_place_of_callbacks(image: Path):
    async with ComputeClient(auth_provider=NoAuthProvider()) as client:
        waited = await client.clip_embedding.embed_image(image=image, wait=True, timeout=30.0)
        assert waited.status == "completed"
        assert waited.task_output is not None
        vector = waited.task_output["embedding"]
        assert isinstance(vector, list)
        assert len(vector) == 512

        submitted = await client.hash.compute(image=image)
        polled = await client.wait_for_job(submitted.job_id, poll_interval=0.05, timeout=30.0)
        assert polled.status == "completed"

        job = await client.get_job((await client.exif.extract(image=image)).job_id)
        while job.status not in ["completed", "failed"]:
            await asyncio.sleep(0.02)
            job = await client.get_job(job.job_id)
        assert job.status == "completed"


async def test_a_job_that_fails_tells_on_complete_too(tmp_path: Path):
    notes = tmp_path / "notes.txt"
    notes.write_text("no image")
    ended: asyncio.Future[JobResponse] = asyncio.get_running_loop().create_future()
    async with ComputeClient() as client:
        await client.hash.compute(image=notes, algorithm="phash", on_complete=ended.set_result)
        assert (await asyncio.wait_for(ended, timeout=30.0)).status == "failed"
        with pytest.raises(JobFailedError, match=r"notes\.txt"):
            await client.hash.compute(image=notes, algorithm="phash", wait=True)


async def test_subscriptions_by_id_on_the_client_and_on_a_monitor(image: Path):
    heard: list[str] = []
    first, second = asyncio.Event(), asyncio.Event()
    async with ComputeClient() as client, MQTTJobMonitor() as monitor:
        assert await monitor.wait_for_capability("hash", timeout=30.0)
        assert any("hash" in worker.capabilities for worker in monitor.get_worker_capabilities().values())
        job = await client.hash.compute(image=image)
        ids = [
            client.subscribe_job_updates(job_id=job.job_id, on_complete=lambda _: first.set()),
            monitor.subscribe_job_updates(job_id=job.job_id, on_complete=lambda _: second.set()),
        ]
        dropped = client.subscribe_job_updates(job_id=job.job_id, on_complete=lambda _: heard.append("dropped"))
        client.unsubscribe(dropped)
        await asyncio.wait_for(asyncio.gather(first.wait(), second.wait()), timeout=30.0)
        client.unsubscribe(ids[0])
        monitor.unsubscribe(ids[1])
    assert len({*ids, dropped}) == 3
    assert heard == []


async def test_four_jobs_on_one_image_side_by_side(image: Path, tmp_path: Path):
    completed: dict[str, JobResponse] = {}
    events = {name: asyncio.Event() for name in ("exif", "thumbnail", "clip", "hash")}

    def make_on_complete(name: str) -> Callable[[JobResponse], None]:
        def on_complete(job: JobResponse) -> None:
            if job.status in ["completed", "failed"]:
                completed[name] = job
                events[name].set()

        return on_complete

    async with ComputeClient() as client:
        exif_job = await client.exif.extract(image=image, on_complete=make_on_complete("exif"))
        thumb_job = await client.media_thumbnail.generate(
            media=image, width=256, height=256, on_complete=make_on_complete("thumbnail")
        )
        clip_job = await client.clip_embedding.embed_image(image=image, on_complete=make_on_complete("clip"))
        hash_job = await client.hash.compute(image=image, on_complete=make_on_complete("hash"))
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in events.values())), timeout=60.0)

        assert {name: job.status for name, job in completed.items()} == dict.fromkeys(events, "completed")
        outputs = {name: job.task_output or {} for name, job in completed.items()}
        assert "metadata" in outputs["exif"]
        assert "phash" in outputs["hash"]
        assert outputs["clip"]["embedding_dim"] == 512
        path = outputs["thumbnail"]["thumbnail_path"]
        assert isinstance(path, str)
        saved = await client.download_job_file(thumb_job.job_id, path, tmp_path / "thumbnail.jpg")
        assert saved.read_bytes().startswith(b"\xff\xd8")
        for job in (exif_job, thumb_job, clip_job, hash_job):
            await client.delete_job(job.job_id)


async def test_a_stream_and_a_thumbnail_of_one_video(video: Path, tmp_path: Path):
    async with ComputeClient() as client:
        hls_job, thumb_job = await asyncio.gather(
            client.hls_streaming.generate_manifest(
                video=video, variants=[{"resolution": "120p", "bitrate": 200_000}], wait=True, timeout=60.0
            ),
            client.media_thumbnail.generate(media=video, width=64, height=64, wait=True, timeout=60.0),
        )
        assert hls_job.task_output is not None
        assert thumb_job.task_output is not None
        playlist = hls_job.task_output["master_playlist"]
        assert isinstance(playlist, str)
        saved = await client.download_job_file(hls_job.job_id, playlist, tmp_path / "master.m3u8")
        assert saved.read_text().startswith("#EXTM3U")
        assert thumb_job.task_output["media_type"] == "video"


async def test_a_session_makes_clients_that_are_logged_in(image: Path, admin_password: str):
    async with SessionManager() as session:
        assert not session.is_authenticated()
        token = await session.login("admin", admin_password)
        assert session.is_authenticated()
        assert await session.get_valid_token() == session.get_token() == token.access_token
        user = await session.get_current_user()
        assert user is not None
        assert user.username == "admin"
        client = session.create_compute_client()
        job = await client.clip_embedding.embed_image(image=image, wait=True)
        async with ComputeClient() as guest:
            with pytest.raises(JobNotFoundError):
                await guest.get_job(job.job_id)
        async with ComputeClient(auth_provider=JWTAuthProvider(token=session.get_token())) as same:
            assert (await same.get_job(job.job_id)).status == "completed"
        await session.logout()
        assert not session.is_authenticated()


async def test_an_admin_makes_a_user_who_makes_a_job(image: Path, admin_password: str):
    async with AuthClient() as auth:
        admin = (await auth.login("admin", admin_password)).access_token
        wanted = UserCreateRequest(username="ada", password="ada's password", permissions=[JOBS])
        user = await auth.create_user(admin, wanted)
        token = (await auth.login("ada", "ada's password")).access_token
        assert (await auth.get_current_user(token)).username == "ada"
        async with ComputeClient(auth_provider=JWTAuthProvider(token=token)) as client:
            job = await client.hash.compute(image=image, wait=True)
            assert job.status == "completed"
        await auth.delete_user(admin, user.id)
