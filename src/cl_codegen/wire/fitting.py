"""Values that a spec has in its schemas, and the types that they fit."""

from cl_codegen.spec.spec import JSONValue
from cl_codegen.wire import types as wire_types
from cl_codegen.wire.types import ANY, NONE, Const, Listed, Mapped, Type, Union, Words


def fitting(default: JSONValue, type: Type) -> JSONValue:
    """A default as a value of the type; nothing if it is none, because no request contains it."""
    match type:
        case wire_types.Plain():
            return _fitting_plain(default, type)
        case Words():
            return default if isinstance(default, str | int) and default in type.values else None
        case Const():
            return default if default == type.value else None
        case Listed():
            fits = isinstance(default, list) and all(fitting(one, type.inner) is not None for one in default)
            return default if fits else None
        case Mapped():
            fits = isinstance(default, dict) and all(fitting(one, type.inner) is not None for one in default.values())
            return default if fits else None
        case Union():
            found = (fitting(default, member) for member in type.members)
            return next((value for value in found if value is not None), None)
        case _:
            return None


def _fitting_plain(default: JSONValue, type: wire_types.Plain) -> JSONValue:
    if type == ANY:
        return default
    if isinstance(default, bool):
        return default if type == wire_types.BOOLEAN else None
    if isinstance(default, int | float):
        if type == wire_types.INTEGER:
            return int(default) if default == int(default) else None
        return default if type == wire_types.FLOAT else None
    return default if isinstance(default, str) and type == wire_types.TEXT else None


def const_of(value: JSONValue) -> Type:
    return Const(value) if isinstance(value, str | int) else plain_of(value)


def plain_of(value: JSONValue) -> Type:
    match value:
        case None:
            return NONE
        case bool():
            return wire_types.BOOLEAN
        case int():
            return wire_types.INTEGER
        case float():
            return wire_types.FLOAT
        case str():
            return wire_types.TEXT
        case _:
            return ANY


def as_kind(value: JSONValue, kind: JSONValue) -> JSONValue:
    """A value of an enum as its type says: YAML reads `on: [1, true]` of strings as a number and a truth."""
    if kind == "string" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return float(value) if kind == "number" and isinstance(value, int) and not isinstance(value, bool) else value
