"""Broken specs: the file, the place, and what is expected."""

import json
from pathlib import Path

import pytest

from cl_codegen.spec.spec import Spec, SpecError

GOOD = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/a~b": {"get": {"responses": {"200": {"description": "ok"}}}}},
}


def refused(value: object) -> SpecError:
    with pytest.raises(SpecError) as raised:
        Spec.of(Path("server.json"), json.loads(json.dumps(value)))
    assert str(raised.value).startswith("server.json: ")
    return raised.value


def with_response(response: object, code: str = "200") -> dict:
    return {**GOOD, "paths": {"/a~b": {"get": {"responses": {code: response}}}}}


@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [
        ([], "#", "expected an OpenAPI document, which is an object"),
        ({}, "#", "expected the member 'openapi'"),
        ({**GOOD, "openapi": 3}, "#/openapi", "expected a string"),
        ({**GOOD, "openapi": "2.0"}, "#/openapi", "expected OpenAPI 3.0 or 3.1, not 2.0"),
        (
            {**GOOD, "swagger": "2.0"},
            "#/swagger",
            "this is Swagger 2.0, and expected is OpenAPI 3: convert it first, such as with `npx swagger2openapi`",
        ),
        ({**GOOD, "paths": []}, "#/paths", "expected an object"),
        ({**GOOD, "paths": {"a": {}}}, "#/paths/a", "expected a path, which begins with /"),
        (with_response("ok"), "#/paths/~1a~0b/get/responses/200", "expected an object"),
        (
            with_response({}, "okay"),
            "#/paths/~1a~0b/get/responses/okay",
            "expected a status code, a range such as 4XX, or default",
        ),
    ],
)
def test_a_broken_spec_is_refused_with_its_place(value, place, expected):
    error = refused(value)
    assert (error.place, error.expected) == (place, expected)


def test_what_is_quoted_of_a_spec_stays_on_one_line_and_moves_no_cursor():
    error = refused(with_response({}, "2\n\x1b[2J\u202e00"))
    assert str(error).endswith("/responses/2 [2J00: expected a status code, a range such as 4XX, or default")


def test_references_in_examples_are_data():
    Spec.of(Path("a.json"), with_response({"content": {"application/json": {"example": {"$ref": "nowhere"}}}}))


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(SpecError, match=r"compute\.json: #: there is no such file; `make spec`"):
        Spec.load(tmp_path / "compute.json")


def test_a_file_that_is_not_json_says_where(tmp_path):
    path = tmp_path / "compute.json"
    path.write_text('{\n  "openapi": }')
    with pytest.raises(SpecError, match="line 2, column 14: not JSON"):
        Spec.load(path)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, constant):
    path = tmp_path / "compute.json"
    path.write_text('{"x": ' + constant + "}")
    with pytest.raises(SpecError, match=constant):
        Spec.load(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "compute.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(SpecError, match="cannot be read"):
        Spec.load(path)
    with pytest.raises(SpecError, match="cannot be read"):
        Spec.load(tmp_path)


def test_arrays_are_walked_by_index():
    spec = Spec.of(Path("a.json"), {**GOOD, "tags": [{"name": "x"}]})
    assert spec.root.at("tags").at("0").at("name").text() == "x"
    assert spec.root.at("tags").find("1") is None
    assert spec.resolve("#/tags/0/name").value == "x"
    with pytest.raises(SpecError, match="#/info: expected an array"):
        list(spec.root.at("info").elements())
