"""Documents of several files: what references lead to, and what they never lead to."""

from pathlib import Path

import pytest
import yaml

from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.wire import wire
from cl_codegen.wire.python_type import python_type
from cl_codegen.wire.wire import Wire

HEAD = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}


def ref(target: str) -> dict:
    return {"$ref": target}


def answer(schema: dict) -> dict:
    return {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}


def write(folder: Path, **files: object) -> Path:
    """Files by their path, in which `__` is `/` and `_yaml` the end; the first is the document."""
    for name, value in files.items():
        path = folder / f"{name.removesuffix('_yaml').replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(value))
    return folder / "spec.yaml"


def read(path: Path, references: Path | None = None) -> Wire:
    spec, _ = normalise(Spec.load(path, references))
    return wire.outline(spec, "client")


def types(made: Wire) -> dict[str, dict[str, str]]:
    return {model.name: {one.wire_name: python_type(one.type) for one in model.properties} for model in made.models}


PET = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def test_each_kind_of_thing_may_be_in_a_file_of_its_own(tmp_path):
    pets = {
        "parameters": [ref("../parts/limit.yaml")],
        "get": {
            "operationId": "list_pets",
            "parameters": [ref("../parts/all.yaml#/parameters/Tag")],
            "responses": {"200": ref("../parts/all.yaml#/responses/Pets"), "404": ref("../parts/all.yaml#/lost")},
        },
        "post": {"operationId": "add_pet", "requestBody": ref("../parts/all.yaml#/bodies/Pet"), "responses": {}},
    }
    parts = {
        "parameters": {"Tag": {"name": "tag", "in": "query", "schema": ref("#/schemas/Tag")}},
        "schemas": {"Tag": {"type": "string", "enum": ["cat", "dog"]}},
        "responses": {"Pets": answer({"type": "array", "items": ref("../schemas/pet.yaml")})["200"]},
        "bodies": {"Pet": {"required": True, "content": {"application/json": {"schema": ref("../schemas/pet.yaml")}}}},
    }
    pet = {**PET, "properties": {**PET["properties"], "owner": ref("owner.yaml#/Owner")}}
    owner = {"Owner": {"type": "object", "properties": {"pets": {"type": "array", "items": ref("./pet.yaml")}}}}
    path = write(
        tmp_path,
        spec={**HEAD, "paths": {"/pets": ref("paths/pets.yaml")}},
        paths__pets=pets,
        parts__limit={"name": "limit", "in": "query", "schema": {"type": "integer"}},
        parts__all=parts,
        schemas__pet=pet,
        schemas__owner=owner,
    )
    made = read(path)
    assert types(made) == {"Pet": {"name": "str", "owner": "Owner"}, "Owner": {"pets": "list[Pet]"}}
    found, added = made.operations
    assert [(one.wire_name, python_type(one.type)) for one in found.parameters] == [("limit", "int"), ("tag", "Tag")]
    assert python_type(found.replies[0].type) == "list[Pet]"
    assert added.body is not None
    assert python_type(added.body.type) == "Pet"


def test_a_file_that_has_a_name_in_the_document_keeps_it(tmp_path):
    path = write(
        tmp_path,
        spec={
            **HEAD,
            "paths": {"/p": {"get": {"operationId": "get_p", "responses": answer(ref("schemas/animal.yaml"))}}},
            "components": {"schemas": {"Pet": ref("schemas/animal.yaml"), "Owner": ref("schemas/owner.yaml")}},
        },
        schemas__animal=PET,
        schemas__owner={"type": "object", "properties": {"pet": ref("animal.yaml"), "o": ref("../spec.yaml#/x")}},
    )
    made = read(path)
    assert sorted(types(made)) == ["Owner", "Pet"]
    assert types(made)["Owner"]["pet"] == "Pet"
    assert python_type(made.operations[0].replies[0].type) == "Pet"


