"""The rules that make a spec of FastAPI (or of another framework) one that the generator reads without loss.

Each rule is a small function that changes the document in place and yields the JSON pointers where it applied. The
file of the spec is never edited by hand: what a server exports goes through here each time.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import cast

from attrs import frozen

from cl_codegen.document import component_schemas, objects, operations_of, rename_components, slots
from cl_codegen.naming import pascal, snake, unique, words
from cl_codegen.spec import JSONObject, JSONValue, Spec, escape_pointer

Rule = Callable[[JSONObject], Iterator[str]]

BINARY = "application/octet-stream"

RESERVED_CLASSES = frozenset(
    [
        "Any",
        "Call",
        "Client",
        "Data",
        "Enum",
        "File",
        "FileContent",
        "FilePart",
        "Final",
        "JSONObject",
        "JSONValue",
        "Literal",
        "Mapping",
        "None",
        "Response",
        "Self",
        "StatusError",
        "True",
        "False",
        "TypeAlias",
        "UUID",
        "Unset",
        "BadResponseError",
    ]
)
"""Class names that the templates use themselves: a schema of that name would shadow them."""


@frozen
class Applied:
    """Where one rule changed the document."""

    rule: str
    pointers: tuple[str, ...]


def normalise(spec: Spec) -> tuple[Spec, tuple[Applied, ...]]:
    """The spec with every rule applied, and the report of where each of them did something."""
    document = copy.deepcopy(spec.document)
    report = tuple(Applied(rule.__name__, tuple(rule(document))) for rule in RULES)
    return Spec.of(spec.source, document), report


def operation_ids_are_names(document: JSONObject) -> Iterator[str]:
    """FastAPI's default operation id is `{function}_{path}_{method}`; the function's name alone is what a person says.

    An operation without any id gets one of method and path. Where two would be called the same, both keep the long one.
    """
    wished: dict[str, list[JSONObject]] = {}
    pointers: dict[int, str] = {}
    for path, method, operation in operations_of(document):
        given = operation.get("operationId")
        name = _short_operation_id(given, path, method) if isinstance(given, str) else None
        wished.setdefault(name or snake(f"{method} {path}"), []).append(operation)
        pointers[id(operation)] = f"#/paths/{escape_pointer(path)}/{method}/operationId"
    taken = {name for name, operations in wished.items() if len(operations) == 1}
    for name, operations in wished.items():
        for operation in operations:
            given = operation.get("operationId")
            alone = name if len(operations) == 1 else given
            chosen = alone if isinstance(alone, str) else unique(name, taken)
            taken.add(chosen)
            if chosen != given:
                operation["operationId"] = chosen
                yield pointers[id(operation)]


def _short_operation_id(given: str, path: str, method: str) -> str:
    suffix = f"{re.sub(r'[^0-9A-Za-z_]', '_', path)}_{method}"
    return given.removesuffix(suffix) or given


def bodies_are_named_by_their_operation(document: JSONObject) -> Iterator[str]:
    """FastAPI calls a form `Body_{operation id}`, with the long id; by the clean one it is `BodyCreateHashJob`."""
    names: dict[str, str] = {}
    for _, _, operation in operations_of(document):
        body = operation.get("requestBody")
        for pointer, node in objects(body):
            reference = node.get("$ref")
            key = reference.rpartition("/")[2] if isinstance(reference, str) else ""
            wanted = f"Body_{operation['operationId']}"
            if pointer.endswith("/schema") and key.startswith("Body_") and key != wanted and key not in names:
                names[key] = unique(wanted, component_schemas(document))
    rename_components(document, names)
    yield from (f"#/components/schemas/{escape_pointer(key)}" for key in names)


def definitions_are_components(document: JSONObject) -> Iterator[str]:
    """`$defs` inside a schema (JSON Schema 2020-12, as pydantic writes it alone) become components."""
    schemas = component_schemas(document)
    moved: dict[str, str] = {}
    for slot in list(slots(document)):
        if not isinstance(slot.schema, dict):
            continue
        definitions = slot.schema.pop("$defs", None)
        if not isinstance(definitions, dict):
            continue
        yield f"{slot.pointer}/$defs"
        for key, definition in definitions.items():
            name = key if schemas.get(key, definition) == definition else unique(key, schemas)
            schemas[name] = definition
            target = f"#/components/schemas/{escape_pointer(name)}"
            moved[f"{slot.pointer}/$defs/{escape_pointer(key)}"] = target
            # A schema that came whole from pydantic refers to its own definitions, with itself as the root.
            local = f"#/$defs/{escape_pointer(key)}"
            for _, node in [*objects(slot.schema), *objects(cast("JSONValue", definitions))]:
                if node.get("$ref") == local:
                    node["$ref"] = target
    for _, node in objects(document):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference in moved:
            node["$ref"] = moved[reference]


def boolean_schemas_are_objects(document: JSONObject) -> Iterator[str]:
    """`true` as a schema allows anything, as `{}` does; a property that is `false` can never be there and goes."""
    for slot in list(slots(document)):
        if slot.schema is True and slot.key != "additionalProperties":
            slot.put({})
            yield slot.pointer
        elif slot.schema is False and "/properties/" in slot.pointer:
            slot.remove()
            yield slot.pointer


def recursive_json_is_any(document: JSONObject) -> Iterator[str]:
    """A union that says "any JSON" by holding itself becomes `{}`; the library cannot read it and drops its users."""
    schemas = component_schemas(document)
    for key in list(schemas):
        if _is_any_json(schemas[key], f"#/components/schemas/{escape_pointer(key)}"):
            schemas[key] = {}
            yield f"#/components/schemas/{escape_pointer(key)}"


def _is_any_json(schema: JSONValue, itself: str) -> bool:
    members = (schema.get("anyOf") or schema.get("oneOf")) if isinstance(schema, dict) else None
    if not isinstance(members, list):
        return False
    holds_itself = False
    for member in members:
        if not isinstance(member, dict) or member.get("properties"):
            return False
        inner = member.get("items") if member.get("type") == "array" else member.get("additionalProperties")
        if isinstance(inner, dict) and inner.get("$ref") == itself:
            holds_itself = True
        elif member.get("type") not in {"string", "integer", "number", "boolean", "null", "array", "object"}:
            return False
    return holds_itself


def files_are_binary(document: JSONObject) -> Iterator[str]:
    """FastAPI says file by `contentMediaType: application/octet-stream` (3.1); the library knows `format: binary`."""
    for slot in slots(document):
        schema = slot.schema
        if isinstance(schema, dict) and schema.get("contentMediaType") == BINARY and schema.get("type") == "string":
            del schema["contentMediaType"]
            schema["format"] = "binary"
            yield slot.pointer


def other_media_are_bytes(document: JSONObject) -> Iterator[str]:
    """A response in a media type that is neither JSON nor text (an image, a video, `*/*`) is bytes to the client."""
    for path, method, operation in operations_of(document):
        for code, response in cast("dict[str, JSONObject]", operation["responses"]).items():
            content = response.get("content")
            if not isinstance(content, dict) or not content or any(_is_readable(kind) for kind in content):
                continue
            response["content"] = {BINARY: {"schema": {"type": "string", "format": "binary"}}}
            yield f"#/paths/{escape_pointer(path)}/{method}/responses/{code}/content"


def _is_readable(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"application/json", BINARY} or kind.endswith("+json") or kind.startswith("text/")


def components_are_called_by_their_key(document: JSONObject) -> Iterator[str]:
    """A title names the class before the key does, so that `X-Input` and `X-Output`, both titled X, become one and one
    is dropped. Keys are unique: they name the class."""
    for key, schema in component_schemas(document).items():
        if isinstance(schema, dict) and "title" in schema:
            del schema["title"]
            yield f"#/components/schemas/{escape_pointer(key)}"


def components_leave_our_names(document: JSONObject) -> Iterator[str]:
    """A schema called `File` or `Response` would shadow what the generated modules import; it becomes `FileModel`.

    A key that makes no class name (`1`, `äöü`, `class`) gets one too, and two keys never make the same one.
    """
    schemas = component_schemas(document)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in schemas:
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\- ]*", key) is not None
        name = key if plain and pascal(key) not in RESERVED_CLASSES else f"{pascal(key)}Model"
        while pascal(name) in taken:
            name = f"{name}Twin"
        taken.add(pascal(name))
        if name != key:
            names[key] = name
    rename_components(document, names)
    yield from (f"#/components/schemas/{escape_pointer(key)}" for key in names)


def optional_members_take_the_title(document: JSONObject) -> Iterator[str]:
    """In `anyOf: [T, null]` an inline T would be called `…Type0`; it takes the title of the whole."""
    for slot in slots(document):
        schema = slot.schema
        members = schema.get("anyOf") if isinstance(schema, dict) else None
        if not isinstance(schema, dict) or not isinstance(members, list):
            continue
        inner = [member for member in members if member != {"type": "null"}]
        if len(inner) == 1 and len(members) == 2 and isinstance(inner[0], dict) and "$ref" not in inner[0]:
            name = schema.get("title", slot.key)
            if isinstance(name, str) and ("enum" in inner[0] or "properties" in inner[0]) and "title" not in inner[0]:
                inner[0]["title"] = name
                yield slot.pointer


def titles_are_words(document: JSONObject) -> Iterator[str]:
    """A title names the class of an inline enum or object; one without a letter of ASCII names nothing and goes."""
    for slot in slots(document):
        title = slot.schema.get("title") if isinstance(slot.schema, dict) else None
        if isinstance(slot.schema, dict) and title is not None and (not isinstance(title, str) or not words(title)):
            del slot.schema["title"]
            yield slot.pointer


def details_may_be_text(document: JSONObject) -> Iterator[str]:
    """FastAPI documents 422 with a list under `detail`, yet `HTTPException(422, "…")` sends a string."""
    for slot in slots(document):
        if not slot.pointer.endswith("/HTTPValidationError/properties/detail"):
            continue
        schema = slot.schema
        if isinstance(schema, dict) and schema.get("type") == "array":
            slot.put({"anyOf": [schema, {"type": "string"}], "title": "Detail"})
            yield slot.pointer


RULES: tuple[Rule, ...] = (
    operation_ids_are_names,
    bodies_are_named_by_their_operation,
    definitions_are_components,
    boolean_schemas_are_objects,
    recursive_json_is_any,
    files_are_binary,
    other_media_are_bytes,
    details_may_be_text,
    components_are_called_by_their_key,
    components_leave_our_names,
    titles_are_words,
    optional_members_take_the_title,
)


def describe(report: tuple[Applied, ...]) -> str:
    """The report as text: one line for each rule that did something."""
    return "\n".join(f"{applied.rule}: {len(applied.pointers)}" for applied in report if applied.pointers)
