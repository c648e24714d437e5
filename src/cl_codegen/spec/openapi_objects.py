"""The objects of an OpenAPI document, with the types of their members (OpenAPI 3.0.4 and 3.1.1, §4.8).

Nearly all documents agree with it, and to check that takes a tenth of the time in which `validity` reads them with the
document models, which explain what is wrong with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from attrs import evolve, frozen

from cl_codegen.spec.spec import JSONObject, JSONValue

Check: TypeAlias = "Callable[[JSONValue], bool]"
Below: TypeAlias = "tuple[str, str]"
"""What a member has: one object, a list or a map of them, and which (a name of `_OBJECTS`)."""


def is_as_specified(document: JSONObject) -> bool:
    """Whether every object of a document has the members it needs, and each that OpenAPI knows is of its type.

    Where it is not, the document may still be valid: a rule here allows only the usual way to write a thing.
    """
    needs_responses = str(document.get("openapi")).startswith("3.0")  # Since 3.1 an operation need not have any.
    waiting: list[tuple[str, JSONValue]] = [("document", document)]
    while waiting:
        name, value = waiting.pop()
        kind = _OBJECTS[name]
        if not isinstance(value, dict):
            if kind.may_be_flag and isinstance(value, bool):
                continue
            return False
        if kind.may_refer and "$ref" in value:
            if not isinstance(value["$ref"], str):
                return False
            continue
        if not kind.needs <= value.keys() or (needs_responses and name == "operation" and "responses" not in value):
            return False
        for key, one in value.items():
            if (check := kind.checks.get(key)) is not None:
                if not check(one):
                    return False
            elif (below := kind.below.get(key, kind.others)) is not None:
                form, what = below
                if form == "one":
                    waiting.append((what, one))
                elif form == "list" and isinstance(one, list):
                    waiting += [(what, each) for each in one]
                elif form == "map" and isinstance(one, dict):
                    waiting += [(what, each) for each in one.values()]
                else:
                    return False
    return True


def _text(value: JSONValue) -> bool:
    return type(value) is str or value is None


def _needed_text(value: JSONValue) -> bool:
    return type(value) is str


def _flag(value: JSONValue) -> bool:
    return type(value) is bool


def _number(value: JSONValue) -> bool:
    return type(value) in {int, float} or value is None


def _bound(value: JSONValue) -> bool:
    return type(value) is bool or _number(value)


def _size(value: JSONValue) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _texts(value: JSONValue) -> bool:
    return value is None or (type(value) is list and all(type(one) is str for one in value))


def _choices(value: JSONValue) -> bool:
    return value is None or (type(value) is list and bool(value))


def _constant(value: JSONValue) -> bool:
    return not isinstance(value, list | dict)


def _above_zero(value: JSONValue) -> bool:
    return value is None or (isinstance(value, int | float) and type(value) is not bool and value > 0)


def _types(value: JSONValue) -> bool:
    every = value if type(value) is list else [value]
    return all(type(one) is str and one in _TYPES for one in every)


def _version(value: JSONValue) -> bool:
    parts = value.split(".") if isinstance(value, str) else []
    return len(parts) == 3 and parts[0] == "3" and parts[1] in {"0", "1"}


def _place(value: JSONValue) -> bool:
    return type(value) is str and value in {"query", "path", "header", "cookie"}


def _requirement(value: JSONValue) -> bool:
    """Security requirements: a list of maps of lists of scopes."""
    return value is None or (
        type(value) is list and all(type(one) is dict and all(map(_scopes, one.values())) for one in value)
    )


def _scopes(value: JSONValue) -> bool:
    return type(value) is list and all(type(one) is str for one in value)


def _map_of_texts(value: JSONValue) -> bool:
    return value is None or _needed_map_of_texts(value)


def _needed_map_of_texts(value: JSONValue) -> bool:
    return type(value) is dict and all(type(one) is str for pair in value.items() for one in pair)


def _map(value: JSONValue) -> bool:
    return value is None or (type(value) is dict and all(type(key) is str for key in value))


_TYPES: Final = frozenset(["string", "number", "integer", "boolean", "array", "object", "null"])


@frozen
class _Object:
    """One kind of object.

    Attributes:
        checks: of members that are no objects of OpenAPI.
        below: members that are.
        needs: the members that have to be there.
        others: what every member is that is not named.
        may_refer: whether a reference may stand in its place.
        may_be_flag: whether true or false may.
    """

    checks: Mapping[str, Check] = {}
    below: Mapping[str, Below] = {}
    needs: frozenset[str] = frozenset()
    others: Below | None = None
    may_refer: bool = False
    may_be_flag: bool = False


def _all(check: Check, *names: str) -> dict[str, Check]:
    return dict.fromkeys(names, check)


_SENT: Final[Mapping[str, Check]] = {
    **_all(_text, "description", "style"),
    **_all(_flag, "required", "deprecated", "allowEmptyValue", "explode", "allowReserved"),
}
_SENT_BELOW: Final[Mapping[str, Below]] = {
    "schema": ("one", "schema"),
    "examples": ("map", "example"),
    "content": ("map", "media"),
}
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_SCHEMA: Final = _Object(
    {
        **_all(_text, "title", "pattern", "description", "format"),
        **_all(_number, "maximum", "minimum"),
        **_all(_bound, "exclusiveMaximum", "exclusiveMinimum"),
        **_all(_size, "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"),
        **_all(_flag, "uniqueItems", "nullable", "readOnly", "writeOnly", "deprecated"),
        "multipleOf": _above_zero,
        "required": _texts,
        "enum": _choices,
        "const": _constant,
        "type": _types,
    },
    {
        **dict.fromkeys(("allOf", "oneOf", "anyOf", "prefixItems"), ("list", "schema")),
        **dict.fromkeys(("not", "items"), ("one", "schema")),
        "properties": ("map", "schema"),
        "additionalProperties": ("one", "schema or flag"),
        "discriminator": ("one", "discriminator"),
        "xml": ("one", "xml"),
        "externalDocs": ("one", "documentation"),
    },
    may_refer=True,
)

_OBJECTS: Final[Mapping[str, _Object]] = {
    "document": _Object(
        {"openapi": _version, "security": _requirement},
        {
            "info": ("one", "info"),
            "servers": ("list", "server"),
            "paths": ("one", "paths"),
            "components": ("one", "components"),
            "tags": ("list", "tag"),
            "externalDocs": ("one", "documentation"),
        },
        frozenset(["openapi", "info", "paths"]),
    ),
    "info": _Object(
        {**_all(_needed_text, "title", "version"), **_all(_text, "description", "termsOfService")},
        {"contact": ("one", "contact"), "license": ("one", "license")},
        frozenset(["title", "version"]),
    ),
    "contact": _Object(_all(_text, "name", "url", "email")),
    "license": _Object({"name": _needed_text, "url": _text}, needs=frozenset(["name"])),
    "documentation": _Object({"url": _needed_text, "description": _text}, needs=frozenset(["url"])),
    "tag": _Object(
        {"name": _needed_text, "description": _text},
        {"externalDocs": ("one", "documentation")},
        frozenset(["name"]),
    ),
    "server": _Object(
        {"url": _needed_text, "description": _text}, {"variables": ("map", "variable")}, frozenset(["url"])
    ),
    "variable": _Object({"default": _needed_text, "description": _text, "enum": _texts}, needs=frozenset(["default"])),
    "paths": _Object(others=("one", "path")),
    "path": _Object(
        _all(_text, "$ref", "summary", "description"),
        {
            **dict.fromkeys(_METHODS, ("one", "operation")),
            "servers": ("list", "server"),
            "parameters": ("list", "parameter"),
        },
    ),
    "operation": _Object(
        {
            **_all(_text, "summary", "description", "operationId"),
            "tags": _texts,
            "deprecated": _flag,
            "security": _requirement,
        },
        {
            "externalDocs": ("one", "documentation"),
            "parameters": ("list", "parameter"),
            "requestBody": ("one", "body"),
            "responses": ("map", "response"),
            "callbacks": ("map", "callback"),
            "servers": ("list", "server"),
        },
    ),
    "callback": _Object(others=("one", "path")),
    "callback or reference": _Object(others=("one", "path"), may_refer=True),
    "parameter": _Object(
        {**_SENT, "name": _needed_text, "in": _place}, _SENT_BELOW, frozenset(["name", "in"]), may_refer=True
    ),
    "header": _Object(_SENT, _SENT_BELOW, may_refer=True),
    "body": _Object(
        {"description": _text, "required": _flag}, {"content": ("map", "media")}, frozenset(["content"]), may_refer=True
    ),
    "response": _Object(
        {"description": _needed_text},
        {"headers": ("map", "header"), "content": ("map", "media"), "links": ("map", "link")},
        frozenset(["description"]),
        may_refer=True,
    ),
    "media": _Object(
        {},
        {"schema": ("one", "schema"), "examples": ("map", "example"), "encoding": ("map", "encoding")},
    ),
    "encoding": _Object(
        {**_all(_text, "contentType", "style"), **_all(_flag, "explode", "allowReserved")},
        {"headers": ("map", "header")},
    ),
    "example": _Object(_all(_text, "summary", "description", "externalValue"), may_refer=True),
    "link": _Object(
        {**_all(_text, "operationRef", "operationId", "description"), "parameters": _map},
        {"server": ("one", "server")},
        may_refer=True,
    ),
    "components": _Object(
        below={
            "schemas": ("map", "schema"),
            "responses": ("map", "response"),
            "parameters": ("map", "parameter"),
            "examples": ("map", "example"),
            "requestBodies": ("map", "body"),
            "headers": ("map", "header"),
            "securitySchemes": ("map", "scheme"),
            "links": ("map", "link"),
            "callbacks": ("map", "callback or reference"),
        }
    ),
    "scheme": _Object(
        {
            "type": _needed_text,
            **_all(_text, "description", "name", "in", "scheme", "bearerFormat", "openIdConnectUrl"),
        },
        {"flows": ("one", "flows")},
        frozenset(["type"]),
        may_refer=True,
    ),
    "flows": _Object(
        below=dict.fromkeys(("implicit", "password", "clientCredentials", "authorizationCode"), ("one", "flow"))
    ),
    "flow": _Object(
        {**_all(_text, "authorizationUrl", "tokenUrl", "refreshUrl"), "scopes": _needed_map_of_texts},
        needs=frozenset(["scopes"]),
    ),
    "discriminator": _Object(
        {"propertyName": _needed_text, "mapping": _map_of_texts}, needs=frozenset(["propertyName"])
    ),
    "xml": _Object({**_all(_text, "name", "namespace", "prefix"), **_all(_flag, "attribute", "wrapped")}),
    "schema": _SCHEMA,
    "schema or flag": evolve(_SCHEMA, may_be_flag=True),
}
