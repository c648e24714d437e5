"""What is not valid OpenAPI is told with its place, as openapi-python-client's document models have it."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cl_codegen.spec.openapi_objects import is_as_specified
from cl_codegen.spec.spec import JSONObject, JSONValue
from cl_codegen.spec.validity import found_by_models, mistakes

ROOT = Path(__file__).parents[3]


def document(operation: JSONObject, version: str = "3.1.0") -> JSONObject:
    return {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": {"/x": {"get": operation}}}


@pytest.mark.parametrize("name", ["compute", "auth"])
def test_the_specs_of_our_own_servers_are_valid(name: str) -> None:
    assert mistakes(json.loads((ROOT / "openapi" / f"{name}.json").read_text("utf-8"))) == ()


def test_a_parameter_that_is_nowhere_is_named_with_its_place() -> None:
    parameter: JSONObject = {"name": "q", "in": "qurey", "schema": {"type": "string"}}
    [found] = mistakes(document({"parameters": [parameter], "responses": {}}))
    assert found.pointer == "#/paths/~1x/get/parameters/0/in"
    assert "'query'" in found.reason


def test_a_member_that_is_missing_is_named_at_the_place_that_lacks_it() -> None:
    [found] = mistakes(document({"responses": {"200": {}}}))
    assert found.pointer == "#/paths/~1x/get/responses/200"
    assert found.reason == "description: Field required"


def test_responses_are_wanted_of_an_operation_before_3_1_alone() -> None:
    assert [one.reason for one in mistakes(document({}, "3.0.3"))] == ["responses: Field required"]
    assert mistakes(document({})) == ()


def test_a_document_of_3_2_is_read_as_one_of_3_1() -> None:
    assert mistakes(document({"responses": {}}, "3.2.0")) == ()


def test_a_reference_in_place_of_a_schema_is_no_mistake() -> None:
    answer: JSONObject = {
        "description": "",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}},
    }
    assert mistakes(document({"responses": {"200": answer}})) == ()


SCHEMA: JSONObject = {
    **{"type": "object", "title": "T", "required": ["a"], "nullable": True, "deprecated": False},
    "properties": {"a": {"$ref": "#/components/schemas/A"}, "b": {"enum": [1, None], "exclusiveMinimum": True}},
    "additionalProperties": {"type": ["string", "null"], "maxLength": 3, "const": "x", "multipleOf": 2},
    "anyOf": [{"items": {"format": "uuid"}, "minItems": 1}],
    "discriminator": {"propertyName": "a", "mapping": {"x": "#/components/schemas/A"}},
    "externalDocs": {"url": "https://example.test"},
    "xml": {"name": "t", "wrapped": True},
}
MEDIA: JSONObject = {"application/json": {"schema": SCHEMA, "examples": {"one": {"value": 1}}}}
EVERYTHING: JSONObject = {
    "openapi": "3.0.3",
    "info": {"title": "T", "version": "1", "contact": {"name": "N"}, "license": {"name": "MIT"}},
    "servers": [{"url": "/{v}", "variables": {"v": {"default": "1", "enum": ["1"]}}}],
    "tags": [{"name": "t", "description": None}],
    "security": [{"key": []}],
    "paths": {
        "/x": {
            "parameters": [{"name": "q", "in": "query", "schema": SCHEMA, "explode": False}],
            "post": {
                "tags": ["t"],
                "operationId": "post_x",
                "deprecated": True,
                "requestBody": {
                    "content": {"multipart/form-data": {"schema": {}, "encoding": {"a": {"style": "form"}}}}
                },
                "responses": {
                    "200": {
                        "description": "",
                        "headers": {"X": {"schema": {"type": "integer"}}},
                        "content": MEDIA,
                        "links": {"next": {"operationId": "post_x", "parameters": {"id": 1}}},
                    },
                    "4XX": {"$ref": "#/components/responses/R"},
                },
                "callbacks": {"done": {"{$request.body#/url}": {"post": {"responses": {}}}}},
                "security": [{"key": ["a"]}],
            },
        }
    },
    "components": {
        "schemas": {"A": {"type": "string"}, "B": {"additionalProperties": False}},
        "responses": {"R": {"description": "R"}},
        "securitySchemes": {
            "key": {"type": "apiKey", "name": "k", "in": "header"},
            "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t", "scopes": {"a": "A"}}}},
        },
        "callbacks": {"c": {"{$url}": {"summary": "s"}}},
    },
}


def places(value: JSONValue, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a document below its root."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield (*above, key)
        yield from places(inner, (*above, key))


def changed(place: tuple[str | int, ...]) -> Iterator[JSONObject]:
    """The document without what is in a place, and with each kind of value there."""
    for instead in (..., None, True, 0, -1, "3.9", "x", [], ["x"], [0], {}, {"$ref": 1}, {"x": "y"}):
        document = copy.deepcopy(EVERYTHING)
        holder = document
        for step in place[:-1]:
            holder = holder[step]
        if instead is ...:
            del holder[place[-1]]
        else:
            holder[place[-1]] = instead
        yield document


def test_what_is_as_specified_the_models_find_no_mistake_in() -> None:
    assert is_as_specified(EVERYTHING)
    for place in places(EVERYTHING):
        for document in changed(place):
            if is_as_specified(document):
                assert found_by_models(document) == (), place


def test_a_document_without_mistakes_is_not_read_with_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_codegen.spec.validity.found_by_models", lambda document: pytest.fail("it was"))
    assert mistakes(EVERYTHING) == ()
