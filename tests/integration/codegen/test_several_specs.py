"""One package for several servers: who signs in at one is known to the others, and what is called alike stays apart."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest
from fastapi import FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from cl_client import JWTAuthProvider, ServerConfig
from cl_client.errors import AuthenticationError, InvalidParameterError
from tests.codegen_server import fake_family_apis
from tests.codegen_server.command import run
from tests.codegen_server.fake_family_apis import PICTURE, TOKEN
from tests.codegen_server.folders import ROOT
from tests.codegen_server.running import running_server

EXAMPLES = ROOT / "docs" / "examples" / "family"
MANIFEST = f"""\
{(EXAMPLES / "family.toml").read_text("utf-8")}
[specs.billing]
path = "more/billing.json"
only = ["entity"]
"""
"""The example, and a server that has nothing to do with it."""


class Entity(BaseModel):
    """Called as one of the store, which has other fields."""

    cents: int


def billing() -> FastAPI:
    app = FastAPI(title="Billing")

    @app.get("/entities", tags=["entity"], operation_id="get_entities")
    async def get_entities(key: Annotated[str, Security(APIKeyHeader(name="X-Key"))]) -> list[Entity]:
        if key != "k1":
            raise HTTPException(403)
        return [Entity(cents=7)]

    @app.get("/audit", tags=["audit"], operation_id="audit")
    async def audit() -> str:
        return ""

    return app


SERVERS = {
    "auth": fake_family_apis.auth,
    "compute": fake_family_apis.compute,
    "store": fake_family_apis.store,
    "billing": billing,
}


def write_specs(folder: Path) -> Path:
    """The manifest, with the specs beside it."""
    (folder / "more").mkdir(parents=True)
    for name, app in SERVERS.items():
        path = folder / ("more" if name == "billing" else ".") / f"{name}.json"
        path.write_text(json.dumps(app().openapi()))
    for name in ("auth", "compute", "store"):
        (folder / f"{name}.toml").write_text((EXAMPLES / f"{name}.toml").read_text("utf-8"))
    (folder / "family.toml").write_text(MANIFEST)
    return folder / "family.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The specs, and the package, importable as `family`."""
    folder = tmp_path_factory.mktemp("several")
    made = run("generate", "--manifest", write_specs(folder), "--package", "family", "--out", folder / "family")
    assert (made.returncode, made.stderr) == (0, "")
    (folder / "photo.jpg").write_bytes(PICTURE)
    path = str(folder / "family" / "src")
    sys.path.insert(0, path)
    yield folder
    sys.path.remove(path)


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The arguments that say where all servers are."""
    with (
        running_server(SERVERS["auth"]()) as auth,
        running_server(SERVERS["compute"]()) as compute,
        running_server(SERVERS["store"]()) as store,
        running_server(SERVERS["billing"]()) as billing,
    ):
        yield {"auth_url": auth, "compute_url": compute, "store_url": store, "billing_url": billing}


@pytest.fixture
def told(urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The same, said by the environment, with who calls; gives a function that runs the command line."""
    for name, url in urls.items():
        monkeypatch.setenv(f"FAMILY_{name.upper()}", url)
    for name, secret in (("USERNAME", "ada"), ("PASSWORD", "secret"), ("BILLING_API_KEY", "k1")):
        monkeypatch.setenv(f"FAMILY_{name}", secret)
    monkeypatch.setenv("MQTT_URL", "mqtt://127.0.0.1:1")
    return SimpleNamespace(run=lambda *words: importlib.import_module("family.cli").main(list(map(str, words))))


async def test_who_signs_in_at_one_server_is_known_to_the_others_that_take_tokens(folder, urls):
    config = ServerConfig(mqtt_port=1, urls={"billing_url": urls["billing_url"]})
    own = {name: url for name, url in urls.items() if name != "billing_url"}
    family = importlib.import_module("family")
    secrets = {"username": "ada", "password": "secret", "api_key": "k1"}
    async with family.FamilyClient(**own, server_config=config, **secrets) as client:
        made = await client.store.entity.create_entity(label="a", image=folder / "photo.jpg")
        assert (await client.auth.default.read_users_me()).username == "ada"
        job = await client.compute.hash.compute(folder / "photo.jpg", wait=True, timeout=20)
        assert job.task_output == {"media_type": "image"}
        (bill,) = await client.billing.entity.get_entities()
        assert (made.label, bill.cents, type(made) is type(bill)) == ("a", 7, False)


async def test_a_token_that_a_server_has_given_can_be_used_from_then_on(folder, urls):
    family = importlib.import_module("family")
    models = importlib.import_module("family.auth.api.models")
    async with family.FamilyClient(**urls) as client:
        with pytest.raises(AuthenticationError):
            await client.store.entity.get_entities()
        form = models.BodyLoginForAccessToken(username="ada", password="secret")
        token = await client.auth.default.login_for_access_token(body=form)
        client.use_token(token.access_token)
        assert (await client.store.entity.get_entities()).items is not None
        client.use_token(None)
        with pytest.raises(AuthenticationError):
            await client.store.entity.get_entities()
    async with family.FamilyClient(**urls, auth_provider=JWTAuthProvider(TOKEN)) as client:
        assert (await client.auth.default.read_users_me()).username == "ada"


