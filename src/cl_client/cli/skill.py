"""A skill file: what an agent that runs commands needs to know about a program."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from cyclopts import App

from cl_client.cli.command_schema import CommandSchema, key, property_of

if TYPE_CHECKING:
    from cyclopts import Argument

    from cl_client.cli.program import Program
    from cl_client.runtime.command import Entry

_LONGEST: Final = 1024
"""The maximum length of the description, in characters."""

_EXAMPLE: Final = "\n\nExample: "


def skill(program: Program) -> str:
    """The text of a `SKILL.md`: front matter with the name and the purpose, then the commands.

    It is made from the commands of the program, so every generated package has its own.
    """
    plugins = list(_commands(program.plugins))
    operations = list(_commands(program.operations))
    return "\n".join(_text(program, plugins, operations)) + "\n"


def _text(program: Program, plugins: list[CommandSchema], operations: list[CommandSchema]) -> Iterator[str]:
    summary = program.description.partition("\n\n")[0]
    yield from (
        "---",
        f"name: {program.name.replace(' ', '-')}",
        f"description: {_described(summary, plugins or operations)}",
        "---",
        "",
    )
    yield from (f"# {program.name}", "", summary, "")
    yield f"`{program.name} COMMAND --help` explains a command; `--schema` prints what it takes as JSON Schema."
    yield ""
    if plugins:
        yield from _jobs(program.name)
        yield from ("## Commands that submit jobs", "")
        for command in plugins:
            yield from _command(program.name, command)
    if operations:
        yield from ("## Other operations of the server", "", "Each prints the response of the server as JSON.", "")
        for command in operations:
            yield f"- `{_usage(program.name, command)}`: {_first_sentence(command)}"
        yield ""
    yield from _errors()


def _described(summary: str, commands: list[CommandSchema]) -> str:
    """The description by which an agent selects the skill: as many sentences as fit."""
    text = summary.replace("\n", " ")
    for command in commands:
        longer = f"{text} {_first_sentence(command)}"
        if len(longer) > _LONGEST:
            break
        text = longer
    # JSON is YAML.
    return json.dumps(text, ensure_ascii=False)


def _jobs(name: str) -> Iterator[str]:
    yield from (
        "## How jobs work",
        "",
        "A command sends a file, waits for the job and prints its result.",
        "",
        "- `--json` prints one JSON object per line, with `job_id`, `status`, `output` and `files`.",
        "- `-o PATH` saves the result as a file, or in a `folder/`. `--overwrite` replaces existing files.",
        "- A command accepts several files, folders, patterns and URLs. `--output-dir FOLDER` saves their results, and",
        "  `--resume` continues after an interruption.",
        f"- `--no-wait` prints the id of the job and exits. Later, run `{name} jobs wait ID` and `{name} download ID`.",
        "",
    )


def _command(name: str, command: CommandSchema) -> Iterator[str]:
    text, _, example = command.description.partition(_EXAMPLE)
    yield from (f"### {command.name}", "", text.replace("\n", " "), "")
    yield f"    {example or _usage(name, command)}"
    yield ""
    for argument in command.arguments:
        if argument.index is None and key(argument) not in command.shared:
            yield f"- `{argument.name}`: {_option(argument)}"
    yield ""


def _errors() -> Iterator[str]:
    yield from (
        "## When it fails",
        "",
        "stderr has a line with the error, and a hint with the next step. The exit code is 0 for success, 1 if a job",
        "or a transfer failed, 2 for a usage error, and 130 after Ctrl-C.",
    )


def _option(argument: Argument) -> str:
    schema = property_of(argument)
    choices = cast("list[object]", schema.get("enum") or [])
    text = str(schema.get("description", "")).replace("\n", " ")
    bounds = [f"{word} {schema[name]}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in schema]
    more = (
        [f"One of {', '.join(map(str, choices))}."]
        if choices
        else [f"{' '.join(bounds).capitalize()}."]
        if bounds
        else []
    )
    return " ".join([text, *more])


def _usage(name: str, command: CommandSchema) -> str:
    words = [argument.name for argument in command.arguments if argument.index is not None and argument.required]
    words += [f"{argument.name} …" for argument in command.arguments if argument.index is None and argument.required]
    return " ".join([name, command.name, *words])


def _first_sentence(command: CommandSchema) -> str:
    text = command.description.partition("\n\n")[0].replace("\n", " ")
    return f"{text.partition('. ')[0].rstrip('.')}."


def _commands(entries: tuple[Entry, ...]) -> Iterator[CommandSchema]:
    for entry in entries:
        module, _, attribute = entry.target.partition(":")
        group = cast("object", getattr(importlib.import_module(module), attribute))
        if isinstance(group, App):
            for name in group:
                if not name.startswith("-"):
                    yield CommandSchema.of(f"{entry.name} {name}", group[name])
