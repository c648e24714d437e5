"""What `finish` of a batch does when it goes wrong."""

import pytest

from cl_client import ComputeClient, DownloadError, Job
from cl_client.testing import Completes, FakeComputeServer


def of_two(error: Exception) -> tuple[FakeComputeServer, list[str], object]:
    fake = FakeComputeServer()
    fake.script("hash", Completes({"sha256": "1"}), Completes({"sha256": "2"}))
    finished: list[str] = []

    async def finish(source: bytes, job: Job[object]) -> None:
        finished.append(source.decode())
        if source == b"a":
            raise error

    return fake, finished, finish


async def test_an_error_of_ours_in_finish_is_that_file_s():
    fake, finished, finish = of_two(DownloadError("the disk is full"))
    with fake:
        async with ComputeClient(fake.url) as client:
            outcomes = [outcome async for outcome in client.map(client.hash.compute, [b"a", b"b"], finish=finish)]
    assert [str(outcome.error or "") for outcome in outcomes] == ["the disk is full", ""]
    assert sorted(finished) == ["a", "b"]


async def test_any_other_error_in_finish_ends_the_loop():
    fake, _, finish = of_two(LookupError("a mistake"))
    with fake:
        async with ComputeClient(fake.url) as client:
            with pytest.raises(LookupError, match="a mistake"):
                async for _ in client.map(client.hash.compute, [b"a", b"b"], finish=finish):
                    pass
