"""What a schema is made of, read without its meaning."""

from typing import Final

from cl_codegen.spec.spec import JSONObject, JSONValue, unescape_pointer

COMPONENTS: Final = "#/components/schemas/"
SAYS_NOTHING: Final = frozenset(
    [
        *("title", "description", "default", "deprecated", "example", "examples", "required", "readOnly", "writeOnly"),
        *("nullable", "not", "if", "then", "else", "$comment", "externalDocs", "xml", "$schema", "$id"),
    ]
)
"""What a schema may have beside others in an `allOf` without being a type of its own."""


def parts_of(schema: JSONObject) -> list[JSONObject]:
    """What an `allOf` is made of, with what stands beside it."""
    beside = {key: value for key, value in schema.items() if key not in {"allOf", "$ref", *SAYS_NOTHING}}
    reference: list[JSONValue] = [{"$ref": schema["$ref"]}] if "$ref" in schema else []
    listed = [*reference, *items_of(schema.get("allOf")), beside]
    return [part for part in listed if isinstance(part, dict)]


def component_key(schema: JSONValue) -> str | None:
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if not isinstance(reference, str):
        return None
    if not reference.startswith("#"):
        return reference  # A mapping of a discriminator may have the bare name (OpenAPI 3.1 §4.8.25).
    return unescape_pointer(reference[len(COMPONENTS) :]) if reference.startswith(COMPONENTS) else None


def items_of(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else []


def description_of(schema: JSONObject) -> str:
    said = schema.get("description")
    return said if isinstance(said, str) else ""
