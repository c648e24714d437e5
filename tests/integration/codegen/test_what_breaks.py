"""What openapi-python-client alone gets wrong on the specs of FastAPI, and the mend for each: with it, and without it.

Each row makes a client twice. With our generator the probe holds; with the mend taken out, it does not. What is mended
elsewhere is in `ELSEWHERE`, with the test that stands for it.
"""

import ast
import copy
import importlib
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from attrs import frozen

from cl_client.http.auth import AuthProvider
from cl_client.http.transport import Transport
from cl_codegen.normalise import rules
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.wire import model_field, wire
from tests.codegen_server.call import call
from tests.codegen_server.folders import ROOT, TEMPLATES, server_spec
from tests.codegen_server.foreign import HERE

RUNTIME = ROOT / "src" / "cl_client" / "wire"
JOB = {"job_id": "a", "task_type": "hash", "status": "queued", "params": {}}


@frozen
class Row:
    """What breaks, how to take its mend out, and what holds with it."""

    problem: str
    without: Callable[[Path, pytest.MonkeyPatch], None]
    probe: Callable[[SimpleNamespace], object]
    spec: Callable[[], dict] = server_spec


def rule(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Without a rule of the normalisation."""

    def take_out(_: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(rules, "RULES", tuple(one for one in rules.RULES if one.__name__ != name))

    return take_out


def template(
    name: str, *edits: tuple[str, str], source: Path = TEMPLATES / "api"
) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Without a line of a template."""

    def take_out(templates: Path, _: pytest.MonkeyPatch) -> None:
        path = templates / "api" / name
        text = of_its_own(name.removesuffix(".jinja")) if source == RUNTIME else path.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    return take_out


def of_its_own(name: str) -> str:
    """A module of the runtime as a generated package could have it; the models stand on its types."""
    text = (RUNTIME / name).read_text()
    if name == "types.py":
        models = (RUNTIME / "model.py").read_text().partition("\n@frozen")
        imports = "from functools import cache\nfrom typing import ClassVar\nfrom attrs import field, fields_dict\n"
        text = f"{text}\n{imports}{models[1]}{models[2]}"
    return text


def runtime(name: str, *edits: tuple[str, str]) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Without a line of what every wire layer has from the client: this one has a copy of its own."""
    return template(f"{name}.jinja", *edits, source=RUNTIME)


def fields_as(*, request: bool) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Without the difference between what is sent and what is read."""
    fields = model_field.fields

    def take_out(_: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(model_field, "fields", lambda model, **_: fields(model, request=request))

    return take_out


def old_api() -> dict:
    return json.loads((HERE / "old_api" / "openapi.json").read_text())


def whole_schemas() -> dict:
    """Models as pydantic writes them alone."""
    spec = server_spec()
    spec["components"]["schemas"]["HashOutput"] = {
        "type": "object",
        "$defs": {"Part": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "properties": {"part": {"$ref": "#/$defs/Part"}},
    }
    return spec


def answering(api: SimpleNamespace, status: int, value: object) -> tuple[object, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        return httpx.Response(status, json=value)

    carrier = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://server")
    return api.client.Client("http://server").set_async_httpx_client(carrier), requests


def raises(api: SimpleNamespace, status: int, body: object) -> bool:
    try:
        call(api.get_job, "a", client=answering(api, status, body)[0])
    except api.errors.StatusError as error:
        return error.status_code == status
    return False


def boundary(api: SimpleNamespace) -> bool:
    client, requests = answering(api, 200, JOB)
    call(api.create_hash_job, client=client, body=api.models.BodyCreateHashJob(file=api.types.File(b"\r\n--+++\r\n")))
    return "boundary=+++" not in requests[0].headers["content-type"]


def detail(api: SimpleNamespace) -> bool:
    return api.models.HTTPValidationError.from_dict({"detail": "no"}).detail == "no"


def copies(api: SimpleNamespace) -> bool:
    unset = api.types.UNSET
    return copy.deepcopy(unset) is unset and pickle.loads(pickle.dumps(unset)) is unset


def form(api: SimpleNamespace, **fields: object) -> dict[str, object]:
    return api.models.BodyCreateHashJob(file=api.types.File(b"x"), **fields).to_form()


ROWS = (
    Row(
        "a file is `contentMediaType: application/octet-stream`, and is sent as text",
        rule("files_are_binary"),
        lambda api: api.models.BodyCreateHashJob.__annotations__["file"] == "File",
    ),
    Row(
        "the boundary of a form is always the same, and a file may hold it",
        template(
            "endpoint_module.py.jinja",
            (
                '"method": {{ e.method | literal }},',
                '"method": {{ e.method | literal }}, "headers": {"Content-Type": "x; boundary=+++"},',
            ),
        ),
        boundary,
    ),
    Row(
        "a field that is None is sent as a text",
        runtime("types.py", ("if value is not None and not isinstance(value, Unset)", "if value is not UNSET")),
        lambda api: form(api, salt=None) == {},
    ),
    Row(
        "a file without a name is sent as a plain field",
        runtime("types.py", ('file_name: str = "upload"', 'file_name: str = ""')),
        lambda api: bool(api.types.File(b"x").to_part()[0]),
    ),
    Row(
        "an error is given back as None",
        template("endpoint_module.py.jinja", ("raise errors.status_error(", "return (")),
        lambda api: all(raises(api, status, {"detail": "no"}) for status in (401, 403, 404, 500)),
    ),
    Row("a 422 whose detail is a text cannot be read", rule("details_may_be_text"), detail, old_api),
    Row(
        "a status that nobody knows is a ValueError",
        template(
            "endpoint_module.py.jinja",
            (
                "{% macro answer() %}\n",
                "{% macro answer() %}\n    __import__('http').HTTPStatus(response.status_code)\n",
            ),
        ),
        lambda api: raises(api, 599, {}),
    ),
    Row(
        "without a timeout a request waits for ever",
        runtime("client.py", ("default=30.0", "default=None")),
        lambda api: api.client.Client("http://server").get_async_httpx_client().timeout.read == 30,
    ),
    Row(
        "what is absent in an answer is Unset, and not the default of the spec",
        fields_as(request=True),
        lambda api: api.models.JobResponse.from_dict(JOB).priority == 5,
    ),
    Row(
        "defaults of a request are always sent, so that a new default of the server never applies",
        fields_as(request=False),
        lambda api: form(api) == {},
    ),
    Row(
        "copies and pickles break UNSET",
        runtime(
            "types.py",
            ("class Unset(enum.Enum):", "class Unset:"),
            ('    UNSET = "UNSET"\n', ""),
            ("UNSET: Final = Unset.UNSET", "UNSET = Unset()"),
        ),
        copies,
    ),
    Row(
        "`$defs` are references that lead nowhere",
        rule("definitions_are_components"),
        lambda api: api.models.HashOutput.from_dict({"part": {"name": "a"}}).part.name == "a",
        whole_schemas,
    ),
)

ELSEWHERE = {
    "a download is read whole into memory": ("client/test_trouble", "a_download_that_is_cut_goes_on_where_it_was"),
    "a token that changes is ignored": ("codegen/test_what_breaks", "a_token_that_changes_is_taken_at_every_request"),
    "defaults of lists are dropped": ("codegen/test_wire", "a_default_list_is_not_shared"),
    "bounds are dropped": ("codegen/test_plugin_layer", "bounds_are_checked_before_anything_is_sent"),
    "an enum refuses a word of a newer server": ("codegen/test_wire", "a_status_word_that_nobody_knows_is_kept"),
    "a discriminator is ignored": ("codegen/test_wire_types", "the_word_of_a_tag_says_which_model_it_is"),
    "JSON that holds itself drops every model that mentions it": (
        "codegen/test_wire_types",
        "json_that_holds_itself_is_any_json",
    ),
    "`X-Input` and `X-Output` have one title, and one is dropped": (
        "codegen/test_wire_types",
        "two_components_of_one_title_are_two_classes",
    ),
    "a schema that is `true` cannot be read": ("codegen/test_wire_types", "a_schema_that_is_true_is_any_json"),
}


def make(name: str, spec: dict, folder: Path, templates: Path) -> SimpleNamespace:
    """The wire layer of a spec, imported under a name of its own."""
    made, _ = rules.normalise(Spec.of(Path("server.json"), spec))
    wire.generate(made, name, folder / name, templates / "api")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        parts = {part: importlib.import_module(f"{name}.{part}") for part in ("models", "types", "errors", "client")}
        endpoints = {
            path.stem: importlib.import_module(f"{name}.api.jobs.{path.stem}")
            for path in (folder / name / "api" / "jobs").glob("[!_]*.py")
        }
        for model in parts["models"].__all__:
            getattr(parts["models"], model)
    finally:
        sys.path.remove(str(folder))
    return SimpleNamespace(**parts, **endpoints)


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[], dict]], SimpleNamespace]:
    folder = tmp_path_factory.mktemp("mended")
    made: dict[str, SimpleNamespace] = {}

    def of(spec: Callable[[], dict]) -> SimpleNamespace:
        name = f"mended_{spec.__name__}"
        if name not in made:
            made[name] = make(name, spec(), folder, TEMPLATES)
        return made[name]

    return of


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.problem)
def test_it_holds_with_the_mend_and_breaks_without_it(row: Row, mended, tmp_path, monkeypatch):
    assert row.probe(mended(row.spec))
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    row.without(tmp_path / "templates", monkeypatch)
    name = f"broken_{ROWS.index(row)}"
    try:
        holds = row.probe(make(name, row.spec(), tmp_path, tmp_path / "templates"))
    except (SpecError, AttributeError, TypeError, ValueError, KeyError):
        holds = False
    assert not holds


@pytest.mark.parametrize(("module", "name"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_mended_elsewhere_is_tested_there(module: str, name: str):
    tree = ast.parse((ROOT / "tests" / "integration" / f"{module}.py").read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert f"test_{name}" in tests


class Changing(AuthProvider):
    """A token that is another one each time."""

    def __init__(self) -> None:
        self.asked = 0

    def get_headers(self) -> dict[str, str]:
        self.asked += 1
        return {"Authorization": f"Bearer {self.asked}"}


async def test_a_token_that_changes_is_taken_at_every_request(server_url):
    async with Transport(server_url, timeout=10, auth=Changing()) as transport:
        answers = [await transport.get("/capabilities") for _ in range(2)]
    assert [answer.request.headers["authorization"] for answer in answers] == ["Bearer 1", "Bearer 2"]
