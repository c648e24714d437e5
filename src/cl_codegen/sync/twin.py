"""The classes and functions of the sync client: what its templates are given."""

from __future__ import annotations

from attrs import frozen


@frozen
class Callable:
    """A function or a method of the sync client."""

    name: str
    parameters: str
    returns: str
    doc: str
    body: tuple[str, ...]
    decorators: tuple[str, ...] = ()


@frozen
class Init:
    """The parameters of a constructor, the arguments that they become, and its docstring."""

    parameters: str
    arguments: str
    doc: str


@frozen
class TwinClass:
    """A class of the sync client."""

    name: str
    bases: str
    doc: str
    variables: tuple[str, ...]
    init: Init | None
    members: tuple[Callable, ...]


@frozen
class TwinModule:
    """A module of the sync client.

    Attributes:
        name: dotted.
        source: the module that it is made from.
    """

    name: str
    source: str
    classes: tuple[TwinClass, ...]
    functions: tuple[Callable, ...]
