"""`cl_client.testing`: the tests of a user's project, and that its fake speaks as a server does."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import ComputeClient, ConflictError, JobFailedError, JobNotFoundError, NotFoundError
from cl_client.errors import JobCancelledError, RateLimitError
from cl_client.server.contract import Contract
from cl_client.testing import Completes, Fails, FakeComputeServer, Refuses, StaysQueued, Upload
from cl_client.testing.fake_server import routes

PREVIEW = {"thumbnail_path": "output/thumbnail.jpg", "width": 4, "height": 3, "media_type": "image"}

APP = """
from cl_client import ComputeClient, JobFailedError, UnsupportedMediaTypeError


async def make_preview(photo, dest):
    async with ComputeClient() as client:
        try:
            job = await client.media_thumbnail.generate(photo, width=4, wait=True)
        except (JobFailedError, UnsupportedMediaTypeError):
            return None
        return await job.download(dest)
"""

TESTS = """
import asyncio

from cl_client import ComputeClient, ServerConfig
from cl_client.testing import Completes, Fails

from app import make_preview

PREVIEW = {"thumbnail_path": "output/thumbnail.jpg", "width": 4, "height": 3, "media_type": "image"}


def test_a_preview_is_made(fake_compute_server, tmp_path):
    fake_compute_server.script("media_thumbnail", Completes(PREVIEW, {"output/thumbnail.jpg": b"JPEG"}, [50]))
    made = asyncio.run(make_preview(b"pixels", tmp_path / "preview.jpg"))
    assert made.read_bytes() == b"JPEG"
    [submission] = fake_compute_server.submissions
    assert submission.fields["width"] == "4"
    assert submission.files["file"].content == b"pixels"


def test_what_is_no_image_has_none(fake_compute_server, tmp_path):
    fake_compute_server.script("media_thumbnail", Fails("not an image"))
    assert asyncio.run(make_preview(b"words", tmp_path / "preview.jpg")) is None


def test_the_real_server_takes_it_as_the_fake_does(compute_stack, monkeypatch, tmp_path):
    for name, value in compute_stack.environment().items():
        monkeypatch.setenv(name, value)
    assert asyncio.run(make_preview(b"words", tmp_path / "preview.jpg")) is None
