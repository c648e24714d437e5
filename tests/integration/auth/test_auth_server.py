"""The auth server as a process, and our generated client against it."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cl_api.auth.api.auth import create_token, get_jwks, get_public_key, refresh_token
from cl_api.auth.api.server import get_server_info
from cl_api.auth.api.users import create_user, delete_user, get_current_user, list_users, update_user
from cl_api.auth.client import Client
from cl_api.auth.errors import StatusError
from cl_api.auth.models import BodyCreateToken, UserCreateRequest, UserUpdateRequest
from tests.integration.auth.running import COMMAND, TOLD, AuthServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthServer]:
    running = AuthServer(tmp_path_factory.mktemp("auth") / "data")
    yield running
    running.stop()


def client(server: AuthServer, token: str | None = None) -> Client:
    return Client(server.url, headers={"Authorization": f"Bearer {token}"} if token else {})


async def test_the_generated_client_does_all_there_is(server: AuthServer) -> None:
    async with client(server) as nobody:
        info = await get_server_info.asyncio(client=nobody)
        assert (info.status, info.service) == ("ok", "auth")
        login = BodyCreateToken(username="admin", password=server.password)
        token = await create_token.asyncio(client=nobody, body=login)
        assert token.expires_in == 120
        with pytest.raises(StatusError) as refused:
            await list_users.asyncio(client=nobody)
        assert refused.value.status_code == 401
        key = await get_public_key.asyncio(client=nobody)
        assert key.algorithm == "ES256"
        assert key.public_key.startswith("-----BEGIN PUBLIC KEY-----")
        assert len((await get_jwks.asyncio(client=nobody)).keys) == 1
    async with client(server, token.access_token) as admin:
        token = await refresh_token.asyncio(client=admin)
    async with client(server, token.access_token) as admin:
        assert (await get_current_user.asyncio(client=admin)).is_admin
        wanted = UserCreateRequest(username="alice", password="correct horse", permissions="ai_inference_support, x")
        alice = await create_user.asyncio(client=admin, body=wanted)
        assert alice.permissions == ["ai_inference_support", "x"]
        change = UserUpdateRequest(permissions="[]", is_active=False)
        changed = await update_user.asyncio(alice.id, client=admin, body=change)
        assert (changed.permissions, changed.is_active) == ([], False)
        assert [user.username for user in await list_users.asyncio(client=admin, limit=10)] == ["admin", "alice"]
        await delete_user.asyncio(alice.id, client=admin)


def test_what_is_kept_is_for_the_owner_alone_and_holds_no_password(server: AuthServer) -> None:
    folder = server.data / "auth"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    password = server.password.encode()
    for path in folder.rglob("*"):
        if path.is_file():
            assert password not in path.read_bytes()


def test_the_address_of_a_client_is_not_what_a_header_says(server: AuthServer) -> None:
    with httpx.Client(verify=False, base_url=server.url) as http:
        answers = [
            http.post(
                "/auth/token",
                data={"username": "mallory", "password": "guess"},
                headers={"X-Forwarded-For": f"10.0.0.{number}"},
            ).status_code
            for number in range(11)
        ]
    assert answers == [401] * 10 + [429]


def test_it_listens_on_this_machine_only(server: AuthServer) -> None:
    listening = [line.split()[1] for line in Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]]
    port = f"{int(server.url.rpartition(':')[2]):04X}"
    assert {address.partition(":")[0] for address in listening if address.endswith(f":{port}")} == {"0100007F"}


def test_the_first_admin_is_told_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = {**os.environ, "CL_DATA": str(data)}

    def initialise() -> str:
        return subprocess.run(
            [*COMMAND, "--init"], env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    password = initialise().strip()
    assert len(password) >= 24
    assert initialise() == ""
    server = AuthServer(data)
    try:
        assert TOLD.search(server.said()) is None
        answer = httpx.post(f"{server.url}/auth/token", data={"username": "admin", "password": password})
        assert answer.status_code == 200
    finally:
        server.stop()


def test_there_is_no_password_that_everybody_knows(server: AuthServer) -> None:
    with httpx.Client(verify=False, base_url=server.url) as http:
        for word in ("admin", "password", "changeme", ""):
            answer = http.post("/auth/token", data={"username": "admin", "password": word})
            assert answer.status_code in {401, 422}
    assert len(server.password) >= 24


def test_a_lost_password_is_made_anew_while_the_server_runs(server: AuthServer) -> None:
    def reset(username: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "CL_DATA": str(server.data)}
        argv = [*COMMAND, "--reset-password", username]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)

    with httpx.Client(verify=False, base_url=server.url) as http:

        def log_in(password: str) -> httpx.Response:
            return http.post("/auth/token", data={"username": "admin", "password": password})

        lost = server.password
        old = {"Authorization": f"Bearer {log_in(lost).json()['access_token']}"}
        told = reset("ADMIN")
        new = told.stdout.removesuffix("\n")
        assert (told.returncode, told.stderr) == (0, "")
        assert re.fullmatch(r"[\w-]{24}", new)
        assert log_in(lost).status_code == 401
        assert http.post("/auth/token/refresh", headers=old).status_code == 401
        assert http.get("/users/", headers=old).status_code == 401
        token = log_in(new).json()["access_token"]
        assert http.get("/users/me", headers={"Authorization": f"Bearer {token}"}).json()["is_admin"]
        nobody = reset("nobody")
        assert (nobody.returncode, nobody.stdout, nobody.stderr) == (1, "", "error: there is no user 'nobody'\n")
        # The other tests log in with what was told at the start.
        ours = http.get("/users/me", headers={"Authorization": f"Bearer {token}"}).json()["id"]
        http.put(f"/users/{ours}", data={"password": lost}, headers={"Authorization": f"Bearer {token}"})


def test_a_key_that_others_can_read_stops_the_server_in_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "CL_DATA": str(tmp_path)}
    subprocess.run([*COMMAND, "--rotate-key"], env=environment, check=True, capture_output=True, timeout=60)
    next((tmp_path / "auth" / "keys").glob("*.pem")).chmod(0o644)
    ran = subprocess.run([*COMMAND, "--port", "1"], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert "can be read by others (mode 644): chmod 600" in line
