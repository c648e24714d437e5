"""docs/compose.yaml as it is written, with processes for its containers: there need not be a Docker.

What stands for what a container brings: ports of this machine for names and published ports, folders of the test for
volumes, the PostgreSQL and the S3 of the tests, and a mosquitto with the files of docs/. Images, restarts and how
PostgreSQL is started are not looked at.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest
import yaml
from attrs import define
from PIL import Image

from cl_client import AuthClient, AuthenticationError, ComputeClient, JWTAuthProvider, ServerConfig
from cl_server.stack.supervisor import wait_until
from tests.conftest import require
from tests.hosts import DOCS, Part, SafeMosquitto, gone, listens
from tests.media import photo
from tests.ports import free_port
from tests.s3 import S3Server

COMMANDS = Path(sys.executable).parent
OURS = ("auth", "compute", "worker")


@define
class Service:
    """What the file says of one of ours."""

    command: str
    environment: dict[str, str]


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Ours, with the variables of `.env` put in (Compose: `${NAME}`, `${NAME:-otherwise}`, `${NAME:?why}`)."""

    def value(found: re.Match[str]) -> str:
        name, otherwise = found["name"], found["otherwise"]
        return variables[name] if otherwise is None else variables.get(name) or otherwise

    text = (DOCS / "compose.yaml").read_text()
    text = re.sub(r"\$\{(?P<name>\w+)(:-(?P<otherwise>[^}]*)|:\?[^}]*)?\}", value, text)
    document = cast("dict[str, dict[str, dict[str, object]]]", yaml.safe_load(text))
    return {
        name: Service(
            str(document["services"][name]["command"]),
            cast("dict[str, str]", document["services"][name]["environment"]),
        )
        for name in OURS
    }


@define
class Installation:
    """All of it, running."""

    mosquitto: SafeMosquitto
    parts: dict[str, Part]
    ports: dict[str, int]

    def url(self, name: str) -> str:
        return f"http://localhost:{self.ports[name]}"


@pytest.fixture
def installation(tmp_path: Path, database: str, s3: S3Server) -> Iterator[Installation]:
    require("mosquitto")
    mosquitto = SafeMosquitto(tmp_path).start()
    ports = {"auth": free_port(), "compute": free_port()}
    said = services(
        {
            "CL_IMAGE": "none",
            "POSTGRES_PASSWORD": "hidden",
            "S3_BUCKET": s3.bucket().removeprefix("s3://"),
            "SERVER_NAME": "localhost",
            "MQTT_SERVER_PASSWORD": mosquitto.passwords["server"],
            **{name: value for name, value in s3.environment().items() if name.startswith("AWS_")},
        }
    )
    here = {
        "postgresql://jobs:hidden@postgres/jobs": database,
        "@mosquitto:8883": f"@localhost:{mosquitto.port}",
        "http://auth:8000": f"http://localhost:{ports['auth']}",
        "/etc/cl/ca.pem": str(mosquitto.ca_file),
        "0.0.0.0": "127.0.0.1",
    }
    parts: dict[str, Part] = {}
    for name, service in said.items():
        folder = tmp_path / name
        folder.mkdir()
        places = {**here, "/var/lib/cl": str(folder / "data"), "/models": str(folder / "models")}
        environment = {key: mapped(value, places) for key, value in service.environment.items()}
        program, *arguments = shlex.split(mapped(service.command, places))
        port = ["--port", str(ports[name])] if name in ports else []
        parts[name] = Part([str(COMMANDS / program), *arguments, *port], folder / "log", environment).start()
    try:
        yield Installation(mosquitto, parts, ports)
    finally:
        processes = [child for part in parts.values() if running(part) for child in part.children()]
        for part in reversed(parts.values()):
            part.stop()
        mosquitto.stop()
        for part in parts.values():
            print(part.log.read_text())
    assert gone(processes), "processes are left over"


def mapped(text: str, places: Mapping[str, str]) -> str:
    for there, here in places.items():
        text = text.replace(there, here)
    return text


def running(part: Part) -> bool:
    return part.process is not None and psutil.pid_exists(part.process.pid) and part.process.poll() is None


async def test_what_the_compose_file_runs_does_jobs_for_who_may(installation: Installation, tmp_path: Path) -> None:
    token = await first_admin(installation)
    config = ServerConfig(compute_url=installation.url("compute"), mqtt_ca_file=str(installation.mosquitto.ca_file))
    config = config.with_broker(installation.mosquitto.url("client"))
    async with (
        ComputeClient(server_config=config, auth_provider=JWTAuthProvider(token)) as admin,
        ComputeClient(server_config=config) as guest,
    ):
        # A host of its own: it may still be starting when the accounts are there.
        assert wait_until(lambda: listens(installation.ports["compute"]), 60), "the compute server does not start"
        await admin.wait_for_workers(["media_thumbnail"], timeout=60)
        job = await admin.media_thumbnail.generate(photo.photo(64, 48), width=16, wait=True, timeout=60)
        with Image.open(await job.download(tmp_path / "thumbnail.jpg")) as made:
            assert made.size == (16, 12)
        with pytest.raises(AuthenticationError):
            await guest.hash.compute(b"words")
        # On one host of many: what an admin changes holds on all of them.
        async with httpx.AsyncClient(verify=False, base_url=installation.url("compute")) as http:
            headers = {"Authorization": f"Bearer {token}"}
            await http.put("/admin/config/guest-mode", data={"guest_mode": "on"}, headers=headers)
        assert (await guest.hash.compute(b"words", wait=True, timeout=60)).status == "completed"


async def first_admin(installation: Installation) -> str:
    """A token of the user whose password is told at the first start, in the log of the server."""
    log = installation.parts["auth"].log
    assert wait_until(lambda: "Uvicorn running" in log.read_text(), 60)
    password = re.search(r"'admin', with the password (\S+)", log.read_text())
    assert password is not None
    async with AuthClient(installation.url("auth")) as auth:
        return (await auth.login("admin", password[1])).access_token
