"""From spec and manifest to plugins: names, types, bounds, and what is refused."""

from pathlib import Path

import pytest

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.plugin import Parameter, Plugin
from cl_codegen.model.read_plugins import read_plugins
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.text import naming
from cl_codegen.wire import wire
from tests.codegen_server.folders import MANIFEST, TEMPLATES, server_spec


def read(folder: Path, spec: dict, manifest: str = "") -> dict[str, Plugin]:
    path = folder / "plugins.toml"
    path.write_text(manifest, encoding="utf-8")
    normal, _ = normalise(Spec.of(Path("server.json"), spec))
    made = wire.generate(normal, "api", folder / "api", TEMPLATES / "api")
    return {plugin.name: plugin for plugin in read_plugins(normal, Manifest.load(path), made)}


def with_form(path: str = "/jobs/thing", media: str = "multipart/form-data", **properties: object) -> dict:
    """A spec with one operation that creates a job."""
    form = {"type": "object", "properties": properties, "required": ["file"] if "file" in properties else []}
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/JobCreatedResponse"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            path: {
                "post": {
                    "requestBody": {"required": True, "content": {media: {"schema": form}}},
                    "responses": {"200": {"description": "ok", "content": answer}},
                }
            }
        },
        "components": {
            "schemas": {"JobCreatedResponse": {"type": "object", "properties": {"job_id": {"type": "string"}}}}
        },
    }


FILE = {"type": "string", "format": "binary"}


def parameter(folder: Path, schema: object) -> Parameter:
    return read(folder, with_form(file=FILE, x=schema))["thing"].options[0]


def test_the_manifest_names_and_orders(tmp_path):
    plugins = read(tmp_path, server_spec(), MANIFEST)
    shrink = plugins["resize"]
    assert (shrink.class_name, shrink.method, shrink.constant, shrink.group) == (
        "ResizeClient",
        "shrink",
        "SHRINK",
        "resize",
    )
    assert [parameter.name for parameter in shrink.parameters] == ["image", "output_format", "width", "factor", "name"]
    assert [parameter.name for parameter in plugins["hash"].parameters] == ["image", "salt", "algorithm", "deep"]
    assert shrink.artifact == "output_path"
    assert shrink.output == "ResizeOutput"
    assert [(field.name, field.help.raw) for field in shrink.output_fields][1] == ("width", "Pixels.")


def test_parameters_carry_the_bounds_of_the_spec(tmp_path):
    by_name = {parameter.name: parameter for parameter in read(tmp_path, server_spec(), MANIFEST)["resize"].parameters}
    assert by_name["output_format"].choices == ("png", "jpg")
    assert by_name["output_format"].type == "Literal['png', 'jpg']"
    assert by_name["width"].bounds == (("minimum", 1), ("maximum", 8192))
    assert by_name["width"].flags == ("-w",)
    assert by_name["width"].option == "--width"
    assert by_name["factor"].bounds == (("exclusive_minimum", 0),)
    assert by_name["name"].bounds == (("min_length", 2), ("max_length", 8), ("pattern", "^[a-z]+$"))


def test_an_operation_without_an_entry_has_derived_names(tmp_path):
    refused = read(tmp_path, server_spec(), MANIFEST)["refused"]
    assert (refused.class_name, refused.method, refused.verb, refused.task_type) == (
        "RefusedClient",
        "run",
        "run",
        "refused",
    )
    assert refused.output is None
    assert 'client.refused.run("photo.jpg", wait=True)' in refused.example.raw


@pytest.mark.parametrize("path", ["/jobs/thing", "/thing/jobs", "/v1/jobs/thing", "/v1/thing/jobs"])
def test_forms_that_create_jobs_are_found_by_their_path(tmp_path, path):
    assert list(read(tmp_path, with_form(path, file=FILE))) == ["thing"]


def test_json_that_is_answered_with_a_job_is_a_plugin(tmp_path):
    plugin = read(tmp_path, with_form("/thing/jobs", "application/json", x={"type": "string"}))["thing"]
    assert (plugin.media, plugin.files, plugin.task_type) == ("json", (), "thing")


def test_other_posts_are_no_plugins(tmp_path):
    search = with_form("/jobs/search", "application/json", x={"type": "string"})
    search["components"]["schemas"]["JobCreatedResponse"]["properties"] = {"id": {"type": "string"}}
    assert read(tmp_path, search) == {}
    assert read(tmp_path, with_form("/uploads", file=FILE)) == {}


def test_an_operation_with_a_task_type_is_a_plugin_whatever_its_path(tmp_path):
    spec = with_form("/anywhere", "application/json", text={"type": "string"})
    spec["paths"]["/anywhere"]["post"] |= {"x-task-type": "say", "operationId": "say"}
    plugin = read(tmp_path, spec)["say"]
    assert (plugin.task_type, plugin.files, plugin.priority) == ("say", (), None)
    assert plugin.body


