"""A command as a tool: what it takes, and what a call of it would run."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from attrs import frozen
from cyclopts import App, CycloptsError

from cl_client.cli.command_schema import CommandSchema, key, names_file, property_of, takes_many, text, words
from cl_client.errors import InvalidParameterError
from cl_client.runtime.command import Entry, Place, PlainJobOptions
from cl_client.runtime.view import View
from cl_client.wire.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from cyclopts import Argument

    from cl_client.jobs.handle import Job
    from cl_client.wire.client import Client

Submit = Callable[..., "Awaitable[Job[object]]"]

WAIT: Final = 30.0
"""Seconds that a call waits for its job, when it does not say."""

MOST_ITEMS: Final = 100
"""Items that a call gives, when it does not say."""

_SHARED: Final = ("output", "overwrite", "timeout", "priority", "label")
"""The options of all jobs that a tool has too."""

_PLAIN: Final = View()
_OPTION: Final = re.compile(r"--([a-z][a-z-]*)")


@frozen
class JobCall:
    """A job to submit.

    Attributes:
        file: what it is about; `None` for a job that needs none.
        method: as of `JobRunner.job`.
        options: of the call.
    """

    file: Place | None
    method: Callable[..., Submit]
    options: PlainJobOptions


@frozen
class OperationCall:
    """An operation to call.

    Attributes:
        method: as of `OperationRunner.operation`.
    """

    method: Callable[[Client], Coroutine[object, object, object]]


@frozen
class ItemsCall:
    """An operation to call that gives items, one after the other.

    Attributes:
        method: as of `OperationRunner.each`.
        at_most: how many of them.
    """

    method: Callable[[Client], AsyncGenerator[object]]
    at_most: int


ToolCall = JobCall | OperationCall | ItemsCall


class _Keeper:
    """A runner that runs nothing: it keeps what the command gave it."""

    kept: ToolCall | None = None

    def job(
        self,
        files: Sequence[Place] | None,
        method: Callable[..., Submit],
        options: PlainJobOptions,
        view: View = _PLAIN,
    ) -> None:
        if files is not None and len(files) != 1:
            raise InvalidParameterError("a call is about one file")
        self.kept = JobCall(files[0] if files else None, method, options)

    def operation(self, method: Callable[[Client], Coroutine[object, object, object]]) -> None:
        self.kept = OperationCall(method)

    def saved(self, method: Callable[[Client, Path], Coroutine[object, object, Path]], dest: Place) -> None:
        self.kept = OperationCall(lambda api: method(api, Path(dest)))

    def each(self, method: Callable[[Client], AsyncGenerator[object]], at_most: int | None = None) -> None:
        self.kept = ItemsCall(method, MOST_ITEMS if at_most is None else at_most)


@frozen
class CommandTool:
    """A command as a tool.

    Attributes:
        name: `media_thumbnail`, or `group_command` where a group has several commands.
        command: what is called.
        schema: what it takes.
    """

    name: str
    command: App
    schema: CommandSchema

    @property
    def title(self) -> str:
        return self.schema.description.partition("\n\n")[0]

    def input_schema(self) -> JSONObject:
        """What a call gives it, as JSON Schema."""
        properties: JSONObject = {key(argument): _property(argument) for argument in self._arguments()}
        required: list[JSONValue] = [key(argument) for argument in self._arguments() if argument.required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def places(self, values: Mapping[str, JSONValue]) -> Iterator[Place]:
        """The paths on this machine that a call names."""
        for argument in self._arguments():
            value = values.get(key(argument))
            if names_file(argument) and isinstance(value, str) and not (place := Place(value)).is_url:
                yield place

    def bind(self, values: Mapping[str, JSONValue]) -> ToolCall:
        """What a call would run.

        Raises:
            InvalidParameterError: the values are not what the command takes.
        """
        arguments = {key(argument): argument for argument in self._arguments()}
        if unknown := sorted(values.keys() - arguments.keys()):
            raise InvalidParameterError(f"{self.name} has no {unknown[0]}", hint=f"it has {', '.join(arguments)}")
        options: list[str] = []
        positional: list[str] = []
        for name, argument in arguments.items():
            value = values.get(name)
            if name == "body" and isinstance(value, str) and value.startswith(("@", "-")):
                raise InvalidParameterError("body is the body itself, and no file that holds it")
            if argument.index is None:
                options += words(argument, value)
            elif value is not None:
                positional.append(text(value))
        try:
            command, bound, ignored = self.command.parse_args(
                [*options, "--", *positional], print_error=False, exit_on_error=False
            )
        except CycloptsError as error:
            raise InvalidParameterError(str(error).strip()) from None
        keeper = _Keeper()
        command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, keeper))
        if keeper.kept is None:
            raise InvalidParameterError(f"{self.name} runs nothing with these values")
        return keeper.kept

    def _arguments(self) -> Iterator[Argument]:
        for argument in self.schema.arguments:
            if key(argument) not in self.schema.shared or key(argument) in _SHARED:
                yield argument


def command_tools(entries: Sequence[Entry]) -> Iterator[CommandTool]:
    """The tools of some commands: those of their groups, where they are groups."""
    for entry in entries:
        module, _, name = entry.target.partition(":")
        command = cast("object", getattr(importlib.import_module(module), name))
        if not isinstance(command, App):
            continue
        members = [name for name in command if not name.startswith("-")]
        for member in members:
            spoken = entry.name if len(members) == 1 else f"{entry.name} {member}"
            tool = spoken.replace("-", "_").replace(" ", "_")
            yield CommandTool(tool, command[member], CommandSchema.of(f"{entry.name} {member}", command[member]))


def _property(argument: Argument) -> JSONObject:
    written = property_of(argument)
    written["description"] = _OPTION.sub(lambda found: found[1].replace("-", "_"), str(written.get("description", "")))
    if argument.index is not None and takes_many(argument):
        said = str(written["description"]).partition(": files, folders")[0]
        return {"type": "string", "description": f"{said}: a path on this machine, or a URL."}
    match key(argument):
        case "output":
            written["description"] = (
                "Where the result is saved on this machine: a file, or a folder/. Without it, it stays on the server."
            )
        case "timeout":
            written["description"] = f"Seconds to wait for the result; {WAIT:g} when left out. The job keeps running."
            written["exclusiveMinimum"] = 0
        case _:
            pass
    return written
