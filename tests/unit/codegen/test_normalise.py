"""Each rule alone: what it changes, and that it says where."""

from pathlib import Path

import pytest

from cl_codegen.normalise import rules
from cl_codegen.spec.spec import Spec
from cl_codegen.spec.walk import Walked


def document(schemas: dict | None = None, paths: dict | None = None) -> dict:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas or {}},
    }


def operation(operation_id: str | None = None, **more: object) -> dict:
    named = {} if operation_id is None else {"operationId": operation_id}
    return {**named, "responses": {"200": {"description": "ok"}}, **more}


def apply(rule: rules.Rule, spec: dict) -> list[str]:
    return list(rule(spec))


def test_operation_ids_of_fastapi_become_the_name_of_the_function():
    post = operation("create_hash_job_jobs_hash_post")
    spec = document(paths={"/jobs/hash": {"post": post}, "/jobs/{id}": {"get": operation("get_job_jobs__id__get")}})
    assert apply(rules.operation_ids_are_names, spec) == [
        "#/paths/~1jobs~1hash/post/operationId",
        "#/paths/~1jobs~1{id}/get/operationId",
    ]
    assert post["operationId"] == "create_hash_job"
    assert spec["paths"]["/jobs/{id}"]["get"]["operationId"] == "get_job"


def test_operation_ids_that_are_names_stay():
    spec = document(paths={"/": {"get": operation("root")}})
    assert apply(rules.operation_ids_are_names, spec) == []


def test_operation_ids_stay_long_where_the_short_ones_would_be_the_same():
    spec = document(paths={"/a": {"get": operation("read_a_get")}, "/b": {"get": operation("read_b_get")}})
    assert apply(rules.operation_ids_are_names, spec) == []


def test_operations_without_an_id_get_one_of_their_path():
    spec = document(paths={"/jobs/{id}": {"get": operation()}, "/jobs-{id}": {"get": operation()}})
    apply(rules.operation_ids_are_names, spec)
    assert [item["get"]["operationId"] for item in spec["paths"].values()] == ["get_jobs_id", "get_jobs_id_2"]


def test_what_names_a_module_is_written_in_letters_that_python_leaves_alone():
    first, second = operation("ｃｌａｓｓ", tags=["jobs", "日本"]), operation("class_", tags=["ﬁles"])
    spec = document(paths={"/a": {"get": first}, "/b": {"get": second}})
    assert apply(rules.modules_have_plain_names, spec) == [
        "#/paths/~1a/get/operationId",
        "#/paths/~1a/get/tags/1",
        "#/paths/~1b/get/tags/0",
    ]
    assert (first["operationId"], first["tags"]) == ("class__2", ["jobs", "tag"])
    assert (second["operationId"], second["tags"]) == ("class_", ["files"])


def test_forms_are_called_by_the_clean_operation():
    reference = {"$ref": "#/components/schemas/Body_x_jobs_x_post"}
    post = operation("x", requestBody={"content": {"multipart/form-data": {"schema": reference}}})
    spec = document({"Body_x_jobs_x_post": {"type": "object"}, "Other": {}}, {"/jobs/x": {"post": post}})
    assert apply(rules.bodies_are_named_by_their_operation, spec) == ["#/components/schemas/Body_x_jobs_x_post"]
    assert list(spec["components"]["schemas"]) == ["Body_x", "Other"]
    assert reference["$ref"] == "#/components/schemas/Body_x"


def test_definitions_become_components():
    schema = {"$defs": {"B": {"type": "string"}}, "properties": {"b": {"$ref": "#/$defs/B"}}}
    other = {"properties": {"b": {"$ref": "#/components/schemas/A/$defs/B"}}}
    spec = document({"A": schema, "C": other})
    assert apply(rules.definitions_are_components, spec) == ["#/components/schemas/A/$defs"]
    assert spec["components"]["schemas"]["B"] == {"type": "string"}
    assert schema["properties"]["b"] == other["properties"]["b"] == {"$ref": "#/components/schemas/B"}
    assert "$defs" not in schema


def test_definitions_of_the_same_name_stay_apart():
    spec = document(
        {"A": {"$defs": {"B": {"type": "string"}}, "items": {"$ref": "#/$defs/B"}}, "B": {"type": "integer"}}
    )
    apply(rules.definitions_are_components, spec)
    assert spec["components"]["schemas"]["A"]["items"] == {"$ref": "#/components/schemas/B_2"}


