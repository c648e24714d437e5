"""What a schema of a parameter says: its type in Python, its bounds, its words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cl_codegen.spec.spec import JSONValue, Node
from cl_codegen.text.escape import literal

_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
}
_TYPES = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None"}


def properties(schema: Node) -> Iterator[tuple[str, Node]]:
    """The properties of an object, with those of the schemas that it is made of."""
    parts = schema.find("allOf")
    for part in parts.elements() if parts else ():
        yield from properties(part.follow())
    named = schema.find("properties")
    if named:
        yield from named.members()


def required_of(schema: Node) -> set[str]:
    """The properties of an object that have to be there."""
    parts = schema.find("allOf")
    needed = {name for part in (parts.elements() if parts else ()) for name in required_of(part.follow())}
    listed = schema.find("required")
    return needed | {name.text() for name in listed.elements()} if listed else needed


def without_null(schema: Node) -> Node:
    """The T of `anyOf: [T, null]`, behind any reference."""
    schema = schema.follow()
    members = schema.find("anyOf") or schema.find("oneOf")
    if members is None:
        return schema
    present = [member for member in members.elements() if member.value != {"type": "null"}]
    return present[0].follow() if len(present) == 1 else schema


def kind_of(schema: Node) -> JSONValue:
    kind = schema.find("type")
    if kind is not None and isinstance(kind.value, list):
        present = [one for one in kind.value if one != "null"]
        return present[0] if len(present) == 1 else None
    return kind.value if kind else None


def bounds_of(schema: Node) -> Iterator[tuple[str, int | float | str]]:
    for wire_name, name in _BOUNDS.items():
        bound = schema.find(wire_name)
        if bound is None:
            continue
        if isinstance(bound.value, str) and wire_name == "pattern" and _compiles(bound.value):
            yield name, bound.value
        elif isinstance(bound.value, int | float) and not isinstance(bound.value, bool):
            # JSON has no integers of its own: pydantic writes `maximum: 100.0` for an int.
            yield name, int(bound.value) if bound.value == int(bound.value) else bound.value


def _compiles(pattern: str) -> bool:
    """Whether Python reads the pattern too: JSON Schema has the dialect of ECMA 262. Else the server alone checks."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def choices_of(schema: Node) -> Iterator[str | int | float]:
    listed = schema.find("enum")
    for node in listed.elements() if listed else ():
        if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
            yield node.value


def python_type(schema: Node) -> str:
    """The type that a typed method has for a schema. An enum is closed here: the type checker finds a wrong word."""
    schema = schema.follow()
    members = schema.find("anyOf") or schema.find("oneOf")
    if members is not None:
        types = list(dict.fromkeys(python_type(member) for member in members.elements()))
        return "JSONValue" if "JSONValue" in types else " | ".join(sorted(types, key="None".__eq__))
    choices = list(choices_of(schema))
    if choices and all(isinstance(choice, str | int) for choice in choices):
        return f"Literal[{', '.join(literal(choice) for choice in dict.fromkeys(choices))}]"
    kind = schema.find("type")
    if kind is not None and isinstance(kind.value, list):
        types = [_TYPES.get(str(one), "JSONValue") for one in kind.value]
        return "JSONValue" if "JSONValue" in types else " | ".join(sorted(types, key="None".__eq__))
    match kind_of(schema):
        case "string" if schema.find("format") is not None and schema.at("format").value == "binary":
            return "FileInput"
        case "array":
            items = schema.find("items")
            return f"list[{python_type(items) if items else 'JSONValue'}]"
        case "object":
            return "JSONObject"
        case kind_name:
            return _TYPES.get(str(kind_name), "JSONValue")
