"""Expressions that make JSON of a Python value."""

from __future__ import annotations

from cl_codegen.wire.python_type import is_converted, python_type
from cl_codegen.wire.types import (
    Fixed,
    Listed,
    Mapped,
    Model,
    Plain,
    Type,
    Union,
)


def encode(type: Type, source: str) -> str:
    """An expression of type JSONValue from a value of the type."""
    match type:
        case Plain(python="datetime.datetime"):
            return f"rfc3339({source})"
        case Plain(python="datetime.date"):
            return f"{source}.isoformat()"
        case Plain(python="UUID"):
            return f"str({source})"
        case Listed():
            inner = encode(type.inner, "item")
            return f"list({source})" if inner == "item" else f"[{inner} for item in {source}]"
        case Fixed():
            return f"[{', '.join(encode(place, f'{source}[{index}]') for index, place in enumerate(type.places))}]"
        case Mapped():
            inner = encode(type.inner, "item")
            if python_type(type) == "JSONObject":
                return source
            return f"dict({source})" if inner == "item" else f"{{key: {inner} for key, item in {source}.items()}}"
        case Model():
            return f"{source}.to_dict()"
        case Union():
            return _encode_union(type, source)
        case _:
            return source


def _encode_union(union: Union, source: str) -> str:
    tests: dict[str, str] = {}
    untouched = False
    for member in union.members:
        encoded, runtime = encode(member, source), _runtime_kind(member)
        if encoded == source:
            untouched = True
        elif tests.setdefault(runtime, encoded) != encoded:
            return f"json_value({source})"  # Two kinds of list: what is in it decides.
    listed = [f"{encoded} if isinstance({source}, {runtime})" for runtime, encoded in tests.items()]
    if not untouched and listed:
        return " else ".join([*listed[:-1], list(tests.values())[-1]])
    if any(runtime in {"list", "dict"} and _plain_too(union, runtime) for runtime in tests):
        return f"json_value({source})"
    return " else ".join([*listed, source])


def _runtime_kind(type: Type) -> str:
    match type:
        case Listed():
            return "list"
        case Fixed():
            return "tuple"
        case Mapped():
            return "dict"
        case _:
            return python_type(type)


def _plain_too(union: Union, runtime: str) -> bool:
    return any(
        _runtime_kind(member) == runtime and not is_converted(member) and encode(member, "x") == "x"
        for member in union.members
    )
