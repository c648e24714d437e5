"""A package of a server without jobs: every operation is a typed method and a command, run against a live server."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI, Form, Header, HTTPException, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response
from mcp.client.client import Client
from pydantic import BaseModel

from cl_client.cli.help.options import GlobalOptions
from cl_client.cli.mcp.serving import McpServer
from cl_client.cli.running.run import Run
from cl_client.errors import AuthenticationError, NotFoundError
from cl_codegen.generate import PackageSources, generate
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server


class Pet(BaseModel):
    name: str
    tag: str | None = None


def create_app() -> FastAPI:
    app = FastAPI(title="Pets", version="1.0.0")
    pets = {"ada": Pet(name="ada", tag="cat")}

    @app.get("/pets", tags=["pets"])
    async def list_pets(request: Request, limit: int = 10) -> dict[str, object]:
        del limit
        return {"asked": parse_qsl(request.url.query)}

    @app.get("/pets/{name}", tags=["pets"])
    async def get_pet(name: str, x_key: Annotated[str | None, Header(include_in_schema=False)] = None) -> Pet:
        if x_key != "secret":
            raise HTTPException(401, "who are you")
        if name not in pets:
            raise HTTPException(404, "no such pet")
        return pets[name]

    @app.post("/pets", tags=["pets"])
    async def create_pet(pet: Pet) -> Pet:
        return pet

    @app.put("/pets", tags=["pets"])
    async def put_pet(pet: Annotated[Pet, Form()]) -> Pet:
        return pet

    @app.post("/pets/{name}/photo", tags=["photos"])
    async def upload_photo(name: str, photo: UploadFile, note: str = "") -> dict[str, object]:
        return {"name": name, "bytes": len(await photo.read()), "file": photo.filename, "note": note}

    @app.get("/pets/{name}/photo", tags=["photos"], response_class=Response, responses=PICTURE)
    async def get_photo(name: str) -> Response:
        return Response(b"\x89PNG" + name.encode(), media_type="image/png")

    @app.put("/raw", openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}})
    async def put_raw(request: Request) -> dict[str, object]:
        return {"bytes": len(await request.body()), "type": request.headers["content-type"]}

    @app.get("/text", response_class=PlainTextResponse)
    async def get_text() -> str:
        return "plain\n"

    return app


PICTURE = {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}


def spec() -> dict:
    made = create_app().openapi()
    made["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    tags = {"name": "tags", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}}
    where = {"name": "where", "in": "query", "style": "deepObject", "schema": {"type": "object"}}
    made["paths"]["/pets"]["get"]["parameters"] += [tags, where]
    return made


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pets")
    (folder / "pets.json").write_text(json.dumps(spec()))
    generate(PackageSources(folder / "pets.json", folder / "none.toml", TEMPLATES, "pet_shop"), folder / "out")
    sys.path.insert(0, str(folder / "out" / "src"))
    yield folder / "out" / "src"
    sys.path.remove(str(folder / "out" / "src"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(create_app()) as address:
        yield address


async def test_every_operation_is_a_method_below_its_tag(package, url, tmp_path):
    shop = importlib.import_module("pet_shop")
    models = importlib.import_module("pet_shop.api.models")
    (tmp_path / "photo.png").write_bytes(b"12345")
    async with shop.PetShopClient(url, api_key="secret") as client:
        assert await client.pets.get_pet("ada") == models.Pet(name="ada", tag="cat")
        assert (await client.pets.create_pet(body=models.Pet(name="bob"))).name == "bob"
        assert await client.pets.put_pet(body=models.Pet(name="b&b", tag="c")) == models.Pet(name="b&b", tag="c")
        uploaded = await client.photos.upload_photo("ada", photo=tmp_path / "photo.png", note="nice")
        assert uploaded == {"name": "ada", "bytes": 5, "file": "photo.png", "note": "nice"}
        assert await client.default.put_raw(body=tmp_path / "photo.png") == {
            "bytes": 5,
            "type": "application/octet-stream",
        }
        assert await client.default.get_text() == "plain\n"
        saved = await client.photos.get_photo("ada", tmp_path)
        assert saved.read_bytes() == b"\x89PNGada"
        with pytest.raises(NotFoundError, match="no such pet"):
            await client.pets.get_pet("eve")


async def test_parameters_go_out_as_the_spec_says(package, url):
    shop = importlib.import_module("pet_shop")
    async with shop.PetShopClient(url) as client:
        made = await client.pets.list_pets(limit=3, tags=["a,b", "c"], where={"age": 3})
    assert made["asked"] == [["limit", "3"], ["tags", "a,b,c"], ["where[age]", "3"]]


async def test_who_gives_no_key_is_nobody(package, url):
    shop = importlib.import_module("pet_shop")
    async with shop.PetShopClient(url) as client:
        with pytest.raises(AuthenticationError, match="who are you"):
            await client.pets.get_pet("ada")


def test_the_client_without_async_does_the_same(package, url, tmp_path):
    shop = importlib.import_module("pet_shop.sync")
    with shop.PetShopClient(url, api_key="secret") as client:
        assert client.pets.get_pet("ada").tag == "cat"
        assert client.photos.get_photo("ada", tmp_path / "ada.png").read_bytes() == b"\x89PNGada"


def run(package: Path, url: str, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pet_shop", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(package), "COMPUTE_URL": url, "PET_SHOP_API_KEY": "secret"},
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )


def test_every_operation_is_a_command(package, url, tmp_path):
    assert json.loads(run(package, url, "pets", "get-pet", "ada", "--json").stdout) == {"name": "ada", "tag": "cat"}
    made = run(package, url, "pets", "create-pet", "--body", '{"name": "bob"}', "--json")
    assert json.loads(made.stdout)["name"] == "bob"
    from_stdin = run(package, url, "pets", "create-pet", "--body", "-", "--json", stdin='{"name": "eli"}')
    assert json.loads(from_stdin.stdout)["name"] == "eli"
    saved = run(package, url, "photos", "get-photo", "ada", "--output", tmp_path / "ada.png")
    assert (saved.returncode, (tmp_path / "ada.png").read_bytes()) == (0, b"\x89PNGada")
    streamed = run(package, url, "photos", "get-photo", "ada", "-o", "-")
    assert (streamed.returncode, streamed.stdout, streamed.stderr) == (0, "\ufffdPNGada", "")
    sent = run(package, url, "photos", "upload-photo", "ada", "--photo", "-", "--json", stdin="from a pipe")
    assert (sent.returncode, json.loads(sent.stdout)["bytes"]) == (0, len("from a pipe"))
    missing = run(package, url, "pets", "get-pet", "eve")
    assert (missing.returncode, "no such pet" in missing.stderr) == (1, True)


def test_its_help_shows_the_groups(package, url):
    page = run(package, url, "--help").stdout
    assert "Operations" in page
    assert "photos" in page


async def test_operations_are_the_tools_of_an_agent_where_a_server_has_no_jobs(package, url, tmp_path, monkeypatch):
    monkeypatch.setenv("COMPUTE_URL", url)
    monkeypatch.setenv("PET_SHOP_API_KEY", "secret")
    program = importlib.import_module("pet_shop.cli").program()
    async with Client(McpServer(Run(program, GlobalOptions()), folders=[tmp_path]).server) as client:
        tools = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        assert {"pets_get_pet", "pets_create_pet", "photos_get_photo"} <= tools.keys()
        assert tools["pets_list_pets"]["properties"]["limit"]["type"] == "integer"

        async def called(tool: str, **values: object) -> object:
            return (await client.call_tool(tool, values)).structured_content

        assert await called("pets_get_pet", name="ada") == {"name": "ada", "tag": "cat"}
        assert (await called("pets_create_pet", body={"name": "bob"}))["name"] == "bob"
        assert await called("photos_get_photo", name="ada", dest=str(tmp_path / "ada.png")) == {
            "saved": str(tmp_path / "ada.png")
        }
        assert "no such pet" in (await called("pets_get_pet", name="eve"))["error"]
        assert "--folder" in (await called("photos_get_photo", name="ada", dest="/ada.png"))["hint"]
        assert "the body itself" in (await called("pets_create_pet", body="@/etc/hostname"))["error"]
