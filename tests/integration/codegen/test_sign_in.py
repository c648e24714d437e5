"""Packages of servers that say in each way of OpenAPI 3.1 §4.8.27 who may call: run against a live server."""

import base64
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from cl_client.errors import AuthenticationError
from cl_codegen.generate import PackageSources, generate
from cl_codegen.spec.spec import canonical
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

BASIC = "Basic " + base64.b64encode(b"ada:s:cret").decode()
WAYS = {
    "by_bearer": ({"type": "http", "scheme": "bearer"}, {"token": "secret"}, ("authorization", "Bearer secret")),
    "by_basic": (
        {"type": "http", "scheme": "Basic"},
        {"username": "ada", "password": "s:cret"},
        ("authorization", BASIC),
    ),
    "by_header": ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"api_key": "secret"}, ("x-key", "secret")),
    "by_query": ({"type": "apiKey", "in": "query", "name": "key"}, {"api_key": "a b&c"}, ("query", "a b&c")),
    "by_cookie": ({"type": "apiKey", "in": "cookie", "name": "sid"}, {"api_key": "secret"}, ("cookie", "secret")),
}
"""By package: the scheme of its spec, what its client is given, and where the server sees it."""


def create_app() -> FastAPI:
    app = FastAPI(title="Door", version="1")

    @app.get("/seen", tags=["door"])
    async def seen(request: Request, limit: int = 1) -> JSONResponse:
        del limit
        found = {
            "authorization": request.headers.get("authorization"),
            "x-key": request.headers.get("x-key"),
            "query": request.query_params.get("key"),
            "cookie": request.cookies.get("sid"),
        }
        said = {name: value for name, value in found.items() if value is not None}
        if not said:
            raise HTTPException(401, "who are you")
        return JSONResponse({**said, "limit": request.query_params.get("limit")})

    return app


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("doors")
    for name, (scheme, _, _) in WAYS.items():
        spec = create_app().openapi()
        spec["components"] = {**spec.get("components", {}), "securitySchemes": {"door": scheme}}
        (folder / f"{name}.json").write_text(canonical(spec))
        generate(PackageSources(folder / f"{name}.json", folder / "none.toml", TEMPLATES, name), folder / name)
        sys.path.insert(0, str(folder / name / "src"))
    yield folder
    for name in WAYS:
        sys.path.remove(str(folder / name / "src"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(create_app()) as address:
        yield address


def client_of(package: str, url: str, **said: str) -> object:
    module = importlib.import_module(package)
    name = "".join(part.capitalize() for part in package.split("_"))
    return getattr(module, f"{name}Client")(url, **said)


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_says_who_calls_where_the_spec_wants_it(packages, url, way):
    _, said, (place, value) = WAYS[way]
    async with client_of(way, url, **said) as client:
        assert await client.door.seen(limit=3) == {place: value, "limit": "3"}


@pytest.mark.parametrize("way", WAYS)
async def test_who_says_nothing_is_refused_by_the_server(packages, url, way):
    async with client_of(way, url) as client:
        with pytest.raises(AuthenticationError, match="who are you"):
            await client.door.seen()


@pytest.mark.parametrize("way", WAYS)
def test_the_environment_says_it_to_a_command(packages, url, way):
    _, said, (place, value) = WAYS[way]
    secrets = {f"{way.upper()}_{name.upper()}": one for name, one in said.items()}
    ran = subprocess.run(
        [sys.executable, "-m", way, "door", "seen", "--json"],
        env={**os.environ, **secrets, "PYTHONPATH": str(packages / way / "src"), "COMPUTE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert f'"{place}": "{value}"' in ran.stdout, ran.stderr