def test_boolean_schemas_become_objects_and_impossible_properties_go():
    schema = {"properties": {"any": True, "never": False}, "additionalProperties": True, "items": True}
    apply(rules.boolean_schemas_are_objects, document({"A": schema}))
    assert schema == {"properties": {"any": {}}, "additionalProperties": True, "items": {}}


def test_a_union_that_holds_itself_is_any_json():
    itself = {"$ref": "#/components/schemas/J"}
    union = {
        "anyOf": [
            {"type": "object", "additionalProperties": itself},
            {"type": "array", "items": itself},
            {"type": "null"},
        ]
    }
    spec = document({"J": union, "Or": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "Model": {"anyOf": [itself]}})
    assert apply(rules.recursive_json_is_any, spec) == ["#/components/schemas/J"]
    assert spec["components"]["schemas"]["J"] == {}


@pytest.mark.parametrize(
    "member",
    [{"$ref": "#/components/schemas/Other"}, "text", {"type": "object", "properties": {"x": {}}}],
)
def test_a_union_with_a_model_is_not_any_json(member):
    union = {"anyOf": [{"type": "array", "items": {"$ref": "#/components/schemas/J"}}, member]}
    assert apply(rules.recursive_json_is_any, document({"J": union})) == []


def test_files_are_binary_wherever_they_are():
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    several = {"type": "array", "items": dict(file)}
    spec = document({"Form": {"properties": {"file": file, "files": several}}})
    assert apply(rules.files_are_binary, spec) == [
        "#/components/schemas/Form/properties/file",
        "#/components/schemas/Form/properties/files/items",
    ]
    assert file == several["items"] == {"type": "string", "format": "binary"}


def test_a_property_that_is_called_like_a_keyword_of_schemas_stays():
    properties = {
        "contentMediaType": {"type": "string"},
        "properties": {"type": "string"},
        "schema": {"type": "string"},
    }
    spec = document({"Form": {"properties": dict(properties)}})
    for rule in rules.RULES:
        apply(rule, spec)
    assert spec["components"]["schemas"]["Form"]["properties"] == properties


def test_pictures_are_bytes_and_json_stays():
    responses = {
        "200": {"content": {"image/png": {}}},
        "201": {"content": {"application/problem+json; charset=utf-8": {}}},
        "202": {"content": {"text/plain": {}}},
        "204": {"description": "nothing"},
    }
    get = {"operationId": "get", "responses": responses}
    assert apply(rules.other_media_are_bytes, document(paths={"/a": {"get": get}})) == [
        "#/paths/~1a/get/responses/200/content"
    ]
    assert responses["200"]["content"] == {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }


def test_twins_of_one_title_keep_apart():
    spec = document({"Job-Input": {"title": "Job"}, "Job-Output": {"title": "Job"}})
    assert len(apply(rules.components_are_called_by_their_key, spec)) == 2
    assert spec["components"]["schemas"] == {"Job-Input": {}, "Job-Output": {}}


def test_components_do_not_shadow_what_the_templates_import():
    reference = {"$ref": "#/components/schemas/File"}
    spec = document({"File": {}, "User": {"items": reference}, "äöü": {}, "user": {}})
    apply(rules.components_leave_our_names, spec)
    assert list(spec["components"]["schemas"]) == ["FileModel", "User", "AouModel", "userTwin"]
    assert reference["$ref"] == "#/components/schemas/FileModel"


