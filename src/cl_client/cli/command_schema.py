"""What a command takes, as JSON Schema (2020-12): for `--schema`, and for the tools of an MCP server.

It is read from what cyclopts knows of the command, so it holds for the commands of any generated package.
"""

from __future__ import annotations

import datetime
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Final, Literal, cast, get_args, get_origin
from uuid import UUID

from attrs import frozen
from cyclopts import App, Argument

from cl_client.runtime.command import Bounds
from cl_client.wire.types import JSONObject, JSONValue

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TYPES: Final[Mapping[object, JSONObject]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Path: {"type": "string"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    UUID: {"type": "string", "format": "uuid"},
}
"""The rest is text."""


@frozen
class CommandSchema:
    """The parameters of a command.

    Attributes:
        name: The words of the command, without the program: `hash compute`.
        description: What the command does.
        arguments: The parameters, in order. Input files are first.
        shared: The parameters that all commands of this kind have, such as `--timeout`.
    """

    name: str
    description: str
    arguments: tuple[Argument, ...]
    shared: frozenset[str]

    @classmethod
    def of(cls, name: str, command: App) -> CommandSchema:
        """Read it from a command that isn't a group."""
        arguments: list[Argument] = []
        shared: set[str] = set()
        for argument in command.assemble_argument_collection():
            if argument.children:
                shared.update(key(child) for child in argument.children)
            elif argument.parse and argument.names != ("*",):
                arguments.append(argument)
        return cls(name, inspect.cleandoc(command.help), tuple(arguments), frozenset(shared))

    def to_dict(self, program: str) -> JSONObject:
        """The parameters as JSON Schema.

        `x-option` of a property names its option. Properties without it are positional, in this order.
        """
        properties: dict[str, JSONValue] = {}
        for argument in self.arguments:
            written = property_of(argument)
            if argument.index is None:
                written["x-option"] = argument.name
            properties[key(argument)] = written
        return {
            "$schema": DIALECT,
            "title": f"{program} {self.name}",
            "description": self.description,
            "type": "object",
            "properties": properties,
            "required": [key(argument) for argument in self.arguments if argument.required],
            "additionalProperties": False,
        }


def schema_asked_for(app: App, program: str, tokens: Sequence[str]) -> str:
    """The JSON Schema of a command, or a list of those of all commands in a group or a program.

    Raises:
        CycloptsError: The command doesn't exist.
    """
    names, apps, rest = app.meta.parse_commands([word for word in tokens if word != "--schema"])
    command = apps[-1] if names else app
    if command.default_command is not None and names:
        return _json(CommandSchema.of(" ".join(names), command).to_dict(program))
    if rest and not rest[0].startswith("-"):
        app.parse_args([*names, *rest], print_error=False, exit_on_error=False)
    return _json([schema.to_dict(program) for schema in _below(command, names)])


def _below(group: App, names: Sequence[str]) -> Iterator[CommandSchema]:
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        if command.default_command is not None:
            yield CommandSchema.of(" ".join([*names, name]), command)
        else:
            yield from _below(command, [*names, name])


def _json(value: JSONValue) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def property_of(argument: Argument) -> JSONObject:
    """One argument as JSON Schema."""
    schema = _schema(cast("object", argument.hint), argument)
    text = argument.parameter.help or ""
    if isinstance(argument.show_default, str):
        text += f" Default: {argument.show_default}."
    return {**schema, "description": text} if text else schema


def words(argument: Argument, value: JSONValue) -> Iterator[str]:
    """What one types for a value of an option; nothing for null."""
    if value is None:
        return
    if isinstance(value, bool):
        negative = next(iter(argument.negatives), None)
        if value or negative is not None:
            yield argument.name if value else str(negative)
        return
    for each in value if isinstance(value, list) and takes_many(argument) else [value]:
        yield f"{argument.name}={text(each)}"


def text(value: JSONValue) -> str:
    """A value as one types it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def takes_many(argument: Argument) -> bool:
    """Whether it may be given several times."""
    return any(get_origin(kind) in (list, tuple, Sequence) for kind in _alternatives(cast("object", argument.hint)))


def names_file(argument: Argument) -> bool:
    """Whether its values are files, folders or URLs."""
    return any(
        isinstance(kind, type) and issubclass(kind, Path)
        for hint in _alternatives(cast("object", argument.hint))
        for kind in (hint, *cast("tuple[object, ...]", get_args(hint)))
    )


def key(argument: Argument) -> str:
    """The name of its property. A trailing underscore only avoids a keyword of Python, and is removed."""
    return argument.field_info.name.rstrip("_")


def _schema(hint: object, argument: Argument) -> JSONObject:
    (kind, *others) = list(_alternatives(hint)) or [str]
    if argument.parameter.metavar == "JSON" or others:
        return {}
    if get_origin(kind) in (list, tuple, Sequence):
        (inner, *_) = cast("tuple[object, ...]", get_args(kind)) or (str,)
        return {"type": "array", "items": _schema(inner, argument)}
    if get_origin(kind) is Literal:
        return {"enum": list(cast("tuple[JSONValue, ...]", get_args(kind)))}
    if choices := argument.get_choices():
        return {"enum": list(choices)}
    found = _TYPES.get(kind) or {"type": "string"}
    return {**found, **_bounds(argument)}


def _bounds(argument: Argument) -> JSONObject:
    annotation = cast("object", argument.field_info.annotation)
    marks = cast("tuple[object, ...]", get_args(annotation)[1:]) if get_origin(annotation) is Annotated else ()
    for mark in marks:
        if isinstance(mark, Bounds):
            found = cast("dict[str, JSONValue]", mark._asdict())
            return {_camel(name): bound for name, bound in found.items() if bound is not None}
    return {}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _alternatives(hint: object) -> Iterator[object]:
    """`int` of `int | None`."""
    if get_origin(hint) is Annotated:
        hint = cast("object", get_args(hint)[0])
    args = cast("tuple[object, ...]", get_args(hint))
    if NoneType in args:
        yield from (kind for kind in args if kind is not NoneType)
    else:
        yield hint
