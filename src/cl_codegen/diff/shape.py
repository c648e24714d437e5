"""A schema as the kinds of values that it allows, however it is written.

`type: [T, null]`, `nullable`, `anyOf`, `oneOf`, `allOf`, `const`, a reference: the same values make the same shapes, so
only a difference of values is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from attrs import evolve, field, frozen

from cl_codegen.diff.document import Document, component_of, elements, members, same
from cl_codegen.spec.spec import JSONObject, JSONValue

_KINDS: Final = ("null", "boolean", "integer", "number", "string", "array", "object")
_TELLING: Final = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "minLength", "maxLength", "format", "contentMediaType", "contentEncoding"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""What says the type of a schema that has no `type`."""

_ANNOTATIONS: Final = frozenset(
    ["$comment", "default", "deprecated", "description", "example", "examples", "externalDocs", "title", "xml"]
)
_SILENT: Final = _ANNOTATIONS | {"readOnly", "writeOnly", "discriminator", "$defs", "$id", "$schema", "$anchor"}
"""What says nothing of the values themselves, or is compared by itself."""
_COMBINING: Final = ("allOf", "anyOf", "oneOf")
_PYTHON_FORMATS: Final = frozenset(["binary", "date", "date-time", "uuid"])
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_MOST_SHAPES: Final = 64


@frozen(eq=False)
class Shape:
    """One kind of value.

    Attributes:
        kind: a type of JSON, or `any`.
        words: the keywords that hold for it.
        name: of the component that it is.
    """

    kind: str
    words: JSONObject = field(factory=dict)
    name: str | None = None

    @property
    def label(self) -> str:
        """What people call it: the component, or the type with a format that makes another type in Python too."""
        return self.name or self.type

    @property
    def type(self) -> str:
        if self.kind == "string" and (shape := self.format) in _PYTHON_FORMATS:
            return "file" if shape == "binary" else f"string ({shape})"
        return "list" if self.kind == "array" else self.kind

    @property
    def format(self) -> str | None:
        """The format; FastAPI says a file by its media type (3.1), and bytes in text by their encoding."""
        said = self.words.get("format")
        if isinstance(said, str):
            return said
        if self.words.get("contentEncoding") == "base64":
            return "byte"
        return "binary" if self.words.get("contentMediaType") == "application/octet-stream" else None

    @property
    def enum(self) -> list[JSONValue] | None:
        listed = self.words.get("enum")
        return listed if isinstance(listed, list) else None


def shapes(schema: JSONValue, document: Document) -> tuple[Shape, ...]:
    """The shapes of a schema, in the order of the document; none where nothing is possible."""
    return tuple(_distinct(_shapes(schema, document, frozenset())))


def _distinct(found: Iterator[Shape]) -> Iterator[Shape]:
    kept: list[Shape] = []
    for one in found:
        if not any(
            one.kind == other.kind and one.name == other.name and same(one.words, other.words) for other in kept
        ):
            kept.append(one)
            yield one
        if len(kept) == _MOST_SHAPES:
            return


def _shapes(schema: JSONValue, document: Document, trail: frozenset[str]) -> Iterator[Shape]:
    if not isinstance(schema, dict):
        if schema is not False:
            yield Shape("any")
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from _referred(schema, reference, document, trail)
        return
    plain = {key: value for key, value in schema.items() if key not in _COMBINING and not _is_silent(key)}
    parts: list[tuple[Shape, ...]] = []
    if plain.keys() - {"nullable"} or not any(key in schema for key in _COMBINING):
        parts.append(tuple(_plain(plain)))
    parts += [tuple(_shapes(part, document, trail)) for part in elements(schema.get("allOf"))]
    for key in ("anyOf", "oneOf"):
        if listed := elements(schema.get(key)):
            parts.append(tuple(one for part in listed for one in _shapes(part, document, trail)))
    merged: tuple[Shape, ...] = parts[0] if parts else (Shape("any"),)
    for part in parts[1:]:
        both = (_both(one, other) for one in merged for other in part)
        merged = tuple(one for one in both if one is not None)[:_MOST_SHAPES]
    yield from merged
    if schema.get("nullable") is True and not any(one.kind in {"null", "any"} for one in merged):
        yield Shape("null")


def _is_silent(key: str) -> bool:
    return key in _SILENT or key.startswith("x-")


def _referred(schema: JSONObject, reference: str, document: Document, trail: frozenset[str]) -> Iterator[Shape]:
    if reference in trail:
        return
    beside = {key: value for key, value in schema.items() if key != "$ref" and not _is_silent(key)}
    target, trail = document.target(reference), trail | {reference}
    # A chain of aliases may be longer than the stack is deep.
    while isinstance(target, dict) and isinstance(further := target.get("$ref"), str) and len(target) == 1:
        if further in trail:
            return
        schema, reference, target, trail = target, further, document.target(further), trail | {further}
    found = tuple(_shapes(target, document, trail))
    if (name := component_of(schema)) is not None and len(found) == 1:
        found = (evolve(found[0], name=found[0].name or name),)
    elif not reference.startswith("#"):
        found = (Shape("any", {"$ref": reference}),)
    if not beside:
        yield from found
        return
    for one in _shapes(beside, document, trail):
        yield from (both for other in found if (both := _both(other, one)) is not None)
    if beside.get("nullable") is True:
        yield Shape("null")