def test_the_inline_part_of_an_optional_takes_the_title():
    enum, reference = {"enum": ["a"], "type": "string"}, {"$ref": "#/components/schemas/B"}
    properties = {
        "word": {"anyOf": [enum, {"type": "null"}], "title": "Word"},
        "model": {"anyOf": [reference, {"type": "null"}]},
        "number": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
    apply(rules.optional_members_take_the_title, document({"A": {"properties": properties}, "B": {}}))
    assert enum["title"] == "Word"
    assert reference == {"$ref": "#/components/schemas/B"}
    assert "title" not in properties["number"]["anyOf"][0]


def test_titles_that_name_nothing_go():
    schema = {"properties": {"a": {"title": "???"}, "b": {"title": "Fine"}}}
    apply(rules.titles_are_words, document({"A": schema}))
    assert schema["properties"] == {"a": {}, "b": {"title": "Fine"}}


def test_the_detail_of_a_422_may_be_text():
    detail = {"type": "array", "items": {}}
    spec = document(
        {"HTTPValidationError": {"properties": {"detail": detail}}, "Other": {"properties": {"detail": detail}}}
    )
    assert len(apply(rules.details_may_be_text, spec)) == 1
    changed = spec["components"]["schemas"]["HTTPValidationError"]["properties"]["detail"]
    assert changed["anyOf"] == [detail, {"type": "string"}]


def test_the_report_says_which_rule_applied_how_often_and_the_source_is_untouched():
    source = document({"A": {"title": "A"}})
    spec, report = rules.normalise(Spec.of(Path("a.json"), source))
    assert rules.describe(report) == "components_are_called_by_their_key: 1"
    assert source["components"]["schemas"]["A"] == {"title": "A"}
    assert rules.normalise(spec)[0].document == spec.document


def test_rules_that_are_said_to_keep_places_keep_them():
    body = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": "image/png"}}}
    union = {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}
    fields = {"n": {"minimum": 0, "exclusiveMinimum": True}, "u": union, "t": {"title": "ä", "enum": ["a"]}}
    form = {"content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/F"}}}}
    post = operation("put_p_post", tags=["ä"], requestBody=form)
    spec = Walked(
        document({"A": {"title": "A", "properties": fields}, "F": body}, {"/p": {"post": post, "get": operation("ä")}})
    )
    before = (list(spec.slots()), list(spec.mentions()))
    for rule in rules.KEEP_PLACES:
        assert apply(rule, spec), f"{rule.__name__} is not tried"
        spec.is_changed()
        assert (list(spec.slots()), list(spec.mentions())) == before


def test_every_rule_says_why_it_is_there():
    assert all(rule.__doc__ and len(rule.__doc__) > 40 for rule in rules.RULES)


def test_an_all_of_one_is_that_one():
    spec = document(
        {
            "A": {"allOf": [{"$ref": "#/components/schemas/B"}], "default": "x", "title": "A"},
            "B": {"type": "string"},
            "C": {"allOf": [{"$ref": "#/components/schemas/B"}], "properties": {"d": {"type": "string"}}},
        }
    )
    assert apply(rules.parts_of_one_are_themselves, spec) == ["#/components/schemas/A"]
    assert spec["components"]["schemas"]["A"] == {"$ref": "#/components/schemas/B", "default": "x", "title": "A"}


def test_nullable_is_a_union_with_null():
    spec = document(
        {
            "A": {"type": "string", "nullable": True, "maxLength": 3, "description": "d"},
            "B": {"nullable": True, "enum": ["a", None], "type": "string"},
            "C": {"type": "string", "nullable": False},
        }
    )
    assert len(apply(rules.nullable_is_a_union, spec)) == 3
    null = {"type": "null"}
    assert spec["components"]["schemas"] == {
        "A": {"anyOf": [{"type": "string", "maxLength": 3}, null], "description": "d"},
        "B": {"anyOf": [{"type": "string", "enum": ["a"]}, null]},
        "C": {"type": "string"},
    }


