"""Walking a document: its schemas, its operations, its references, and changing them in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from attrs import frozen

from cl_codegen.spec.spec import METHODS, JSONObject, JSONValue, escape_pointer


@frozen
class Slot:
    """A place that holds a schema: reading it, and putting another one there."""

    holder: JSONObject | list[JSONValue]
    key: str | int
    pointer: str

    @property
    def schema(self) -> JSONValue:
        if isinstance(self.holder, dict):
            return self.holder[str(self.key)]
        return self.holder[int(self.key)]

    def put(self, schema: JSONValue) -> None:
        if isinstance(self.holder, dict):
            self.holder[str(self.key)] = schema
        else:
            self.holder[int(self.key)] = schema

    def remove(self) -> None:
        if isinstance(self.holder, dict):
            del self.holder[str(self.key)]


def slots(document: JSONObject) -> Iterator[Slot]:
    """Every place of a document that holds a schema, outer before inner."""
    components = document.get("components")
    if isinstance(components, dict):
        yield from _named(components, "schemas", "#/components")
        for section in ("parameters", "responses", "requestBodies", "headers"):
            if section in components:
                yield from _below(components[section], f"#/components/{section}")
    if "paths" in document:
        yield from _below(document["paths"], "#/paths")


def _below(value: JSONValue, pointer: str) -> Iterator[Slot]:
    """The schemas in a part of the document that is not itself a schema."""
    if isinstance(value, dict):
        for key in list(value):
            if key == "schema":
                yield from _slot(value, key, f"{pointer}/schema")
            elif key not in {"example", "examples"} and not key.startswith("x-"):
                yield from _below(value[key], f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _below(element, f"{pointer}/{index}")


def _slot(holder: JSONObject | list[JSONValue], key: str | int, pointer: str) -> Iterator[Slot]:
    slot = Slot(holder, key, pointer)
    yield slot
    if isinstance(holder, dict) and key not in holder:
        return
    schema = slot.schema
    if not isinstance(schema, dict):
        return
    for name in ("properties", "$defs", "patternProperties"):
        yield from _named(schema, name, pointer)
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        members = schema.get(name)
        if isinstance(members, list):
            for index in range(len(members)):
                yield from _slot(members, index, f"{pointer}/{name}/{index}")
    for name in ("items", "additionalProperties", "not", "contains", "propertyNames"):
        if name in schema:
            yield from _slot(schema, name, f"{pointer}/{name}")


def _named(holder: JSONObject, name: str, pointer: str) -> Iterator[Slot]:
    members = holder.get(name)
    if isinstance(members, dict):
        for key in list(members):
            yield from _slot(members, key, f"{pointer}/{name}/{escape_pointer(key)}")


def objects(value: JSONValue, pointer: str = "#") -> Iterator[tuple[str, JSONObject]]:
    """Every object below a value; what examples, defaults and enums hold is data and is left out."""
    return _objects(value, pointer, _DATA, are_named=False)


def _objects(
    value: JSONValue, pointer: str, data: frozenset[str], *, are_named: bool
) -> Iterator[tuple[str, JSONObject]]:
    if isinstance(value, dict):
        yield pointer, value
        for key, child in list(value.items()):
            if not isinstance(child, dict | list) or (not are_named and (key in data or _is_opaque(key, data))):
                continue
            inside = not are_named and key in _NAMED
            yield from _objects(child, f"{pointer}/{escape_pointer(key)}", data, are_named=inside)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            if isinstance(element, dict | list):
                yield from _objects(element, f"{pointer}/{index}", data, are_named=False)


def _is_opaque(key: str, data: frozenset[str]) -> bool:
    return data is _OPAQUE and key.startswith("x-")


_DATA: Final = frozenset(["example", "examples", "default", "const", "enum"])
_OPAQUE: Final = frozenset([*_DATA, "x-"])
"""The same, and extensions, which may hold anything (OpenAPI 3.1 §4.9)."""
_NAMED: Final = frozenset(["properties", "patternProperties", "$defs", "dependentSchemas", "schemas"])
"""What holds schemas by names of people, which may be called `default` or `x-…` too."""


def mentions(document: JSONObject) -> Iterator[tuple[str, JSONObject, str]]:
    """(pointer, holder, what is referred to) of every `$ref` that is one."""
    for pointer, node in _objects(document, "#", _OPAQUE, are_named=False):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield pointer, node, reference


def component_schemas(document: JSONObject) -> JSONObject:
    components = cast("JSONObject", document.setdefault("components", {}))
    return cast("JSONObject", components.setdefault("schemas", {}))


def operations_of(document: JSONObject) -> Iterator[tuple[str, str, JSONObject]]:
    for path, item in cast("dict[str, JSONObject]", document["paths"]).items():
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                yield path, method, operation


def rename_components(document: JSONObject, names: dict[str, str]) -> None:
    """Give component schemas other keys, and lead every reference to the new ones."""
    schemas = component_schemas(document)
    renamed = {names.get(key, key): schema for key, schema in schemas.items()}
    schemas.clear()
    schemas.update(renamed)
    references = {f"#/components/schemas/{escape_pointer(old)}": new for old, new in names.items()}
    for _, node in objects(document):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference in references:
            node["$ref"] = f"#/components/schemas/{escape_pointer(references[reference])}"
