"""The help of a command, from what cyclopts knows of it.

cyclopts would draw it too, but its own way there imports rich, and so takes twice as long.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Final, cast, get_args

from attrs import frozen
from cyclopts import App, Argument, Group

from cl_client.cli.help.help import Row, print_description, print_section, print_usage
from cl_client.cli.help.options import GLOBAL, global_rows
from cl_client.cli.program import Program

_HELP: Final = ("--help", "-h")
_ARGUMENTS: Final = "Arguments"
_OPTIONS: Final = "Options"
_UNNAMED: Final = "Parameters"
"""What cyclopts calls the group of options that name none."""
_METAVARS: Final = {"str": "TEXT", "int": "N", "float": "N"}


@frozen
class Page:
    """The page of a command.

    Attributes:
        name: what one types for it.
        command: what is called, or a group of commands.
        depth: how many words of it are behind the name of the program.
    """

    name: str
    command: App
    depth: int

    @classmethod
    def asked_for(cls, app: App, tokens: Sequence[str]) -> Page | None:
        """The page that a command line asks for, by a flag or by naming a group and none of its commands.

        Raises:
            CycloptsError: it asks for the page of a command that there is not.
        """
        words = list(itertools.takewhile(lambda word: word != "--", tokens))
        asked = set(_HELP).intersection(words)
        names, apps, rest = app.meta.parse_commands([word for word in words if word not in asked])
        command = apps[-1] if names else app
        if command.default_command is not None:
            # A command may have an option -h of its own.
            wanted = not asked.isdisjoint(command.help_flags)
        elif rest and asked and not rest[0].startswith("-"):
            app.parse_args([*names, *rest], print_error=False, exit_on_error=False)
            wanted = False
        else:
            wanted = bool(asked) or not rest
        return cls(" ".join([*app.name[:1], *names]), command, len(names)) if wanted else None

    @property
    def is_front(self) -> bool:
        """Whether it is the page of the whole command line."""
        return self.depth == 0

    def show(self, program: Program) -> None:
        """Print it.

        Args:
            program: whose page it is.
        """
        arguments = self._arguments()
        print_usage(" ".join([self.name, *self._usage(arguments)]))
        print_description(inspect.cleandoc(self.command.help))
        if self.command.default_command is None:
            print_section("Commands", sorted(_commands(self.command)))
        for title, rows in _panels(arguments).items():
            print_section(title, rows)
        print_section(str(GLOBAL.name), global_rows(program))

    def _arguments(self) -> list[Argument]:
        if self.command.default_command is None:
            return []
        arguments = self.command.assemble_argument_collection()
        # A set of options that has none, such as a view without any, is one argument of the name `*`.
        return [argument for argument in arguments if argument.show and argument.name != "*"]

    def _usage(self, arguments: Sequence[Argument]) -> Iterator[str]:
        if self.command.default_command is None:
            yield "COMMAND"
        yield from (
            " ".join([argument.name, *_metavar(argument)])
            for argument in arguments
            if argument.required and argument.index is None
        )
        yield "[OPTIONS]"
        for argument in arguments:
            if argument.index is not None:
                name = f"{argument.name}..." if _takes_many(argument) else argument.name
                yield name if argument.required else f"[{name}]"


def _takes_many(argument: Argument) -> bool:
    _, consumes_all = argument.token_count()
    return consumes_all


def _commands(group: App) -> Iterator[Row]:
    for name in group:
        if not name.startswith("-"):
            yield name, group[name].help.strip().partition("\n\n")[0]


def _panels(arguments: Sequence[Argument]) -> dict[str, list[Row]]:
    """The rows below their titles, in the order in which they are shown."""
    panels: dict[str, list[Row]] = {_ARGUMENTS: [], _OPTIONS: []}
    for argument in arguments:
        if argument.index is not None:
            panels[_ARGUMENTS].append((argument.name, _description(argument)))
        else:
            (group,) = cast("tuple[Group, ...]", argument.parameter.group)
            title = _OPTIONS if group.name == _UNNAMED else str(group.name)
            panels.setdefault(title, []).append((_option(argument), _description(argument)))
    return {title: rows for title, rows in panels.items() if rows}


def _option(argument: Argument) -> str:
    """All that one may type for it, the short first, and what comes behind it."""
    negative = set(argument.negatives)
    positive = [name for name in argument.names if name not in negative]
    names = ", ".join([*sorted(positive, key=_is_long), *negative])
    return " ".join([names, *_metavar(argument)])


def _is_long(name: str) -> bool:
    return name.startswith("--")


def _metavar(argument: Argument) -> Iterator[str]:
    kinds = list(_kinds(cast("object", argument.hint)))
    if bool in kinds:
        return
    if argument.parameter.metavar is not None:
        yield argument.parameter.metavar
    elif argument.get_choices():
        yield "CHOICE"
    else:
        name = str(getattr(kinds[0], "__name__", "value"))
        yield _METAVARS.get(name, name.upper())


def _kinds(hint: object) -> Iterator[object]:
    """`Path` of `list[Path] | None`."""
    inner = [kind for kind in cast("tuple[object, ...]", get_args(hint)) if kind is not NoneType]
    if inner:
        for kind in inner:
            yield from _kinds(kind)
    else:
        yield hint


def _description(argument: Argument) -> str:
    text = argument.parameter.help or ""
    if choices := argument.get_choices():
        text += f" [{', '.join(choices)}]"
    if argument.show_default:
        default = cast("object", argument.field_info.default)
        text += f" [default: {argument.show_default if isinstance(argument.show_default, str) else default}]"
    if argument.required and argument.index is None:
        text += " [required]"
    return text
