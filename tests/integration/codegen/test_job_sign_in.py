"""Packages of job servers that want to know who calls, and have their paths below another: on a live server."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

from cl_client.errors import AuthenticationError
from cl_codegen.generate import PackageSources, generate
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "query", "name": "key"},
    "program": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "token", "scopes": {}}}},
}
WAYS = {"token": "secret", "api_key": "secret", "client_secret": "secret"}


class Job(BaseModel):
    id: str
    status: str


class Count(BaseModel):
    text: str


def create_app() -> FastAPI:
    """A server below /api/v2, whose document says so as one behind a proxy does."""
    api = FastAPI(title="Counter", version="1", servers=[{"url": "/api/v2"}])

    def check(request: Request) -> None:
        if request.headers.get("authorization") != "Bearer secret" and request.query_params.get("key") != "secret":
            raise HTTPException(401, "who are you")

    @api.post("/token", include_in_schema=False)
    async def token() -> dict[str, str]:
        return {"access_token": "secret", "token_type": "bearer"}

    @api.post("/jobs/count", operation_id="count")
    async def count(request: Request, body: Count) -> Job:
        check(request)
        return Job(id=body.text, status="queued")

    @api.get("/jobs/{id}", operation_id="get_job")
    async def get_job(request: Request, id: str) -> Job:
        check(request)
        return Job(id=id, status="done")

    @api.get("/sizes", operation_id="get_sizes", tags=["sizes"])
    async def get_sizes(request: Request) -> list[int]:
        check(request)
        return [1, 2]

    app = FastAPI()
    app.mount("/api/v2", api)
    app.state.document = api.openapi()
    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    app = create_app()
    folder = tmp_path_factory.mktemp("counter")
    document = app.state.document
    document["components"]["securitySchemes"] = SCHEMES
    (folder / "counter.json").write_text(json.dumps(document))
    generate(PackageSources(folder / "counter.json", folder / "none.toml", TEMPLATES, "counter_kit"), folder / "out")
    sys.path.insert(0, str(folder / "out" / "src"))
    with running_server(app) as url:
        yield folder / "out" / "src", url
    sys.path.remove(str(folder / "out" / "src"))


@pytest.mark.parametrize("way", WAYS)
async def test_jobs_and_all_else_are_asked_for_by_who_the_caller_is(server, way):
    kit = importlib.import_module("counter_kit")
    given = {way: WAYS[way]} | ({"client_id": "me"} if way == "client_secret" else {})
    async with kit.CounterKitClient(server[1], **given) as client:
        assert (await client.count.run("word", wait=True, timeout=20)).status == "completed"
        assert await client.sizes.get_sizes() == [1, 2]


async def test_who_says_nothing_is_refused(server):
    kit = importlib.import_module("counter_kit")
    async with kit.CounterKitClient(f"{server[1]}/api/v2") as client:
        with pytest.raises(AuthenticationError, match="who are you"):
            await client.count.run("word")


def test_without_async_and_as_a_command_it_is_the_same(server):
    package, url = server
    with importlib.import_module("counter_kit.sync").CounterKitClient(url, api_key="secret") as client:
        assert client.count.run("word", wait=True, timeout=20).status == "completed"
    ran = subprocess.run(
        [sys.executable, "-m", "counter_kit", "count", "run", "--text", "word", "--json"],
        env={**os.environ, "PYTHONPATH": str(package), "COMPUTE_URL": url, "COUNTER_KIT_TOKEN": "secret"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(ran.stdout)["status"] == "completed", ran.stderr


def test_a_command_goes_to_the_address_of_the_spec_where_nobody_says_another(server, tmp_path):
    document = create_app().state.document | {"servers": [{"url": "http://127.0.0.1:1/base"}]}
    (tmp_path / "far.json").write_text(json.dumps(document))
    generate(PackageSources(tmp_path / "far.json", tmp_path / "none.toml", TEMPLATES, "far_away"), tmp_path / "out")
    free = {name: value for name, value in os.environ.items() if not name.startswith(("COMPUTE_", "CL_"))}
    for said, wanted in (
        ({}, "http://127.0.0.1:1/base"),
        ({"COMPUTE_URL": "http://127.0.0.1:2"}, "http://127.0.0.1:2"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "far_away", "sizes", "get-sizes"],
            env={**free, **said, "PYTHONPATH": str(tmp_path / "out" / "src"), "XDG_CONFIG_HOME": str(tmp_path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert f"cannot reach {wanted}" in ran.stderr
