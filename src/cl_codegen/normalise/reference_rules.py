"""The rules of the normalisation that lead every reference to a component, or say that it leads nowhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import unquote

from cl_codegen.spec.spec import METHODS, JSONObject, JSONValue, escape_pointer, unescape_pointer
from cl_codegen.spec.walk import component_schemas, mentions
from cl_codegen.text import naming

LEFT_OUT: Final = "x-left-out"
"""The member of a normalised document that says why something is not in the client."""


def references_are_plain(document: JSONObject) -> Iterator[str]:
    """A reference is a URI, in which `a b` is `a%20b` and `{id}` is `%7Bid%7D` (RFC 6901 §6)."""
    for pointer, node, reference in mentions(document):
        plain = unquote(reference)
        if reference.startswith("#") and plain != reference:
            node["$ref"] = plain
            yield pointer


def webhooks_are_called_so(document: JSONObject) -> Iterator[str]:
    """What OpenAPI 3.0 had no member for, many documents have as `x-webhooks`."""
    hooks = document.get("x-webhooks")
    if isinstance(hooks, dict) and "webhooks" not in document:
        document["webhooks"] = document.pop("x-webhooks")
        yield "#/webhooks"


def path_items_stand_in_place(document: JSONObject) -> Iterator[str]:
    """A path may refer to its operations (OpenAPI 3.1 §4.8.9); what stands beside the reference counts."""
    paths = cast("JSONObject", document["paths"])
    for path, item in paths.items():
        seen: set[str] = set()
        while isinstance(item, dict) and isinstance(reference := item.get("$ref"), str):
            target = _at(document, reference)
            pointer = f"#/paths/{escape_pointer(path)}"
            yield pointer
            if not isinstance(target, dict) or reference in seen:
                paths[path] = {LEFT_OUT: f"the reference {reference!r} leads nowhere"}
                break
            seen.add(reference)
            beside = {key: value for key, value in item.items() if key != "$ref"}
            paths[path] = item = {**copy.deepcopy(target), **beside}


def places_referred_to_are_components(document: JSONObject) -> Iterator[str]:
    """A reference may lead into a schema, or into an operation. What stands there becomes a component."""
    schemas = component_schemas(document)
    moved: dict[str, str] = {}
    for pointer, node, reference in list(mentions(document)):
        steps = [unescape_pointer(step) for step in reference.split("/")[1:]]
        is_component = len(steps) == 3 and steps[0] == "components"
        if not reference.startswith("#/") or is_component or steps[0] == "$defs" or "$defs" in steps:
            continue
        if reference not in moved:
            target = _at(document, reference)
            if not isinstance(target, dict):
                continue
            words = [step for step in steps if step not in _STEPS]
            moved[reference] = naming.unique(naming.class_name(" ".join(words[-2:])), schemas)
            # What refers to it through here is the same, but a schema that is in place stays where it was.
            schemas[moved[reference]] = target if "$ref" in target else copy.deepcopy(target)
        node["$ref"] = f"#/components/schemas/{moved[reference]}"
        yield pointer


_STEPS: Final = frozenset(
    ["components", "schemas", "properties", "items", "paths", "content", "schema", "application/json", "responses"]
)


def lost_references_are_left_out(document: JSONObject) -> Iterator[str]:
    """A schema that leads nowhere is any JSON; an operation whose parameter or body does, cannot be called."""
    for pointer, node, reference in list(mentions(document)):
        if reference.startswith("#/$defs/") or "/$defs/" in reference or _leads_somewhere(document, reference):
            continue
        why = _why_lost(reference)
        steps = pointer.split("/")
        if len(steps) > 3 and steps[1] == "paths" and steps[3] in METHODS and "schema" not in steps:
            operation = cast("JSONObject", _at(document, "/".join(steps[:4])))
            if "responses" not in steps:
                operation[LEFT_OUT] = why
        node.clear()
        node[LEFT_OUT] = why
        yield pointer


def _why_lost(reference: str) -> str:
    if reference.startswith(("http://", "https://")):
        return f"the reference {reference!r} leads to another host: copy its target into this document"
    if not reference.startswith("#"):
        there = "in the folder of this document (another one: --references)"
        return f"the reference {reference!r} leads to no file {there}, or to nothing in it"
    return f"the reference {reference!r} leads nowhere"


def _leads_somewhere(document: JSONObject, reference: str) -> bool:
    seen: set[str] = set()
    value: JSONValue = {"$ref": reference}
    while isinstance(value, dict) and isinstance(following := value.get("$ref"), str):
        if following in seen:
            return False
        seen.add(following)
        value = _at(document, following)
    return value is not None


def _at(document: JSONObject, reference: str) -> JSONValue:
    """What stands at a local reference; nothing, where there is nothing."""
    if not reference.startswith("#"):
        return None
    value: JSONValue = document
    for step in reference.removeprefix("#").split("/")[1:]:
        key = unescape_pointer(step)
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
