"""What is not valid OpenAPI is told with its place, as openapi-python-client's document models have it."""

import json
from pathlib import Path

import pytest

from cl_codegen.spec.spec import JSONObject
from cl_codegen.spec.validity import mistakes

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
