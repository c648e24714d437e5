"""A command as a tool: its parameters, and the job or operation that a call runs."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
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
"""Seconds that a call waits for its job by default."""

MOST_ITEMS: Final = 100
"""Items that a call returns by default."""

_SHARED: Final = ("output", "overwrite", "timeout", "priority", "label")
"""The common options of job commands that tools have."""

_PLAIN: Final = View()
_OPTION: Final = re.compile(r"--([a-z][a-z-]*)")


@frozen
class JobCall:
    """A job to submit.

    Attributes:
        file: The input; `None` for a job without one.
        method: As for `JobRunner.job`.
        options: The options of the call.
    """

    file: Place | None
    method: Callable[..., Submit]
    options: PlainJobOptions


@frozen
class OperationCall:
    """An operation to call.

    Attributes:
        method: As for `OperationRunner.operation`.
    """

    method: Callable[[Client], Coroutine[object, object, object]]


@frozen
class ItemsCall:
    """An operation that returns items one by one.

    Attributes:
        method: As for `OperationRunner.each`.
        at_most: The maximum number of items.
    """

    method: Callable[[Client], AsyncGenerator[object]]
    at_most: int


ToolCall = JobCall | OperationCall | ItemsCall


class _Keeper:
    """A runner that only keeps the job or operation of a command."""

    kept: ToolCall | None = None

    def job(
        self,
        files: Sequence[Place] | None,
        method: Callable[..., Submit],
        options: PlainJobOptions,
        view: View = _PLAIN,
    ) -> None:
        if files is not None and len(files) != 1:
            raise InvalidParameterError("a call takes one file")
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
        name: `media_thumbnail`, or `group_command` if a group has several commands.
        command: The command.
        schema: Its parameters.
    """

    name: str
    command: App
    schema: CommandSchema

    @property
    def title(self) -> str:
        return self.schema.description.partition("\n\n")[0]

    def input_schema(self) -> JSONObject:
        """The parameters of a call, as JSON Schema."""
        properties: JSONObject = {key(argument): _property(argument) for argument in self._arguments()}
        required: list[JSONValue] = [key(argument) for argument in self._arguments() if argument.required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def places(self, values: Mapping[str, JSONValue]) -> Iterator[Place]:
        """The paths on this machine that a call contains."""
        for argument in self._arguments():
            value = values.get(key(argument))
            if names_file(argument) and isinstance(value, str) and not (place := Place(value)).is_url:
                yield place

    def bind(self, values: Mapping[str, JSONValue]) -> ToolCall:
        """Get the job or operation that a call runs.

        Raises:
            InvalidParameterError: The command doesn't accept the values.
        """
        arguments = {key(argument): argument for argument in self._arguments()}
        check_names(self.name, values, arguments, [name for name, each in arguments.items() if each.required])
        options: list[str] = []
        positional: list[str] = []
        for name, argument in arguments.items():
            value = values.get(name)
            if name == "body" and isinstance(value, str) and value.startswith(("@", "-")):
                raise InvalidParameterError("body has to be the body itself, not the name of a file")
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
            raise InvalidParameterError(f"{self.name} runs no operation with these values")
        return keeper.kept

    def _arguments(self) -> Iterator[Argument]:
        for argument in self.schema.arguments:
            if key(argument) not in self.schema.shared or key(argument) in _SHARED:
                yield argument


def check_names(tool: str, values: Mapping[str, JSONValue], known: Iterable[str], required: Iterable[str]) -> None:
    """Check that a call names no unknown parameter, and all required ones.

    Raises:
        InvalidParameterError: Names the parameter.
    """
    names = list(known)
    if unknown := sorted(values.keys() - set(names)):
        raise InvalidParameterError(f"{tool} has no parameter {unknown[0]}", hint=f"its parameters: {', '.join(names)}")
    for name in required:
        if values.get(name) is None:
            raise InvalidParameterError(f"{tool} requires the parameter {name}")


def command_tools(entries: Sequence[Entry]) -> Iterator[CommandTool]:
    """The tools for commands. A group has a tool for each of its commands."""
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
                "The file or folder/ on this machine to save the result in. By default, the result stays on the server."
            )
        case "timeout":
            written["description"] = f"Seconds to wait for the result. Default: {WAIT:g}. The job keeps running."
            written["exclusiveMinimum"] = 0
        case _:
            pass
    return written
