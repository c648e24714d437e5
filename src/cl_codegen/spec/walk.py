"""Walking a document: its schemas, its operations, its references, and changing them in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

from attrs import define

from cl_codegen.spec.json_value import METHODS, JSONObject, JSONValue, escape_pointer


@define
class Slot:
    """A place that holds a schema: reading it, and putting another one there. It is not frozen, for a rule meets
    thousands, and a frozen one takes four times as long to make."""

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


class Walked(dict[str, JSONValue]):
    """A document that remembers where its schemas and its references are, until `is_changed` is called.

    Most rules find nothing to change in most documents, and a walk is what takes them their time.
    """

    def __init__(self, document: JSONObject) -> None:
        super().__init__(document)
        self._slots: list[Slot] | None = None
        self._mentions: list[tuple[str, JSONObject, str]] | None = None

    def is_changed(self) -> None:
        self._slots = self._mentions = None

    def slots(self) -> list[Slot]:
        if self._slots is None:
            self._slots = _slots(self)
        return self._slots

    def mentions(self) -> list[tuple[str, JSONObject, str]]:
        if self._mentions is None:
            self._mentions = list(_mentions(self))
        return self._mentions


def slots(document: JSONObject) -> Iterable[Slot]:
    """Every place of a document that holds a schema, outer before inner."""
    return document.slots() if isinstance(document, Walked) else _slots(document)


def _slots(document: JSONObject) -> list[Slot]:
    found: list[Slot] = []
    components = document.get("components")
    if isinstance(components, dict):
        found += _inside(_named(components, "schemas", "#/components"))
        for section in ("parameters", "responses", "requestBodies", "headers"):
            if section in components:
                _add_below(found, components[section], f"#/components/{section}")
    for section in ("paths", "webhooks"):
        if section in document:
            _add_below(found, document[section], f"#/{section}")
    return found


def _add_below(found: list[Slot], value: JSONValue, pointer: str) -> None:
    """Add the schemas in a part of the document that is not itself a schema."""
    waiting: list[tuple[JSONValue, str]] = [(value, pointer)]
    while waiting:
        value, pointer = waiting.pop()
        below: list[tuple[JSONValue, str]] = []
        if isinstance(value, dict):
            for key in list(value):
                if key == "schema":
                    found += _inside([Slot(value, key, f"{pointer}/schema")])
                elif key not in _EXAMPLES and isinstance(value[key], (dict, list)) and not key.startswith("x-"):
                    below.append((value[key], f"{pointer}/{escape_pointer(key)}"))
        elif isinstance(value, list):
            below = [(element, f"{pointer}/{index}") for index, element in enumerate(value)]
        below.reverse()
        waiting += below


_EXAMPLES: Final = frozenset(["example", "examples"])
_BY_NAME: Final = ("properties", "$defs", "patternProperties")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_ALONE: Final = ("items", "additionalProperties", "not", "contains", "propertyNames")
_HOLD_SCHEMAS: Final = frozenset([*_BY_NAME, *_LISTS, *_ALONE])


def _inside(slots: Iterable[Slot]) -> Iterator[Slot]:
    """Some slots and those inside of them, without recursion: what is deep takes no longer for it."""
    waiting = [*slots]
    waiting.reverse()
    while waiting:
        slot = waiting.pop()
        yield slot
        holder, key, pointer = slot.holder, slot.key, slot.pointer
        schema = holder.get(key) if isinstance(holder, dict) and isinstance(key, str) else slot.schema
        if not isinstance(schema, dict) or _HOLD_SCHEMAS.isdisjoint(schema):
            continue
        below: list[Slot] = []
        for name in _BY_NAME:
            if name in schema:
                below += _named(schema, name, pointer)
        for name in _LISTS:
            members = schema.get(name)
            if isinstance(members, list):
                below += [Slot(members, index, f"{pointer}/{name}/{index}") for index in range(len(members))]
        below += [Slot(schema, name, f"{pointer}/{name}") for name in _ALONE if name in schema]
        below.reverse()
        waiting += below


def _named(holder: JSONObject, name: str, pointer: str) -> list[Slot]:
    members = holder.get(name)
    if not isinstance(members, dict):
        return []
    return [Slot(members, key, f"{pointer}/{name}/{escape_pointer(key)}") for key in members]


def objects(value: JSONValue, pointer: str = "#") -> Iterator[tuple[str, JSONObject]]:
    """Every object below a value; what examples, defaults and enums hold is data and is left out."""
    return _objects(value, pointer, _DATA, are_named=False)


def _objects(
    value: JSONValue, pointer: str, data: frozenset[str], *, are_named: bool
) -> Iterator[tuple[str, JSONObject]]:
    waiting: list[tuple[JSONValue, str, bool]] = [(value, pointer, are_named)]
    while waiting:
        value, pointer, are_named = waiting.pop()
        below: list[tuple[JSONValue, str, bool]] = []
        if isinstance(value, dict):
            yield pointer, value
            for key, child in value.items():
                if isinstance(child, (dict, list)) and (are_named or not (key in data or _is_opaque(key, data))):
                    inside = not are_named and key in _NAMED
                    below.append((child, f"{pointer}/{escape_pointer(key)}", inside))
        elif isinstance(value, list):
            below = [
                (element, f"{pointer}/{index}", False)
                for index, element in enumerate(value)
                if isinstance(element, (dict, list))
            ]
        below.reverse()
        waiting += below


def _is_opaque(key: str, data: frozenset[str]) -> bool:
    return data is _OPAQUE and key.startswith("x-")


_DATA: Final = frozenset(["example", "examples", "default", "const", "enum"])
_OPAQUE: Final = frozenset([*_DATA, "x-"])
"""The same, and extensions, which may hold anything (OpenAPI 3.1 §4.9)."""
_NAMED: Final = frozenset(["properties", "patternProperties", "$defs", "dependentSchemas", "schemas"])
"""What holds schemas by names of people, which may be called `default` or `x-…` too."""


def mentions(document: JSONObject) -> Iterable[tuple[str, JSONObject, str]]:
    """(pointer, holder, what is referred to) of every `$ref` that is one."""
    return document.mentions() if isinstance(document, Walked) else _mentions(document)


def _mentions(document: JSONObject) -> Iterator[tuple[str, JSONObject, str]]:
    for pointer, node in _objects(document, "#", _OPAQUE, are_named=False):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield pointer, node, reference


def references_below(value: JSONValue, pointer: str) -> Iterator[tuple[str, JSONObject, str, str]]:
    """(pointer, holder, key, what is referred to) of every reference in a part of a document: of each `$ref`, and of
    each word of a discriminator (OpenAPI 3.1 §4.8.25)."""
    are_named = pointer.rpartition("/")[2] in _NAMED
    for at, node in _objects(value, pointer, _OPAQUE, are_named=are_named):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield at, node, "$ref", reference
        said = node.get("discriminator")
        mapping = said.get("mapping") if isinstance(said, dict) else None
        if isinstance(mapping, dict):
            for word, target in mapping.items():
                if isinstance(target, str):
                    yield f"{at}/discriminator/mapping", mapping, word, target


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
    if not names:
        return
    schemas = component_schemas(document)
    renamed = {names.get(key, key): schema for key, schema in schemas.items()}
    schemas.clear()
    schemas.update(renamed)
    references = {f"#/components/schemas/{escape_pointer(old)}": new for old, new in names.items()}
    for _, node in objects(document):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference in references:
            node["$ref"] = f"#/components/schemas/{escape_pointer(references[reference])}"
