"""A package generated from the spec of our own server does what our client does (`conftest.generated_client`)."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from cl_client import ComputeClient
from cl_plugins.contract import CONTRACT
from cl_server.embedded import LocalStack
from tests.own_package import ROOT, module


def client_of(stack: LocalStack, ours: bool) -> ComputeClient:
    kind: type[ComputeClient] = ComputeClient if ours else module("client").OwnClient
    return kind(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port)


def test_its_contract_is_that_of_our_client(own_package):
    assert ComputeClient.contract is CONTRACT
    assert module("contract").CONTRACT == CONTRACT


@pytest.mark.parametrize("ours", [True, False])
async def test_fifty_states_in_one_moment_are_one_request_beside_the_first(
    own_package, local_stack: LocalStack, photo: Path, monkeypatch: pytest.MonkeyPatch, ours: bool
):
    asked: Counter[str] = Counter()
    async with client_of(local_stack, ours) as client:
        job = await client.hash.compute(photo, wait=True)
        send = client._transport.send

        async def counted(request: httpx.Request, **more: object) -> httpx.Response:
            asked[request.method + " " + request.url.path] += 1
            return await send(request, **more)

        monkeypatch.setattr(client._transport, "send", counted)
        await client.jobs.get(job.job_id)
        await asyncio.gather(*(client._reader.read(job.job_id) for _ in range(50)))
    assert asked == {f"GET /jobs/{job.job_id}": 1, "GET /jobs": 1}


def test_nobody_asks_which_server_it_is():
    """What a server has stands in its contract: no code of the client or of the templates compares contracts."""
    sources = [*(ROOT / "src" / "cl_client").rglob("*.py"), *(ROOT / "templates").rglob("*.jinja")]
    for path in sources:
        text = path.read_text("utf-8")
        assert " is STANDARD" not in text, path
        assert " is not STANDARD" not in text, path
        assert "is CONTRACT" not in text, path