def test_all_schemas_may_be_one_file_that_leads_to_others(tmp_path):
    path = write(
        tmp_path,
        spec={
            **HEAD,
            "paths": {"/p": {"get": {"operationId": "p", "responses": answer(ref("#/components/schemas/Pet"))}}},
            "components": {"schemas": ref("schemas/index.yaml")},
        },
        schemas__index={"Pet": ref("pet.yaml"), "Cat": {"allOf": [ref("#/Pet"), ref("./index.yaml#/Lives")]}}
        | {"Lives": {"type": "object", "properties": {"lives": {"type": "integer"}}}},
        schemas__pet=PET,
    )
    assert types(read(path)) == {
        "Pet": {"name": "str"},
        "Cat": {"name": "str", "lives": "int"},
        "Lives": {"lives": "int"},
    }


def test_names_that_need_quoting_and_pointers_that_are_escaped_are_found(tmp_path):
    (tmp_path / "my schemas").mkdir()
    (tmp_path / "my schemas" / "größe.yaml").write_text(yaml.safe_dump({"a/b": {"%": PET}}), "utf-8")
    for target in ("my%20schemas/gr%C3%B6%C3%9Fe.yaml#/a~1b/%25", "my schemas/größe.yaml#/a~1b/%25"):
        operation = {"operationId": "p", "responses": answer(ref(target))}
        made = read(write(tmp_path, spec={**HEAD, "paths": {"/p": {"get": operation}}}))
        assert [list(fields) for fields in types(made).values()] == [["name"]]


def test_a_discriminator_leads_to_files_too(tmp_path):
    cat = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    union = {
        "oneOf": [ref("cat.yaml"), ref("dog.yaml")],
        "discriminator": {"propertyName": "kind", "mapping": {"c": "./cat.yaml", "d": "dog.yaml"}},
    }
    path = write(
        tmp_path,
        spec={**HEAD, "paths": {"/p": {"get": {"operationId": "p", "responses": answer(ref("pet.yaml"))}}}},
        pet=union,
        cat=cat,
        dog={**cat, "description": "another"},
    )
    tagged = read(path).operations[0].replies[0].type.tagged
    assert {"c": "Cat", "d": "Dog"}.items() <= {word: model.name for word, model in tagged}.items()


def test_circles_of_files_end(tmp_path):
    path = write(
        tmp_path,
        spec={
            **HEAD,
            "paths": {
                "/node": {"get": {"operationId": "node", "responses": answer(ref("node.yaml"))}},
                "/round": ref("round.yaml"),
                "/self": {"get": {"operationId": "self_", "responses": answer(ref("self.yaml"))}},
            },
        },
        node={"type": "object", "properties": {"next": ref("node.yaml#"), "first": ref("node.yaml#/properties/next")}},
        round=ref("round.yaml"),
        self=ref("other.yaml"),
        other=ref("self.yaml"),
    )
    made = read(path)
    assert types(made)["Node"] == {"next": "Node", "first": "NodeNext"}
    assert {one.name for one in made.operations} == {"node", "self_"}
    assert [one.pointer for one in made.left_out if "round" in one.reason] == ["#/paths/~1round"]


@pytest.mark.parametrize("target", ["../outside.yaml", "linked.yaml", "http://127.0.0.1:1/x.yaml", "missing.yaml"])
def test_nothing_is_read_that_is_not_in_the_folder(tmp_path, target):
    (tmp_path / "outside.yaml").write_text(yaml.safe_dump(PET))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked.yaml").symlink_to(tmp_path / "outside.yaml")
    operation = {"operationId": "p", "responses": answer(ref(target))}
    path = write(tmp_path / "in", spec={**HEAD, "paths": {"/p": {"get": operation}}})
    made = read(path)
    assert types(made) == {}
    assert target in made.left_out[0].reason
    if "http" not in target and "missing" not in target:
        assert [list(fields) for fields in types(read(path, tmp_path)).values()] == [["name"]]


def test_a_file_that_cannot_be_read_is_named_with_its_place(tmp_path):
    operation = {"operationId": "p", "responses": answer(ref("bad.json"))}
    path = write(tmp_path, spec={**HEAD, "paths": {"/p": {"get": operation}}})
    (tmp_path / "bad.json").write_text('{"type": }')
    with pytest.raises(SpecError, match=r"bad\.json: line 1"):
        Spec.load(path)
