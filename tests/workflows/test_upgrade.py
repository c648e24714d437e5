"""From the first version to this one: its data is opened, its clients are served, and its servers are understood."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from cl_client import AuthClient, ComputeClient, JWTAuthProvider, ServerConfig
from cl_server.embedded import LocalStack
from tests.conftest import absent
from tests.media.photo import photo
from tests.upgrade import older
from tests.upgrade.make_data import DATA, EXPECTED

PROGRAM = Path(older.__file__).with_name("as_the_first_version.py")


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which Python runs the first version."""
    if not older.is_known():
        absent("the history of this repository back to the first version")
    return older.unpack(tmp_path_factory.mktemp("version"))


async def test_the_data_of_the_first_version_is_opened_and_its_work_goes_on(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA) as packed:
        packed.extractall(tmp_path / "data")
    for key in (tmp_path / "data" / "auth" / "keys").iterdir():
        # What a zip file does not keep, and the server insists on.
        key.chmod(0o600)
    made = cast("dict[str, str]", json.loads((tmp_path / "data" / EXPECTED).read_text()))
    with LocalStack(tmp_path / "data", workers=1, auth=True) as stack:
        assert stack.auth_url is not None
        # The users, their passwords and their permissions are still there, and no second admin is made.
        assert stack.admin_password is None
        async with AuthClient(stack.auth_url) as auth:
            token = (await auth.login("ana", made["password"])).access_token
            assert (await auth.login("admin", made["admin_password"])).access_token
        config = ServerConfig(compute_url=stack.compute_url, mqtt_port=stack.mqtt_port)
        async with ComputeClient(server_config=config, auth_provider=JWTAuthProvider(token)) as client:
            names = {job.job_id async for job in client.jobs.list()}
            assert names == {made[name] for name in ("completed", "with_output", "queued", "cancelled")}
            with Image.open(await (await client.jobs.get(made["with_output"])).download(tmp_path / "a.jpg")) as picture:
                assert picture.size == (16, 12)
            waiting = await client.hash.attach(made["queued"])
            assert (await waiting.wait(timeout=60)).status == "completed"
            again = await client.jobs.retry(made["cancelled"])
            assert (await again.wait(timeout=60)).status == "completed"


def test_clients_of_the_first_version_are_served(first_version: dict[str, str], local_stack: LocalStack) -> None:
    environment = {**first_version, "MQTT_BROKER_PORT": str(local_stack.mqtt_port)}
    told = json.loads(older.run(PROGRAM, environment, "client", local_stack.compute_url))
    assert (told["status"], told["listed"]) == ("completed", True)
    assert "phash" in told["output"] or "sha256" in json.dumps(told["output"])


@pytest.fixture
def older_server(first_version: dict[str, str], tmp_path: Path) -> Iterator[ServerConfig]:
    """A whole stack of the first version."""
    argv = [sys.executable, str(PROGRAM), "server", str(tmp_path / "older")]
    with subprocess.Popen(argv, env=first_version, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield ServerConfig(compute_url=told["url"], mqtt_port=told["mqtt_port"])
        process.communicate(b"", timeout=60)


async def test_servers_of_the_first_version_are_understood(older_server: ServerConfig, tmp_path: Path) -> None:
    async with ComputeClient(server_config=older_server) as client:
        job = await client.hash.compute(b"words", wait=True, timeout=60)
        assert job.status == "completed"
        assert job.job_id in {one.job_id async for one in client.jobs.list()}
        many = [outcome async for outcome in client.map(client.hash.compute, [b"a", b"b", b"c"])]
        assert [str(outcome.job.status) for outcome in many if outcome.job is not None] == ["completed"] * 3
        thumbnail = await client.media_thumbnail.generate(photo(64, 48), width=16, wait=True, timeout=60)
        assert (await thumbnail.download(tmp_path / "a.jpg")).stat().st_size > 0