"""


@pytest.fixture
def fake() -> Iterator[FakeComputeServer]:
    with FakeComputeServer() as server:
        yield server


@pytest.fixture
def fake_client(fake: FakeComputeServer) -> ComputeClient:
    return ComputeClient(fake.url, mqtt_broker=fake.mqtt_host, mqtt_port=fake.mqtt_port)


def test_a_project_tests_its_code_with_the_fake_and_the_real_server(pytester: pytest.Pytester):
    pytester.makeconftest('pytest_plugins = ["cl_client.testing"]')
    pytester.makepyfile(app=APP, test_app=TESTS)
    pytester.syspathinsert()
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(passed=3)


async def test_a_job_goes_the_steps_of_its_script(fake: FakeComputeServer, fake_client: ComputeClient):
    fake.script("media_thumbnail", Completes(PREVIEW, progress=[20, 60]))
    async with fake_client as client:
        job = await client.media_thumbnail.generate(b"pixels")
        heard = [(state.status, state.progress) async for state in job.events()]
    assert heard == [("processing", 20), ("processing", 60), ("completed", 100)]
    assert job.output.width == 4
    assert job.created_at is not None
    assert job.completed_at is not None
    assert job.completed_at > job.created_at


async def test_the_log_of_a_job_is_followed_to_its_end(fake: FakeComputeServer, fake_client: ComputeClient):
    fake.script("media_thumbnail", Fails("no pixels", progress=[10, 60], log=["it starts", "it stumbles"]))
    async with fake_client as client:
        job = await client.media_thumbnail.generate(b"pixels")
        lines = [line async for line in job.follow_log(interval=0.001)]
        assert [(line.number, line.text) for line in lines] == [(1, "it starts"), (2, "it stumbles")]
        log = await client.jobs.log(job.job_id, offset=1)
        assert ([line.text for line in log.lines], log.ended) == (["it stumbles"], True)
        with pytest.raises(JobNotFoundError):
            await client.jobs.log("nobody")


async def test_each_submit_has_the_next_outcome_and_the_last_stays(fake: FakeComputeServer, fake_client: ComputeClient):
    fake.script("media_thumbnail", Refuses(429, "slow down", retry_after=7), Fails("no pixels"), Completes(PREVIEW))
    async with fake_client as client:
        with pytest.raises(RateLimitError, match="slow down") as refused:
            await client.media_thumbnail.generate(b"pixels")
        assert refused.value.retry_after == 7
        with pytest.raises(JobFailedError, match="no pixels"):
            await client.media_thumbnail.generate(b"pixels", wait=True)
        for _ in range(2):
            await client.media_thumbnail.generate(b"pixels", wait=True)
    assert [submission.job_id for submission in fake.submissions] == [None, "fake-1", "fake-2", "fake-3"]


async def test_what_has_no_script_says_how_to_write_one(fake_client: ComputeClient):
    async with fake_client as client:
        with pytest.raises(NotFoundError, match=r"fake\.script\('hash', Completes"):
            await client.hash.compute(b"pixels")


async def test_a_queued_job_can_be_cancelled_retried_and_removed(fake: FakeComputeServer, fake_client: ComputeClient):
    fake.script("media_thumbnail", StaysQueued(), Completes(PREVIEW, {"output/thumbnail.jpg": b"JPEG"}))
    async with fake_client as client:
        job = await client.media_thumbnail.generate(b"pixels", priority=9)
        with pytest.raises(ConflictError, match="is queued"):
            await job.retry()
        await job.cancel()
        with pytest.raises(JobCancelledError):
            await job.wait()
        again = await (await job.retry()).wait()
        assert [file.path for file in await again.files()] == ["output/thumbnail.jpg"]
        with pytest.raises(ConflictError, match="is completed"):
            await again.cancel()
        assert [other.job_id async for other in client.jobs.list(status="cancelled")] == [job.job_id]
        assert fake.job(again.job_id).priority == 9
        await job.delete()
        with pytest.raises(JobNotFoundError):
            await job.refresh()
        await client.wait_for_workers(["media_thumbnail"], timeout=30)


async def test_a_route_beside_jobs_answers_what_the_test_says(fake: FakeComputeServer, fake_client: ComputeClient):
    async with fake_client as client:
        with pytest.raises(NotFoundError, match=r"fake\.answers\('GET', '/admin/jobs/storage/size', "):
            await client.admin.get_storage_size()
        fake.answers("GET", "/admin/jobs/storage/size", {"total_size": 3, "job_count": 1})
        assert (await client.admin.get_storage_size()).total_size == 3
        fake.answers("GET", "/jobs/{job_id}", {"detail": "not today"}, status=409)
        with pytest.raises(ConflictError, match="not today"):
            await client.get_job("a")


def test_its_routes_are_those_of_the_contract(fake: FakeComputeServer):
    here = ComputeClient.contract
    elsewhere = evolve(here, cancel="/runs/{job_id}/stop", cancel_by="PUT", file="/out/{job_id}/{path}", workers=None)
    found = {
        (method, path) for method, path in [("PUT", "/runs/a/stop"), ("GET", "/out/a/b/c"), ("GET", "/capabilities")]
    }

    def has(contract: Contract) -> set[tuple[str, str]]:
        known = routes(fake, contract)
        return {(method, path) for method, path in found if any(m == method and p.fullmatch(path) for m, p, _ in known)}

    assert has(here) == {("GET", "/capabilities")}
    assert has(elsewhere) == found - {("GET", "/capabilities")}


async def test_it_takes_uploads_of_unknown_length_and_every_byte_of_them(
    fake: FakeComputeServer, fake_client: ComputeClient, tmp_path: Path
):
    fake.script("media_thumbnail", StaysQueued())
    content = bytes(range(256)) * 3 + b"\r\n--\r\n\r\n"
    (tmp_path / 'päge "1".jpg').write_bytes(content)
    async with fake_client as client:
        await client.media_thumbnail.generate(tmp_path / 'päge "1".jpg')
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        await client.api.get_async_httpx_client().post("/jobs/media_thumbnail", content=_pieces(), headers=form)
    first, second = fake.submissions
    assert first.files["file"] == Upload('päge "1".jpg', content)
    assert second.fields == {"width": "4"}


async def _pieces():
    yield b"--x\r\nContent-Disposition: form-data; "
    yield b'name="width"\r\n\r\n4\r\n--x--\r\n'


def test_whoever_stays_connected_is_hung_up_on_at_the_end():
    with FakeComputeServer() as fake:
        host, _, port = fake.url.removeprefix("http://").partition(":")
        stays = socket.create_connection((host, int(port)))
        stays.sendall(b"GET / HTTP/1.1\r\nHost: fake\r\n\r\n")
        assert stays.recv(65536).startswith(b"HTTP/1.1 200")
    with stays:
        stays.settimeout(30)
        while stays.recv(65536):
            pass
