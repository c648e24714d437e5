"""Packages of servers whose programs get their tokens themselves (OAuth 2.0), run against a live token server."""

import asyncio
import base64
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from cl_client import ServerConfig
from cl_client.auth import ClientCredentials
from cl_client.errors import AuthenticationError
from cl_codegen.generate import PackageSources, generate
from cl_codegen.spec.spec import canonical
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

FLOW = {"tokenUrl": "oauth/token", "scopes": {"read": "Read", "write": "Write", "admin": "All"}}
SCHEMES = {
    "vault": {"type": "oauth2", "flows": {"clientCredentials": FLOW}},
    "desk": {"type": "oauth2", "flows": {"password": FLOW}},
    "lounge": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example/.well-known/openid-configuration"},
}
"""By package: the scheme of its spec."""


def create_app() -> FastAPI:
    app = FastAPI(title="Vault", version="1")
    app.state.asked, app.state.good, app.state.life = [], set(), 3600

    @app.post("/oauth/token", include_in_schema=False)
    async def token(request: Request) -> JSONResponse:
        form = dict(await request.form())
        said = request.headers.get("authorization", "").removeprefix("Basic ")
        client, _, secret = base64.b64decode(said).decode().partition(":") if said else ("", "", "")
        form |= {"client": client or form.pop("client_id", ""), "secret": secret or form.pop("client_secret", "")}
        app.state.asked.append(form)
        is_form_only = form["client"] == "form-only" and bool(said)
        known = (form["client"], form["secret"]) in {("me%3A", "s+e%2Fcret"), ("form-only", "secret")}
        if is_form_only or not (known or form.get("password") == "pass"):
            return JSONResponse({"error": "invalid_client"}, 401)
        made = f"token-{len(app.state.asked)}"
        app.state.good.add(f"Bearer {made}")
        return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": app.state.life})

    @app.get("/seen", tags=["door"])
    async def seen(request: Request) -> str:
        if request.headers.get("authorization") not in app.state.good:
            raise HTTPException(401, "who are you")
        return request.headers["authorization"]

    return app


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("flows")
    for name, scheme in SCHEMES.items():
        spec = create_app().openapi()
        spec["components"] = {**spec.get("components", {}), "securitySchemes": {"door": scheme}}
        spec["paths"]["/seen"]["get"]["security"] = [{"door": ["write", "read"]}]
        (folder / f"{name}.json").write_text(canonical(spec))
        made = generate(PackageSources(folder / f"{name}.json", folder / "none.toml", TEMPLATES, name), folder / name)
        named = [one.reason for one in made.left_out]
        assert [reason for reason in named if "openIdConnect" in reason] == (named if name == "lounge" else [])
        sys.path.insert(0, str(folder / name / "src"))
    yield folder
    for name in SCHEMES:
        sys.path.remove(str(folder / name / "src"))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FastAPI, str]]:
    app = create_app()
    with running_server(app) as address:
        yield app, address


@pytest.fixture
def server(running: tuple[FastAPI, str]) -> tuple[FastAPI, str]:
    state = running[0].state
    state.asked, state.good, state.life = [], set(), 3600
    return running


def client_of(package: str, url: str, **said: object) -> object:
    return getattr(importlib.import_module(package), f"{package.capitalize()}Client")(url, **said)


ME = {"client_id": "me:", "client_secret": "s e/cret"}


async def test_a_program_gets_one_token_for_all_that_it_does(packages, server):
    app, url = server
    async with client_of("vault", url, **ME) as client:
        seen = await asyncio.gather(*(client.door.seen() for _ in range(5)))
    assert seen == ["Bearer token-1"] * 5
    expected = {"grant_type": "client_credentials", "scope": "read write", "client": "me%3A", "secret": "s+e%2Fcret"}
    assert app.state.asked == [expected]


async def test_a_token_that_has_ended_or_is_refused_is_got_anew_once(packages, server):
    app, url = server
    app.state.life = 0
    async with client_of("vault", url, **ME) as client:
        assert [await client.door.seen() for _ in range(2)] == ["Bearer token-1", "Bearer token-2"]
        app.state.life = 3600
        assert await client.door.seen() == "Bearer token-3"
        app.state.good.clear()
        assert await client.door.seen() == "Bearer token-4"
    assert len(app.state.asked) == 4


async def test_a_secret_that_only_a_form_may_hold_is_sent_so(packages, server):
    _app, url = server
    async with client_of("vault", url, client_id="form-only", client_secret="secret") as client:
        assert await client.door.seen() == "Bearer token-2"


async def test_who_is_not_known_is_told_so_and_no_secret(packages, server):
    async with client_of("vault", server[1], client_id="me", client_secret="wrong-secret") as client:
        with pytest.raises(AuthenticationError, match="oauth/token gives no token") as refused:
            await client.door.seen()
    assert "wrong-secret" not in str(refused.value)


async def test_a_user_gets_a_token_for_name_and_password(packages, server):
    app, url = server
    async with client_of("desk", url, username="ada", password="pass") as client:
        assert await client.door.seen() == "Bearer token-1"
    assert app.state.asked[0]["grant_type"] == "password"


async def test_it_signs_the_requests_of_any_client(packages, server):
    _app, url = server
    provider = ClientCredentials(f"{url}/oauth/token", "me:", "s e/cret")
    async with client_of("lounge", url, auth_provider=provider) as client:
        assert await client.door.seen() == "Bearer token-1"
    await provider.close()
    assert "cret" not in repr(provider)


async def test_packages_of_several_servers_share_a_token_and_their_connections(packages, server):
    app, url = server
    used: list[object] = []
    async with httpx.AsyncClient(event_hooks={"response": [partial(note_connection, used)]}) as http:
        provider = ClientCredentials(f"{url}/oauth/token", "me:", "s e/cret", http_client=http)
        for name in ("vault", "lounge"):
            async with client_of(name, url, auth_provider=provider, http_client=http) as client:
                assert await client.door.seen() == "Bearer token-1"
        await provider.close()
    assert len(app.state.asked) == 1
    assert len(used) == 3
    assert len({id(one) for one in used}) == 1


async def note_connection(used: list[object], response: httpx.Response) -> None:
    used.append(response.extensions["network_stream"].get_extra_info("socket"))


def test_the_environment_and_a_profile_say_it_to_a_command(packages, server, tmp_path):
    _, url = server
    (tmp_path / "config.toml").write_text(f'[work]\ncompute_url = "{url}"\nclient_id = "me:"\n')
    ran = subprocess.run(
        [sys.executable, "-m", "vault", "door", "seen", "--json", "--profile", "work"],
        env={
            **os.environ,
            "VAULT_CLIENT_SECRET": "s e/cret",
            "CL_CONFIG": str(tmp_path / "config.toml"),
            "PYTHONPATH": str(packages / "vault" / "src"),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.stdout.strip() == '"Bearer token-1"', ran.stderr
    assert ServerConfig.load("work", file=tmp_path / "config.toml", environment={}).client_id == "me:"
