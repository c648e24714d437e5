"""What a server sends by itself, read by the types of its package."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from cl_codegen.generate import PackageSources, generate
from tests.codegen_server.folders import TEMPLATES


class Paid(BaseModel):
    """Somebody has paid."""

    id: int
    cents: int


class Order(BaseModel):
    number: str


def spec() -> dict:
    app = FastAPI(title="Till", version="1.0.0")
    told = APIRouter()

    @told.post("{$request.body#/url}/paid")
    def paid(body: Paid) -> None: ...

    @app.post("/orders", tags=["orders"], callbacks=told.routes)
    def order(body: Order) -> Order:
        return body

    @app.webhooks.post("new-order", summary="An order has come")
    def new_order(body: Order) -> None: ...

    document = app.openapi()
    inline = {"type": "object", "required": ["why"], "properties": {"why": {"enum": ["rain", "snow"]}}}
    post = {"requestBody": {"content": {"application/json": {"schema": {"type": "array", "items": inline}}}}}
    document["webhooks"] |= {"closed": {"$ref": "#/components/pathItems/Closed"}, "lost": {"$ref": "#/nowhere"}}
    document["components"]["pathItems"] = {"Closed": {"post": post}}
    return document


@pytest.fixture(scope="module", params=["webhooks", "x-webhooks"])
def hooks(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[object]:
    folder: Path = tmp_path_factory.mktemp("till")
    name = f"till_{request.param.partition('-')[0]}"
    document = spec()
    document[request.param] = document.pop("webhooks")
    (folder / "till.json").write_text(json.dumps(document))
    generate(PackageSources(folder / "till.json", folder / "none.toml", TEMPLATES, name), folder / name)
    sys.path.insert(0, str(folder / name / "src"))
    yield importlib.import_module(f"{name}.api.webhooks")
    sys.path.remove(str(folder / name / "src"))
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def test_a_webhook_is_read_as_the_class_that_the_spec_has_for_it(hooks):
    order = hooks.new_order(b'{"number": "7"}')
    assert (type(order).__name__, order.number) == ("Order", "7")
    assert [one.why for one in hooks.closed([{"why": "rain"}])] == ["rain"]


def test_a_callback_is_read_too(hooks):
    (paid,) = [getattr(hooks, name) for name in vars(hooks) if "paid" in name]
    assert paid('{"id": 1, "cents": 250}').cents == 250


def test_what_is_no_such_thing_is_a_value_error(hooks):
    for body in ("{}", "no JSON", b"\xff", "[]", {}):
        with pytest.raises(ValueError, match=r"missing|promises"):
            hooks.new_order(body)
