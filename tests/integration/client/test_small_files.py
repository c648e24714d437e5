"""Small files that wait at the same moment go in one request, and nobody who submits them notices."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cl_client import ComputeClient, InputNotFoundError, InvalidParameterError, ValidationError
from cl_client.errors import UnsupportedMediaTypeError
from cl_client.testing import Completes, FakeComputeServer
from cl_server.embedded import LocalStack
from tests.faults.gateway import Trouble, gateway
from tests.faults.scripted import answer
from tests.integration.client.test_trouble import host_and_port


class Heard:
    """The submits that a client sent."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, request: httpx.Request) -> None:
        if request.method == "POST":
            self.paths.append(request.url.path)

    @property
    def batches(self) -> int:
        return sum(path.endswith("/batch") for path in self.paths)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[tuple[ComputeClient, Heard]]:
    heard = Heard()
    async with ComputeClient(url, mqtt_port=9, event_hooks={"request": [heard]}) as client:
        yield client, heard


async def test_what_is_submitted_at_once_goes_in_one_request(local_stack: LocalStack, tmp_path: Path):
    path = tmp_path / "small.bin"
    path.write_bytes(b"a file")
    sources = [path, *(f"number {number}".encode() for number in range(40))]
    sent: list[int] = []
    async with opened(local_stack.compute_url) as (client, heard):
        jobs = await asyncio.gather(
            *(client.hash.compute(one, wait=True, on_upload=lambda so_far, _: sent.append(so_far)) for one in sources)
        )
    assert heard.paths == ["/jobs/hash/batch"]
    assert [job.output.sha256 for job in jobs] == [
        hashlib.sha256(one if isinstance(one, bytes) else one.read_bytes()).hexdigest() for one in sources
    ]
    assert len(sent) == len(sources)


async def test_a_job_alone_and_a_large_file_go_by_themselves(local_stack: LocalStack):
    async with opened(local_stack.compute_url) as (client, heard):
        await client.hash.compute(b"alone")
        await asyncio.gather(*(client.hash.compute(bytes(300_000)) for _ in range(2)))
    assert heard.paths == ["/jobs/hash"] * 3


async def test_a_file_that_is_refused_or_gone_fails_alone(local_stack: LocalStack, photo: Path, tmp_path: Path):
    words, gone = tmp_path / "words.jpg", tmp_path / "gone.jpg"
    words.write_text("no picture")
    gone.write_bytes(photo.read_bytes())
    async with opened(local_stack.compute_url) as (client, heard):
        submits = [client.media_thumbnail.generate(path) for path in (photo, words, gone, photo)]
        running = [asyncio.create_task(one) for one in submits]
        await asyncio.sleep(0)
        gone.unlink()
        done = await asyncio.gather(*running, return_exceptions=True)
        assert heard.batches == 1
        with pytest.raises(type(done[1])) as alone:  # type: ignore[arg-type]
            await client.media_thumbnail.generate(words)
    assert str(done[1]).partition(" (")[0] == str(alone.value).partition(" (")[0]
    assert isinstance(done[2], InputNotFoundError | ValidationError) or "gone.jpg" in str(done[2])
    assert not isinstance(done[0], BaseException)
    assert not isinstance(done[3], BaseException)


async def test_a_caller_that_leaves_takes_nobody_along(local_stack: LocalStack):
    async with opened(local_stack.compute_url) as (client, heard):
        running = [asyncio.create_task(client.hash.compute(f"left {number}".encode())) for number in range(5)]
        while not heard.paths:
            await asyncio.sleep(0)
        running[2].cancel()
        done = await asyncio.gather(*running, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [False, False, True, False, False]
    assert heard.paths == ["/jobs/hash/batch"]


@pytest.mark.parametrize("done", [True, False], ids=["the answer is lost", "the request is refused"])
async def test_a_request_that_is_not_answered_is_sent_again_and_makes_each_job_once(
    local_stack: LocalStack, done: bool
):
    troubles = iter([Trouble(answer(503), forwarded=done)])

    def trouble() -> Trouble | None:
        return next(troubles, None)

    async with gateway(*host_and_port(local_stack.compute_url), trouble) as between:
        async with opened(f"http://127.0.0.1:{between.port}") as (client, heard):
            label = {"test": f"sent-again-{done}"}
            jobs = await asyncio.gather(
                *(client.hash.compute(f"again {number}".encode(), labels=label) for number in range(20))
            )
            listed = [job.job_id async for job in client.jobs.list(labels=label)]
    assert heard.batches == 2
    assert sorted(listed) == sorted(job.job_id for job in jobs)


async def test_a_server_without_the_route_is_sent_one_after_another():
    with FakeComputeServer() as fake:
        fake.script("hash", Completes({"sha256": "5e"}))
        fake.answers("POST", "/jobs/{task}/batch", {"detail": "Not Found"}, 404)
        async with opened(fake.url) as (client, heard):
            for _ in range(2):
                await asyncio.gather(*(client.hash.compute(f"old {number}".encode()) for number in range(6)))
    assert heard.paths == ["/jobs/hash/batch", *["/jobs/hash"] * 12]
    assert len(fake.submissions) == 12


async def test_a_parameter_that_cannot_be_sent_fails_alone(local_stack: LocalStack):
    async with opened(local_stack.compute_url) as (client, _):
        strange = client.hls_streaming.generate_manifest(b"film", variants=[{"resolution": object()}])  # type: ignore[dict-item]
        done = await asyncio.gather(
            strange, *(client.hls_streaming.generate_manifest(b"no film") for _ in range(2)), return_exceptions=True
        )
    assert [type(one) for one in done] == [InvalidParameterError, UnsupportedMediaTypeError, UnsupportedMediaTypeError]


async def test_a_proxy_that_takes_less_than_the_server_is_sent_less():
    with FakeComputeServer() as fake:
        fake.script("hash", Completes({"sha256": "5e"}))
        fake.answers("POST", "/jobs/{task}/batch", {"detail": "Payload Too Large"}, 413)
        async with opened(fake.url) as (client, heard):
            await asyncio.gather(*(client.hash.compute(bytes(99) + str(number).encode()) for number in range(4)))
            assert heard.paths == ["/jobs/hash/batch", *["/jobs/hash"] * 4]
            heard.paths.clear()
            await asyncio.gather(*(client.hash.compute(bytes(99) + str(number).encode()) for number in range(4)))
    # Half of it was too much, too.
    assert (heard.batches, len(heard.paths)) == (2, 6)
    assert len(fake.submissions) == 8