def test_names_give_way_to_those_of_the_client_and_of_every_method(tmp_path):
    plugins = read(tmp_path, with_form("/jobs/get_job", file=FILE, timeout={"type": "integer"}, Job={"type": "string"}))
    plugin = plugins["get_job_2"]
    assert [parameter.name for parameter in plugin.parameters] == ["file", "timeout_2", "job"]


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "int | None"),
        ({"anyOf": [{}, {"type": "integer"}]}, "JSONValue"),
        ({"type": ["object", "string"]}, "JSONObject | str"),
        ({"type": "array", "items": {"type": "string"}}, "list[str]"),
        ({"type": "object", "additionalProperties": True}, "JSONObject"),
        ({}, "JSONValue"),
        ({"enum": [1, 2], "type": "integer"}, "Literal[1, 2]"),
        ({"type": "array", "items": FILE}, "list[FileInput]"),
    ],
)
def test_types_of_parameters(tmp_path, schema, type_):
    assert {parameter.type for parameter in read(tmp_path, with_form(file=FILE, x=schema))["thing"].parameters} == {
        "FileInput",
        type_,
    }


def test_a_pattern_that_python_cannot_read_is_left_to_the_server(tmp_path):
    assert parameter(tmp_path, {"type": "string", "pattern": "\\p{L}+"}).bounds == ()


def test_the_help_of_an_optional_and_of_what_has_none(tmp_path):
    said = {"anyOf": [{"type": "integer", "description": "Pixels"}, {"type": "null"}], "default": 5}
    assert parameter(tmp_path, said).doc.raw == "Pixels. Default: 5."
    silent = parameter(tmp_path / "..", {"type": "string"})
    assert silent.doc.raw == "See the documentation of the server."


def test_the_parts_of_a_form_are_put_together(tmp_path):
    spec = with_form(file=FILE, x={"type": "string"})
    spec["components"]["schemas"]["Base"] = {"type": "object", "properties": {"y": {"type": "integer"}}}
    media = spec["paths"]["/jobs/thing"]["post"]["requestBody"]["content"]["multipart/form-data"]
    media["schema"] = {"allOf": [{"$ref": "#/components/schemas/Base"}, media["schema"]]}
    assert [option.name for option in read(tmp_path, spec)["thing"].options] == ["y", "x"]


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ('[hash]\noperation = "create_hsh_job"', 2, "the spec has no 'create_hsh_job'; create_hash_job?"),
        ('[a]\noperation = "create_hash_job"\n[b]\noperation = "create_hash_job"', 4, "belongs to [a] already"),
        ('[jobs]\noperation = "create_hash_job"', 1, "the client has a 'jobs' of its own"),
        ('[hash]\noperation = "create_hash_job"\nnames = { image = "fil" }', 3, "the form has no 'fil'; file?"),
        ('[hash]\noperation = "create_hash_job"\nnames = { wait = "file" }', 3, "every method has a 'wait' of its own"),
        ('[hash]\noperation = "create_hash_job"\nnames = { upload = "file" }', 3, "module has a 'upload' of its own"),
        ('[hash]\noperation = "create_hash_job"\nartifact = "md"', 3, "the output has no field 'md'; md5?"),
        ('[hash]\noperation = "create_hash_job"\nview = "faces"', 3, "'faces' is for outputs with a field 'faces'"),
        ('[hash]\noperation = "create_hash_job"\nview = "picture"', 3, "'picture' shows the artifact: say which"),
        ('[hash]\noperation = "create_hash_job"\nflags = { sal = "-s" }', 3, "no parameter is called 'sal'; salt?"),
        ('[hash]\noperation = "create_hash_job"\norder = ["sal"]', 3, "no parameter is called 'sal'; salt?"),
        ('[hash]\noperation = "create_hash_job"\noutput = "HashOutpt"', 3, "no schema 'HashOutpt'; HashOutput?"),
    ],
)
def test_what_the_spec_does_not_have_is_refused_with_its_line(tmp_path, table, line, said):
    with pytest.raises(SpecError) as raised:
        read(tmp_path, server_spec(), table)
    assert raised.value.place == f"line {line}"
    assert said in str(raised.value)


def test_the_manifest_may_give_output_and_a_path_as_artifact(tmp_path):
    table = '[r]\noperation = "create_refused_job"\noutput = "HashOutput"\nartifact = "output/r.npy"'
    plugin = read(tmp_path, server_spec(), table)["r"]
    assert (plugin.output, plugin.artifact) == ("HashOutput", "output/r.npy")


def test_a_job_without_a_body_has_what_is_in_its_route(tmp_path):
    spec = with_form(file=FILE)
    post = spec["paths"]["/jobs/thing"]["post"]
    del post["requestBody"]
    post["x-task-type"] = "thing"
    post["parameters"] = [{"name": "url", "in": "query", "required": True, "schema": {"type": "string"}}]
    plugin = read(tmp_path, spec)["thing"]
    assert (plugin.body, [(one.name, one.place) for one in plugin.parameters]) == (None, [("url", "named")])


def test_a_field_is_called_in_the_method_as_in_the_model(tmp_path):
    plugin = read(tmp_path, with_form(file=FILE, data={"type": "string"}, ｃｌａｓｓ={"type": "string"}))["thing"]
    model = (tmp_path / "api" / "models" / f"{naming.snake(plugin.body or '')}.py").read_text()
    for parameter in plugin.parameters:
        assert f"    {parameter.field}: " in model
