"""What a type of the wire layer is in Python: what it is called, which classes it has, what it can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cl_codegen.text.escape import literal
from cl_codegen.wire.types import (
    ANY,
    NONE,
    Const,
    Fixed,
    Listed,
    Mapped,
    Model,
    Plain,
    Type,
    Union,
    Words,
    leaves,
)


def python_type(type: Type) -> str:
    """What the type is called."""
    match type:
        case Plain():
            return type.python
        case Const():
            return f"Literal[{literal(type.value)}]"
        case Words() | Model():
            return type.name
        case Listed():
            return f"list[{python_type(type.inner)}]"
        case Fixed():
            return f"tuple[{', '.join(map(python_type, type.places))}]"
        case Mapped():
            inner = python_type(type.inner)
            return "JSONObject" if inner == "JSONValue" else f"dict[str, {inner}]"
        case Union():
            types = dict.fromkeys(python_type(member) for member in type.members)
            return " | ".join(sorted(types, key="None".__eq__))


def is_nullable(type: Type) -> bool:
    return type in {NONE, ANY} or (isinstance(type, Union) and NONE in type.members)


def is_converted(type: Type) -> bool:
    """Whether the Python value is another than the JSON value."""
    if isinstance(type, Plain):  # Most are.
        return type.is_converted
    return any(
        isinstance(leaf, Model | Fixed) or (isinstance(leaf, Plain) and leaf.is_converted) for leaf in leaves(type)
    )


def classes(types: Iterable[Type]) -> Iterator[tuple[str, str]]:
    """(module, class) of every model and enum in some types."""
    for type in types:
        for leaf in () if isinstance(type, Plain) else leaves(type):
            if isinstance(leaf, (Words, Model)):
                yield leaf.module, leaf.name


def only_value(type: Type) -> str | int | bool | None:
    """The value, where there is just one."""
    match type:
        case Const():
            return type.value
        case Words(values=(value,)):
            return value
        case _:
            return None
