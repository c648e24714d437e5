"""Each style of OpenAPI 3.1 §4.8.12.3 as it arrives at a live server, which takes it apart as RFC 6570 has it."""

import datetime
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, unquote_plus

import pytest
from fastapi import FastAPI, Request

from cl_codegen.generate import PackageSources, generate
from tests.codegen_server.folders import TEMPLATES
from tests.codegen_server.running import running_server

HARD = ["a,b", "c d|e", "f&g=h;i", "j/k.l", "100%", "größe?#"]
"""Values with every sign that separates something somewhere."""
OBJECT = {"R": "1,0", "G b": "a=b&c", "B": "x|y;z"}
WHEN = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


def parts(text: str, between: str) -> list[str]:
    return [unquote(part) for part in text.split(between)]


def pairs(text: str, between: str, equals: str) -> dict[str, str]:
    """An object, whose names and values have `equals` between them, or alternate where that is `between`."""
    if equals == between:
        words = parts(text, between)
        return dict(zip(words[::2], words[1::2], strict=True))
    return {unquote(name): unquote(value) for name, _, value in (one.partition(equals) for one in text.split(between))}


STRINGS = {"type": "array", "items": {"type": "string"}}
COLOURS = {"type": "object", "additionalProperties": {"type": "string"}}
WAYS = {
    "form": ("query", "form", False, STRINGS, lambda raw: parts(raw.removeprefix("v="), ",")),
    "form_each": ("query", "form", True, STRINGS, lambda raw: [unquote_plus(p[2:]) for p in raw.split("&")]),
    "form_object": ("query", "form", False, COLOURS, lambda raw: pairs(raw.removeprefix("v="), ",", ",")),
    "form_members": ("query", "form", True, COLOURS, lambda raw: pairs(raw, "&", "=")),
    "space": ("query", "spaceDelimited", False, STRINGS, lambda raw: parts(raw.removeprefix("v="), "%20")),
    "pipe": ("query", "pipeDelimited", False, STRINGS, lambda raw: parts(raw.removeprefix("v="), "%7C")),
    "deep": ("query", "deepObject", True, COLOURS, lambda raw: {k[2:-1]: v for k, v in pairs(raw, "&", "=").items()}),
    "simple": ("path", "simple", False, STRINGS, lambda raw: parts(raw, ",")),
    "simple_object": ("path", "simple", False, COLOURS, lambda raw: pairs(raw, ",", ",")),
    "simple_members": ("path", "simple", True, COLOURS, lambda raw: pairs(raw, ",", "=")),
    "label": ("path", "label", False, STRINGS, lambda raw: parts(raw.removeprefix("."), ",")),
    "label_members": ("path", "label", True, COLOURS, lambda raw: pairs(raw.removeprefix("."), ".", "=")),
    "matrix": ("path", "matrix", False, STRINGS, lambda raw: parts(raw.removeprefix(";v="), ",")),
    "matrix_each": ("path", "matrix", True, STRINGS, lambda raw: parts(raw.removeprefix(";v="), ";v=")),
    "matrix_object": ("path", "matrix", False, COLOURS, lambda raw: pairs(raw.removeprefix(";v="), ",", ",")),
    "matrix_members": ("path", "matrix", True, COLOURS, lambda raw: pairs(raw.removeprefix(";"), ";", "=")),
    "moment": ("query", "form", True, {"type": "string", "format": "date-time"}, lambda raw: unquote(raw[2:])),
    "moment_in_path": ("path", "simple", False, {"type": "string", "format": "date-time"}, unquote),
    "day": ("query", "form", True, {"type": "string", "format": "date"}, lambda raw: raw[2:]),
    "header": ("header", "simple", False, STRINGS, lambda raw: raw.split(",")),
    "header_members": ("header", "simple", True, COLOURS, lambda raw: pairs(raw, ",", "=")),
    "header_moment": ("header", "simple", False, {"type": "string", "format": "date-time"}, str),
    "cookie": ("cookie", "form", False, STRINGS, lambda raw: unquote(raw.removeprefix("v=")).split(",")),
}
"""By operation: place, style, explode, schema, and how a server takes it apart."""
AMBIGUOUS = {"space": " ", "pipe": "|"}
"""What is between the values of a style is escaped as it is in a value: no server can tell them apart."""


def spec() -> dict:
    def operation(name: str) -> dict:
        place, style, explode, schema, _ = WAYS[name]
        parameter = {"name": "v", "in": place, "required": True, "style": style, "explode": explode, "schema": schema}
        answer = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}}
        return {"get": {"operationId": name, "tags": ["way"], "parameters": [parameter], "responses": answer}}

    paths = {f"/{name}" + ("/at{v}/end" if WAYS[name][0] == "path" else ""): operation(name) for name in WAYS}
    return {"openapi": "3.1.0", "info": {"title": "Ways", "version": "1.0.0"}, "paths": paths}


def create_app() -> FastAPI:
    app = FastAPI()

    @app.get("/{way}{rest:path}")
    async def seen(request: Request, way: str) -> str:
        """What came, as it came."""
        path = request.scope["raw_path"].decode()
        name = path.split("/")[1]
        place = WAYS[name][0]
        if place == "path":
            begin, end = f"/{name}/at", "/end"
            assert path.startswith(begin)
            assert path.endswith(end)
            return path[len(begin) : -len(end)]
        return {"query": request.scope["query_string"].decode()}.get(place) or request.headers[
            {"header": "v", "cookie": "cookie"}[place]
        ]

    return app


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    folder: Path = tmp_path_factory.mktemp("ways")
    (folder / "ways.json").write_text(json.dumps(spec()))
    made = generate(PackageSources(folder / "ways.json", folder / "none.toml", TEMPLATES, "all_ways"), folder / "out")
    assert made.left_out == ()
    sys.path.insert(0, str(folder / "out" / "src"))
    with running_server(create_app()) as url:
        with importlib.import_module("all_ways.sync").AllWaysClient(url) as client:
            yield client
    sys.path.remove(str(folder / "out" / "src"))


def value_of(name: str) -> object:
    _, _, _, schema, _ = WAYS[name]
    if "format" in schema:
        return WHEN if schema["format"] == "date-time" else WHEN.date()
    if name.startswith(("header", "cookie")):  # No sign of theirs can be escaped in a header (RFC 6570 is for URLs).
        return ["a b", "c/d"] if schema is STRINGS else {"R": "100", "G": "a b"}
    if name in AMBIGUOUS:
        return [value for value in HARD if AMBIGUOUS[name] not in value]
    return HARD if schema is STRINGS else OBJECT


@pytest.mark.parametrize("name", WAYS)
def test_a_server_that_takes_it_apart_has_what_was_given(ways, name):
    value = value_of(name)
    came = getattr(ways.way, name)(value) if WAYS[name][0] == "path" else getattr(ways.way, name)(v=value)
    assert WAYS[name][4](came) == (value.isoformat() if isinstance(value, datetime.date) else value)


def test_a_time_without_an_offset_is_of_here(ways):
    naive = datetime.datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001
    assert datetime.datetime.fromisoformat(unquote(ways.way.moment(v=naive)[2:])) == naive.astimezone()