def test_exclusive_bounds_are_numbers():
    spec = document(
        {
            "A": {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
            "B": {"exclusiveMinimum": 3},
        }
    )
    assert apply(rules.bounds_are_numbers, spec) == [
        "#/components/schemas/A/exclusiveMinimum",
        "#/components/schemas/A/exclusiveMaximum",
    ]
    assert spec["components"]["schemas"] == {"A": {"exclusiveMinimum": 0, "maximum": 9}, "B": {"exclusiveMinimum": 3}}


def test_a_picture_in_a_form_is_a_file_and_text_of_a_kind_is_not():
    fields = {
        "image": {"type": "string", "contentMediaType": "image/png"},
        "images": {"type": "array", "items": {"type": "string", "contentMediaType": "image/*"}},
        "inline": {"type": "string", "contentMediaType": "image/png", "contentEncoding": "base64"},
        "page": {"type": "string", "contentMediaType": "text/html"},
    }
    form = {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Form"}}}
    spec = document(
        {"Form": {"properties": fields}, "Other": {"properties": {"image": dict(fields["image"])}}},
        {"/a": {"post": operation(requestBody={"content": form})}},
    )
    assert apply(rules.files_are_binary, spec) == [
        "#/components/schemas/Form/properties/image",
        "#/components/schemas/Form/properties/images/items",
    ]


def test_a_reference_is_a_uri_whose_letters_may_be_escaped():
    spec = document(
        {"a b": {"type": "object"}, "Holder": {"properties": {"it": {"$ref": "#/components/schemas/a%20b"}}}}
    )
    assert apply(rules.references_are_plain, spec) == ["#/components/schemas/Holder/properties/it"]
    assert spec["components"]["schemas"]["Holder"]["properties"]["it"] == {"$ref": "#/components/schemas/a b"}


def test_a_path_that_refers_to_its_operations_has_them():
    spec = document(paths={"/a": {"$ref": "#/components/pathItems/A", "summary": "mine"}})
    spec["components"]["pathItems"] = {"A": {"get": operation("get_a"), "summary": "theirs"}}
    assert apply(rules.path_items_stand_in_place, spec) == ["#/paths/~1a"]
    assert spec["paths"]["/a"] == {"get": operation("get_a"), "summary": "mine"}


def test_a_place_inside_a_schema_that_is_referred_to_is_a_component():
    inside = {"$ref": "#/components/schemas/Job/properties/status"}
    spec = document({"Job": {"properties": {"status": {"type": "string"}, "before": inside}}})
    assert apply(rules.places_referred_to_are_components, spec) == ["#/components/schemas/Job/properties/before"]
    assert inside == {"$ref": "#/components/schemas/JobStatus"}
    assert spec["components"]["schemas"]["JobStatus"] == {"type": "string"}


def test_a_schema_that_leads_nowhere_is_left_out_by_itself():
    lost, elsewhere = {"$ref": "#/components/schemas/Gone"}, {"$ref": "https://example.org/a.json"}
    spec = document(
        {"A": {"properties": {"lost": lost, "elsewhere": elsewhere}}, "Loop": {"$ref": "#/components/schemas/Loop"}}
    )
    assert len(apply(rules.lost_references_are_left_out, spec)) == 3
    assert lost == {"x-left-out": "the reference '#/components/schemas/Gone' leads nowhere"}
    assert elsewhere["x-left-out"].startswith("the reference 'https://example.org/a.json' leads to another host")
    assert spec["components"]["schemas"]["Loop"].keys() == {"x-left-out"}


def test_an_operation_whose_parameter_leads_nowhere_is_left_out_whole():
    spec = document(paths={"/a": {"get": operation("get_a", parameters=[{"$ref": "#/components/parameters/Gone"}])}})
    apply(rules.lost_references_are_left_out, spec)
    assert spec["paths"]["/a"]["get"]["x-left-out"] == "the reference '#/components/parameters/Gone' leads nowhere"


def test_extensions_and_examples_may_hold_anything():
    spec = document({"A": {"x-foo": {"$ref": "nope.yaml"}, "example": {"$ref": "#/nope"}, "default": {"$ref": "#/no"}}})
    assert apply(rules.lost_references_are_left_out, spec) == []
    spec = document({"A": {"properties": {"x-foo": {"$ref": "#/nope"}, "default": {"$ref": "#/nope"}}}})
    assert len(apply(rules.lost_references_are_left_out, spec)) == 2


@pytest.mark.parametrize(
    ("path", "name", "content", "applies"),
    [
        ("/jobs/{id}/files/{file_path}", "get_job_file", None, True),
        ("/entities/{id}/media", "media", {"application/json": {"schema": {}}}, True),
        ("/faces/{id}/embedding", "download_face_embedding", {}, True),
        ("/stream/adaptive.m3u8", "manifest", None, True),
        ("/jobs/{id}/files", "list_files", None, False),
        ("/entities/{id}", "get_entity", None, False),
        ("/entities/{id}/media", "media", {"application/json": {"schema": {"type": "object"}}}, False),
    ],
)
def test_a_get_that_is_called_as_one_that_gives_a_file_gives_bytes(path, name, content, applies):
    answer = {"description": "ok"} if content is None else {"description": "ok", "content": content}
    spec = document(paths={path: {"get": operation(name, responses={"200": answer})}})
    assert bool(apply(rules.unsaid_files_are_bytes, spec)) == applies
    said = spec["paths"][path]["get"]["responses"]["200"].get("content")
    assert ("application/octet-stream" in (said or {})) == applies
