"""The rules of the normalisation that say a schema as OpenAPI 3.1 and the library do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from cl_codegen.spec.media_types import LINES, plain
from cl_codegen.spec.spec import JSONObject, JSONValue, escape_pointer
from cl_codegen.spec.walk import Slot, component_schemas, objects, operations_of, slots
from cl_codegen.text.naming import unique

BINARY: Final = "application/octet-stream"

_ANNOTATIONS: Final = ("title", "description", "default", "deprecated", "example")


def parts_of_one_are_themselves(document: JSONObject) -> Iterator[str]:
    """`allOf: [X]` is how OpenAPI 3.0 says X with a default or a description; it is X."""
    for slot in list(slots(document)):
        schema = slot.schema
        parts = schema.get("allOf") if isinstance(schema, dict) else None
        if not isinstance(schema, dict) or not isinstance(parts, list) or len(parts) != 1:
            continue
        (part,) = parts
        beside = {key: value for key, value in schema.items() if key != "allOf"}
        if isinstance(part, dict) and beside.keys() <= {*_ANNOTATIONS, "nullable"}:
            slot.put({**part, **beside})
            yield slot.pointer


def nullable_is_a_union(document: JSONObject) -> Iterator[str]:
    """`nullable: true` (OpenAPI 3.0) is `anyOf: [T, null]` since 3.1."""
    for slot in list(slots(document)):
        schema = slot.schema
        if not isinstance(schema, dict) or "nullable" not in schema:
            continue
        inner = {key: value for key, value in schema.items() if key not in {"nullable", *_ANNOTATIONS}}
        listed = inner.get("enum")
        if isinstance(listed, list):
            inner["enum"] = [word for word in listed if word is not None]
        beside = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
        slot.put({"anyOf": [inner, {"type": "null"}], **beside} if schema["nullable"] is True else {**inner, **beside})
        yield slot.pointer


def bounds_are_numbers(document: JSONObject) -> Iterator[str]:
    """`minimum: 0, exclusiveMinimum: true` (OpenAPI 3.0) is `exclusiveMinimum: 0` since 3.1."""
    for slot in slots(document):
        schema = slot.schema
        if not isinstance(schema, dict):
            continue
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(schema.get(exclusive), bool):
                is_exclusive = schema.pop(exclusive)
                if is_exclusive and bound in schema:
                    schema[exclusive] = schema.pop(bound)
                yield f"{slot.pointer}/{exclusive}"


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
    for _, node in objects(document) if moved else ():
        reference = node.get("$ref")
        if isinstance(reference, str) and reference in moved:
            node["$ref"] = moved[reference]


def boolean_schemas_are_objects(document: JSONObject) -> Iterator[str]:
    """`true` as a schema allows anything, as `{}` does; a property that is `false` can never be there and goes."""
    for slot in list(slots(document)):
        if slot.schema is True and slot.key != "additionalProperties":
            slot.put({})
            yield slot.pointer
        elif slot.schema is False and slot.pointer.split("/")[-2] == "properties":
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
    """FastAPI says file by `contentMediaType: application/octet-stream` (3.1); the library knows `format: binary`.

    In a multipart form, any media type that is not text says so: what is encoded as text says `contentEncoding` too.
    """
    forms = {id(slot.schema) for slot in _form_fields(document)}
    for slot in slots(document):
        schema = slot.schema
        kind = schema.get("contentMediaType") if isinstance(schema, dict) else None
        if not isinstance(schema, dict) or not isinstance(kind, str) or schema.get("type") != "string":
            continue
        is_file = id(schema) in forms and not _is_text(kind) and "contentEncoding" not in schema
        if kind == BINARY or is_file:
            del schema["contentMediaType"]
            schema["format"] = "binary"
            yield slot.pointer


def _form_fields(document: JSONObject) -> Iterator[Slot]:
    """The fields of multipart forms, and the items of those that are lists."""
    forms = [slot for slot in slots(document) if slot.pointer.endswith("/content/multipart~1form-data/schema")]
    places = {form.pointer for form in forms}
    named = {str(form.schema.get("$ref")) for form in forms if isinstance(form.schema, dict)}
    for slot in slots(document) if forms else ():
        parent, _, _ = slot.pointer.removesuffix("/items").rpartition("/properties/")
        if parent and (parent in named or parent in places):
            yield slot


def other_media_are_bytes(document: JSONObject) -> Iterator[str]:
    """A response in a media type that is neither JSON nor text (an image, a video, `*/*`) is bytes to the client."""
    for path, method, operation in operations_of(document):
        for code, response in cast("dict[str, JSONObject]", operation.get("responses", {})).items():
            content = response.get("content")
            if not isinstance(content, dict) or not content or any(_is_readable(kind) for kind in content):
                continue
            response["content"] = {BINARY: {"schema": {"type": "string", "format": "binary"}}}
            yield f"#/paths/{escape_pointer(path)}/{method}/responses/{code}/content"


def _is_readable(media_type: str) -> bool:
    return plain(media_type) == BINARY or plain(media_type) in LINES or _is_text(media_type)


def _is_text(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json") or kind.startswith("text/")


def details_may_be_text(document: JSONObject) -> Iterator[str]:
    """FastAPI documents 422 with a list under `detail`, yet `HTTPException(422, "…")` sends a string."""
    for slot in slots(document):
        if not slot.pointer.endswith("/HTTPValidationError/properties/detail"):
            continue
        schema = slot.schema
        if isinstance(schema, dict) and schema.get("type") == "array":
            slot.put({"anyOf": [schema, {"type": "string"}], "title": "Detail"})
            yield slot.pointer