def test_without_async_all_servers_share_one_thread_and_an_unknown_address_says_how_to_give_it(folder, urls):
    sync = importlib.import_module("family.sync")
    with sync.FamilyClient(**urls, username="ada", password="secret") as client:
        assert client.store.portal is client.compute.portal
        client.store.entity.create_entity(label="b")
        assert "b" in [one.label for one in client.store.entity.get_entities_all(page_size=1)]
        assert client.compute.hash.compute(folder / "photo.jpg", wait=True, timeout=20).status == "completed"
    with sync.FamilyClient() as client, pytest.raises(InvalidParameterError, match="billing_url=, or set FAMILY_BILL"):
        _ = client.billing


def test_the_command_line_has_the_commands_of_each_server_below_its_name(folder, urls, told, capsys):
    assert told.run("--json", "billing", "entity", "get-entities") == 0
    assert json.loads(capsys.readouterr().out) == [{"cents": 7}]
    assert told.run("compute", "hash", "compute", folder / "photo.jpg", "--json") == 0
    job = json.loads(capsys.readouterr().out)
    assert told.run("compute", "jobs", "wait", job["job_id"]) == 0
    assert told.run("auth", "default", "read-users-me", "--auth-url", "http://127.0.0.1:1") == 1
    assert told.run("store", "entity", "get-entities", f"--store-url={urls['store_url']}", "--json", "--all") == 0
    assert told.run("stor", "entity") == 2
    said = capsys.readouterr()
    assert 'Did you mean "store"?' in said.err


def test_addresses_are_settings_of_profiles_and_pages_of_help_name_their_options(folder, urls, told, capsys, tmp_path):
    file = tmp_path / "profiles.toml"
    assert told.run("config", "set", "billing_url", "http://127.0.0.1:1", "--config", file) == 0
    assert told.run("config", "set", "biling_url", "http://127.0.0.1:1", "--config", file) == 2
    assert "is it billing_url?" in capsys.readouterr().err
    assert told.run("config", "show", "--config", file) == 0
    assert "environment FAMILY_BILLING_URL" in capsys.readouterr().out
    for words in (["--help"], ["help", "billing"], ["billing", "entity", "--help"]):
        assert told.run(*words) == 0
        assert "--billing-url URL" in capsys.readouterr().out
    assert told.run("billing", "entity", "get-entities", "--schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "family billing entity get-entities"
    assert told.run("completion", "bash") == 0
    assert '"get-entities"' in capsys.readouterr().out


def test_check_diff_fetch_and_regenerate_are_for_all_specs(tmp_path):
    manifest, out, old = write_specs(tmp_path / "new"), tmp_path / "family", tmp_path / "old"
    package = ("--manifest", manifest, "--package", "family")
    write_specs(old)
    assert run("generate", *package, "--out", out).returncode == 0
    assert run("check", *package, "--out", out).returncode == 0
    changed = billing()
    changed.openapi()["components"]["schemas"]["Entity"]["properties"] = {"euros": {"type": "integer"}}
    with running_server(changed) as url:
        manifest.write_text(MANIFEST + f'url = "{url}"\n')
        ran = run("regenerate", *package, "--out", out, "--no-types")
    assert ran.returncode == 1
    assert "billing: schema Entity, field cents: is gone" in ran.stdout
    assert "euros" in (out / "src" / "family" / "billing" / "api" / "models" / "entity.py").read_text()
    compared = run("diff", old, tmp_path / "new", *package)
    assert (compared.returncode, "billing: schema Entity, field cents: is gone" in compared.stdout) == (1, True)
    assert run("check", *package, "--out", out).returncode == 0
    with running_server(billing()) as url:
        manifest.write_text(MANIFEST + f'url = "{url}"\n')
        fetched = run("fetch", "--manifest", manifest)
    assert (fetched.returncode, "billing.json: changed" in fetched.stdout) == (0, True)
    story = run("explain", "hash", "--manifest", manifest, "--package", "family", "--spec", "compute")
    assert "client.compute.hash" in story.stdout
    assert run("generate", *package, "--strict", "--out", out).returncode == 0
    spec = json.loads((tmp_path / "new" / "more" / "billing.json").read_text())
    spec["components"]["securitySchemes"]["card"] = {"type": "mutualTLS"}
    (tmp_path / "new" / "more" / "billing.json").write_text(json.dumps(spec))
    refused = run("generate", *package, "--strict", "--out", out)
    assert (refused.returncode, "more/billing.json" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("[specs.store]\npath = 3\n", "line 2: [specs.store] path: expected a string"),
        ('[specs.store]\nurls = "x"\n', "[specs.store.urls] table: expected a table"),
        ('[specs.store]\nmanifest = "no.toml"\n', "line 2: [specs.store] manifest: there is no file no.toml"),
        ("[specs.client]\n", "line 1: [specs.client] table: the package has a 'client' of its own"),
        ("[specs.two-words]\n", "write [specs.two_words]"),
        ('[specs.store]\n[hash]\noperation = "x"\n', "line 2: hash: belongs to one of the specs"),
        ('[specs.store.hash]\noperation = "x"\nverb = "A"\n', "line 3: [specs.store.hash] verb: 'A' isn't a word"),
        ("[specs.store]\n", "store.json"),
        ("specs = 3\n", "expected tables such as [specs.store]"),
    ],
)
def test_what_is_wrong_in_the_manifest_is_told_with_its_line_and_nothing_is_written(manifest, said, tmp_path):
    (tmp_path / "m.toml").write_text(manifest)
    ran = run("generate", "--manifest", tmp_path / "m.toml", "--package", "family", "--out", tmp_path / "family")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert said in ran.stderr
    assert not (tmp_path / "family").exists()
