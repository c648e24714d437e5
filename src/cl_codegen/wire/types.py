"""What a schema is in the wire layer: a type that has a name in Python, a way from JSON, and a way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from attrs import define, field, frozen

from cl_codegen.spec.spec import JSONValue


@frozen
class Plain:
    """A value that Python has a type for.

    Attributes:
        python: the type.
        is_converted: whether it is another value than the one in JSON.
    """

    python: str
    is_converted: bool = False


ANY: Final = Plain("JSONValue")
BOOLEAN: Final = Plain("bool")
DATE: Final = Plain("datetime.date", is_converted=True)
FILE: Final = Plain("File")
FLOAT: Final = Plain("float")
INTEGER: Final = Plain("int")
MOMENT: Final = Plain("datetime.datetime", is_converted=True)
NONE: Final = Plain("None")
TEXT: Final = Plain("str")
UUID: Final = Plain("UUID", is_converted=True)


@frozen
class Const:
    """One value, and no other."""

    value: str | int | bool


@frozen
class Words:
    """The values of an enum that has a name: those that the spec knows, and what a newer server may say."""

    name: str
    module: str
    values: tuple[str | int | bool, ...]

    @property
    def constant(self) -> str:
        """What the tuple of the values is called."""
        return f"{self.module.rstrip('_').upper()}_VALUES"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The Python types of the values."""
        return tuple(dict.fromkeys(type(value).__name__ for value in self.values))


@frozen
class Listed:
    """An array."""

    inner: Type


@frozen
class Fixed:
    """An array of a known length, each place with a type of its own (JSON Schema 2020-12 §10.3.1.1)."""

    places: tuple[Type, ...]


@frozen
class Mapped:
    """An object of any keys."""

    inner: Type


@frozen
class Union:
    """One of several types, no two of which are called the same.

    Attributes:
        tag: the member whose word says which model it is, where there is one.
        tagged: the model for each word.
    """

    members: tuple[Type, ...]
    tag: str = ""
    tagged: tuple[tuple[str, Model], ...] = ()


@frozen
class Property:
    """A member of an object, as a field of a model."""

    name: str
    wire_name: str
    type: Type
    required: bool
    description: str = ""
    default: JSONValue = None
    read_only: bool = False
    write_only: bool = False


@define(eq=False)
class Model:
    """An object with fields of its own. Its fields are read after it is known by name, so that it may hold itself.

    Attributes:
        is_form: it is sent as `multipart/form-data`, and as nothing else.
    """

    name: str
    module: str
    description: str = ""
    properties: tuple[Property, ...] = ()
    is_form: bool = False
    pointer: str = field(default="#", repr=False)


Type: TypeAlias = Plain | Const | Words | Listed | Fixed | Mapped | Union | Model


def leaves(type: Type) -> Iterator[Type]:
    """The type and all that it is made of, up to the fields of models."""
    yield type
    match type:
        case Listed() | Mapped():
            yield from leaves(type.inner)
        case Fixed(places=inner) | Union(members=inner):
            for one in inner:
                yield from leaves(one)
        case _:
            pass


_EVERY_KIND: Final = frozenset([Mapped(ANY), Listed(ANY), TEXT, INTEGER, FLOAT, BOOLEAN, NONE])


def union_of(types: list[Type]) -> Type:
    """The types as one: flat, each once; any JSON swallows the others, and is what all kinds of JSON together are."""
    flat: dict[Type, None] = {}
    for one in types:
        for member in one.members if isinstance(one, Union) else (one,):
            flat.setdefault(member)
    if ANY in flat or flat.keys() >= _EVERY_KIND:
        return ANY
    members = tuple(flat)
    if not members:
        return ANY
    return members[0] if len(members) == 1 else Union(members)


def without_none(type: Type) -> Type:
    """The type where null is no value: in a path there is always something."""
    if not isinstance(type, Union):
        return type
    return union_of([member for member in type.members if member != NONE])
