"""Labels of jobs: given at a submit, shown, and found again."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cl_client import ComputeClient, InvalidParameterError, UnsupportedError, ValidationError
from cl_client.sync import ComputeClient as SyncComputeClient
from cl_client.testing import Completes, FakeComputeServer
from cl_server.embedded import LocalStack
from tests.codegen_server.running import running_server
from tests.fake_family_server import FakeFamilyServer


@pytest.fixture
async def client(idle_stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a server that does nothing with its jobs."""
    stack = idle_stack
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


async def listed(client: ComputeClient, **labels: str) -> list[str]:
    return [job.job_id async for job in client.jobs.list(labels=labels)]


async def test_jobs_are_found_by_their_labels(client: ComputeClient):
    summer = await client.hash.compute(b"x", labels={"album": "été 2026 = hot", "test": "found"})
    winter = await client.exif.extract(b"\xff\xd8\xff\xd9", labels={"album": "", "test": "found"}, priority=9)
    await client.hash.compute(b"x")
    assert summer.labels == {}
    assert (await summer.refresh()).labels == {"album": "été 2026 = hot", "test": "found"}
    assert await listed(client, test="found") == [winter.job_id, summer.job_id]
    assert await listed(client, test="found", album="été 2026 = hot") == [summer.job_id]
    assert await listed(client, album="", test="found") == [winter.job_id]
    assert await listed(client, test="lost") == []
    by_task = [job.job_id async for job in client.jobs.list(labels={"test": "found"}, task_type="hash")]
    assert by_task == [summer.job_id]


async def test_labels_go_with_the_job_that_does_it_again(client: ComputeClient):
    job = await client.hash.compute(b"x", labels={"test": "again"})
    await job.cancel()
    again = await (await job.retry()).refresh()
    assert again.labels == {"test": "again"}
    for each in (job, again):
        await each.delete()
    assert await listed(client, test="again") == []


async def test_many_files_get_the_same_labels(client: ComputeClient, tmp_path: Path):
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_text(file.name)
    ended = [
        outcome.error async for outcome in client.map(client.hash.compute, files, labels={"test": "many"}, timeout=0.5)
    ]
    assert len(ended) == 2
    assert len(await listed(client, test="many")) == 2


async def test_a_key_that_comes_with_other_labels_is_for_another_job(client: ComputeClient):
    first = await client.hash.compute(b"x", idempotency_key="labelled", labels={"test": "key"})
    same = await client.hash.compute(b"x", idempotency_key="labelled", labels={"test": "key"})
    assert same.job_id == first.job_id
    with pytest.raises(ValidationError, match="another file or other parameters"):
        await client.hash.compute(b"x", idempotency_key="labelled", labels={"test": "other"})


async def test_jobs_that_the_client_does_not_know_have_labels_too(client: ComputeClient):
    job = await client.hash.submit_with_files({"file": b"x"}, labels={"test": "untyped"})
    assert await listed(client, test="untyped") == [job.job_id]


@pytest.mark.parametrize("labels", [{"": "x"}, {"a=b": "x"}, {"a": 1}, {1: "a"}])
async def test_labels_that_nobody_can_write_are_not_sent(client: ComputeClient, labels: dict[str, str]):
    with pytest.raises(InvalidParameterError, match="labels contains"):
        await client.hash.compute(b"x", labels=labels)


@pytest.mark.parametrize(
    "labels",
    [
        *({"-a": "x"}, {"a b": "x"}, {"a" * 64: "x"}, {"a": "x" * 257}, {"a": "x\ny"}, {"a": "\0"}),
        {f"a{n}": "x" for n in range(17)},
    ],
)
async def test_the_server_refuses_labels_that_are_too_long_or_too_many(client: ComputeClient, labels: dict[str, str]):
    with pytest.raises(ValidationError):
        await client.hash.compute(b"x", labels=labels)
    with pytest.raises(ValidationError):
        await listed(client, **labels)


async def test_a_server_without_labels_gets_no_job_that_would_lose_them(tmp_path: Path):
    fake = FakeFamilyServer()
    fake.publishes = True
    with running_server(fake.app) as url:
        async with ComputeClient(url) as client:
            with pytest.raises(UnsupportedError, match="doesn't support labels"):
                await client.image_conversion.convert(b"\xff\xd8\xff\xd9", "webp", labels={"album": "summer"})
            with pytest.raises(UnsupportedError, match="doesn't support labels"):
                await listed(client, album="summer")
            job = await client.image_conversion.convert(b"\xff\xd8\xff\xd9", "webp")
    assert job.job_id.endswith("-1")


def test_the_fake_server_keeps_labels():
    with FakeComputeServer() as fake, SyncComputeClient(fake.url, mqtt_broker=fake.mqtt_host, mqtt_port=1) as client:
        fake.script("hash", Completes())
        job = client.hash.compute(b"x", labels={"album": "summer"})
        assert fake.submissions[0].labels == {"album": "summer"}
        assert [found.job_id for found in client.jobs.list(labels={"album": "summer"})] == [job.job_id]
        assert list(client.jobs.list(labels={"album": "winter"})) == []