def _plain(schema: JSONObject) -> Iterator[Shape]:
    """The shapes of a schema without references and unions."""
    words = {key: value for key, value in schema.items() if key not in {"type", "nullable", "const"}}
    if "const" in schema:
        constant = schema["const"]
        listed = words.get("enum")
        words["enum"] = [constant] if not isinstance(listed, list) or _in(constant, listed) else []
    _exclusive_bounds(words)
    kind = schema.get("type")
    kinds = [one for one in kind if isinstance(one, str)] if isinstance(kind, list) else [kind] if kind else []
    listed = words.get("enum")
    if isinstance(listed, list):
        if not kinds:
            kinds = list(dict.fromkeys(kind_of(value) for value in listed))
        elif _in(None, listed) and "null" not in kinds and schema.get("nullable") is not False:
            kinds = [*kinds, "null"]
    elif not kinds:
        kinds = [kind for kind, keys in _TELLING.items() if any(key in words for key in keys)]
    if "number" in kinds:
        kinds = [kind for kind in kinds if kind != "integer"]
    for one in kinds or ["any"]:
        shape = Shape(str(one), _fitting(words, str(one)))
        if shape.enum != []:
            yield shape


def _exclusive_bounds(words: JSONObject) -> None:
    """`minimum: 0, exclusiveMinimum: true` is OpenAPI 3.0."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(words.get(exclusive), bool) and words.pop(exclusive) and bound in words:
            words[exclusive] = words.pop(bound)


def _fitting(words: JSONObject, kind: str) -> JSONObject:
    """The keywords that say anything about a type."""
    if kind == "any":
        return words
    of_others = {key for other, keys in _TELLING.items() if not _takes(kind, other) for key in keys}
    of_others -= {key for other, keys in _TELLING.items() if _takes(kind, other) for key in keys}
    if kind in {"integer", "number"}:
        of_others.discard("format")
    kept = {key: value for key, value in words.items() if key not in of_others}
    listed = kept.get("enum")
    if isinstance(listed, list):
        kept["enum"] = [value for value in listed if _takes(kind_of(value), kind) or _takes(kind, kind_of(value))]
        if kind == "integer":
            kept["enum"] = [value for value in listed if kind_of(value) == "integer"]
        if kind == "null":
            del kept["enum"]
    return kept


def _takes(kind: str, other: str) -> bool:
    return kind == other or {kind, other} == {"integer", "number"}


def kind_of(value: JSONValue) -> str:
    """The type of a value; 1.0 is an integer (JSON Schema 2020-12 §6.1.1)."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def _in(value: JSONValue, listed: list[JSONValue]) -> bool:
    return any(same(value, one) for one in listed)


def _both(one: Shape, other: Shape) -> Shape | None:
    """What is of both shapes, as `allOf` wants it."""
    if not (one.kind == "any" or other.kind == "any" or _takes(one.kind, other.kind)):
        return None
    kinds = {one.kind, other.kind} - {"any"}
    kind = "integer" if "integer" in kinds else next(iter(kinds), "any")
    words = _fitting(_merged(one.words, other.words), kind)
    if words.get("enum") == []:
        return None
    names = [shape.name for shape in (one, other) if shape.name is not None and same(shape.words, words)]
    return Shape(kind, words, names[0] if names else None)


def _merged(one: JSONObject, other: JSONObject) -> JSONObject:
    words = {**one, **other}
    for key in one.keys() & other.keys():
        words[key] = _merged_word(key, one[key], other[key])
    return words


def _merged_word(key: str, one: JSONValue, other: JSONValue) -> JSONValue:
    if same(one, other):
        return one
    if isinstance(one, int | float) and isinstance(other, int | float) and key in {*_LOWER, *_UPPER, "multipleOf"}:
        if key == "multipleOf":
            return math.lcm(int(one), int(other)) if one == int(one) and other == int(other) else max(one, other)
        return max(one, other) if key in _LOWER else min(one, other)
    if key == "properties":
        fields, others = members(one), members(other)
        shared: JSONObject = {name: {"allOf": [fields[name], others[name]]} for name in fields if name in others}
        return {**fields, **others, **shared}
    if key == "required":
        return [*elements(one), *(name for name in elements(other) if name not in elements(one))]
    if key == "enum":
        return [value for value in elements(one) if _in(value, elements(other))]
    if key == "additionalProperties":
        return False if one is False or other is False else other if one is True else one
    if key == "uniqueItems":
        return True
    if key in {"items", "not"}:
        return {"allOf" if key == "items" else "anyOf": [one, other]}
    return f"{one} & {other}" if key == "pattern" else other


__all__ = ["Shape", "kind_of", "shapes"]
