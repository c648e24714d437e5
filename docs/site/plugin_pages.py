"""A page for each plugin, from the spec of the server and the manifest."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from cl_codegen.model.command import Command, Option
from cl_codegen.model.plugin import Parameter, Plugin
from cl_codegen.model.read import Reading
from cl_codegen.text.escape import SpecText
from cl_codegen.write.render import environment, render_template


@frozen
class Row:
    """A parameter, in the three places where it has a name."""

    name: str
    option: SpecText
    field: SpecText
    meaning: SpecText
    limits: SpecText


def plugin_pages(spec: Path) -> Iterator[tuple[str, str]]:
    """The pages, each with its path, for the spec in a file that has its manifest beside it."""
    env = environment(Path(__file__).parent)
    for plugin in Reading.load(spec).plugins:
        command = Command.of(plugin)
        anchor = f"{plugin.layout.program}-{plugin.group}-{plugin.verb}"
        page = render_template(
            env,
            "plugin.md.jinja",
            plugin=plugin,
            command=command,
            example=SpecText(_program(plugin.example.raw)),
            rows=list(_rows(plugin, command)),
            anchor=anchor,
        )
        yield f"plugins/{plugin.name}.md", page


def _program(example: str) -> str:
    """An example of the manifest as a file that runs, without asyncio."""
    body = textwrap.indent(example.strip().replace("await ", ""), "    ")
    return f"from cl_client.sync import ComputeClient\n\nwith ComputeClient() as client:\n{body}"


def _rows(plugin: Plugin, command: Command) -> Iterator[Row]:
    options = {option.parameter: option for option in command.options}
    for parameter in plugin.parameters:
        option = SpecText(_spelled(parameter, options.get(parameter.name)))
        yield Row(parameter.name, option, parameter.wire_name, parameter.doc, SpecText(_limits(parameter)))


def _spelled(parameter: Parameter, option: Option | None) -> str:
    return ", ".join(option.names) if option else parameter.name.upper()


def _limits(parameter: Parameter) -> str:
    """What the client checks before it sends anything."""
    bounds = [f"{name.replace('_', ' ')} {value}" for name, value in parameter.bounds]
    choices = [f"one of {', '.join(map(str, parameter.choices))}"] if parameter.choices else []
    limits = ", ".join([*bounds, *choices])
    return f"{limits.capitalize()}." if limits else ""
