"""A package generated from the spec of our own server does what our client does (`conftest.generated_client`)."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from cl_client import AuthenticationError, ComputeClient
from cl_client.runtime import VERSION
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


def test_it_imports_the_runtime_and_the_errors_of_the_client_and_nothing_else(own_package):
    found = {
        home
        for path in Path(str(module("client").__file__)).parent.rglob("*.py")
        for home in re.findall(r"^ *(?:from|import) (cl_[a-z_.]+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {home for home in found if not home.startswith("cl_sync")} <= {
        "cl_client.errors",
        "cl_client.runtime",
        "cl_client.runtime.program",
    }
    assert "cl_client.runtime" in found


def test_of_another_runtime_it_says_at_once_that_it_has_to_be_made_anew(own_package, tmp_path: Path):
    copy = tmp_path / "own_client"
    shutil.copytree(Path(str(module("client").__file__)).parent, copy)
    text = (copy / "__init__.py").read_text("utf-8")
    assert f"made_for({VERSION}, __name__)" in text
    (copy / "__init__.py").write_text(text.replace(f"made_for({VERSION}", f"made_for({VERSION + 1}"), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", "import own_client.cli"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(f"ImportError: own_client was made for runtime {VERSION + 1}, and ")


@pytest.mark.parametrize("ours", [True, False])
async def test_what_a_server_does_beside_jobs_is_a_method_of_its_tag(own_package, local_stack: LocalStack, ours: bool):
    async with client_of(local_stack, ours) as client:
        assert (await client.server.get_server_info()).service == "compute"
        with pytest.raises(AuthenticationError, match="only an admin"):
            await client.admin.get_storage_size()


def test_nobody_asks_which_server_it_is():
    """What a server has stands in its contract: no code of the client or of the templates compares contracts."""
    sources = [*(ROOT / "src" / "cl_client").rglob("*.py"), *(ROOT / "templates").rglob("*.jinja")]
    for path in sources:
        text = path.read_text("utf-8")
        assert " is STANDARD" not in text, path
        assert " is not STANDARD" not in text, path
        assert "is CONTRACT" not in text, path
