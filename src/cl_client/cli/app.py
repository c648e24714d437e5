"""The commands, and the way to them: global options before or after the command, and one place for what goes wrong.

Commands are named here and imported when they are called.
"""

# Annotations are not strings here: cyclopts reads them.
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

from attrs import astuple, evolve, has
from cyclopts import App, Group, Parameter

from cl_client.cli import words
from cl_client.cli.help import front_page
from cl_client.cli.help.options import GLOBAL, GlobalOptions
from cl_client.cli.help.page import Page
from cl_client.cli.output import failure, prompt, streams
from cl_client.cli.output.console import Console
from cl_client.cli.program import Program
from cl_client.cli.services import for_service
from cl_client.errors import InvalidParameterError
from cl_client.runtime.place import STANDARD, Place

_NONE = GlobalOptions()
_HERE: Final = Path()


def assemble(program: Program) -> App:
    """The commands of a program; run it through `app.meta`."""
    app = App(
        name=program.name,
        usage=f"Usage: {program.usage}",
        help=program.description,
        help_format="plaintext",
        version=program.version,
        group_parameters=Group("Options", sort_key=5),
        suppress_keyboard_interrupt=False,
    )
    for place, (title, entries) in enumerate(front_page.sections(program), 1):
        group = Group(title, sort_key=place)
        for entry in entries:
            app.command(entry.target, name=entry.name, help=entry.help, group=group)
    servers = Group(front_page.SERVERS, sort_key=0)
    for service in program.services if not program.within else ():
        group = App(name=service.command, help=f"{service.help}.", group=servers)
        for _, entries in front_page.sections(service.program(program)):
            for entry in entries:
                group.command(entry.target, name=entry.name, help=entry.help)
        app.command(group)
    for flags, text in front_page.FLAGS:
        app[flags[0]].group = GLOBAL
        app[flags[0]].help = text

    @app.meta.default
    def run(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        options: GlobalOptions = _NONE,
    ) -> None:
        # Help does not pay for it.
        from cl_client.cli.output.log_lines import listen
        from cl_client.cli.running.runner import Runner

        run = Runner(program, _with_password(options))
        listen(run.console)
        if options.password not in (None, prompt.STDIN):
            run.warn_of_password("--password")
        command, bound, ignored = app.parse_args(tokens, print_error=False, exit_on_error=False)
        values = [*bound.args, *bound.kwargs.values()]
        _expect_no_empty_path(tokens, values)
        # The body of an operation is read from stdin, too.
        named = cast("dict[str, object]", bound.kwargs)
        _expect_files_for_streams([*bound.args, *(each for name, each in named.items() if name != "body")])
        # A parameter that is not parsed is the run itself.
        command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, run))

    # A meta app does not take this over; with it, Ctrl-C would end in `sys.exit` without a word.
    app.meta.suppress_keyboard_interrupt = False
    return app


def _expect_no_empty_path(tokens: Sequence[str], values: Sequence[object]) -> None:
    """Refuse an empty argument where a path belongs, such as an unset variable of a script.

    `Path("")` is the current folder, and a command for a folder is one for all that is in it.
    """
    given = [token.partition("=")[2] if token.startswith("-") and "=" in token else token for token in tokens]
    if "" in given and _HERE in _paths(values) and not any(each and Path(each) == _HERE for each in given):
        raise InvalidParameterError("an argument is empty, and names no file: the current folder is .")


def _expect_files_for_streams(values: Iterable[object]) -> None:
    """Refuse `-` for a parameter that isn't a file.

    Raises:
        InvalidParameterError: There is such a parameter.
    """
    for value in values:
        if not isinstance(value, Place) and isinstance(value, str | Path) and str(value) == STANDARD:
            raise InvalidParameterError("- means stdin or stdout, and neither is possible here")
        if isinstance(value, (list, tuple)):
            _expect_files_for_streams(cast("Sequence[object]", value))
        elif has(type(value)):
            _expect_files_for_streams(cast("Sequence[object]", astuple(value, recurse=False)))


def _paths(values: Iterable[object]) -> Iterator[Path]:
    for value in values:
        if isinstance(value, Path):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _paths(cast("Sequence[object]", value))
        elif has(type(value)):
            yield from _paths(cast("Sequence[object]", astuple(value, recurse=False)))


def _with_password(options: GlobalOptions) -> GlobalOptions:
    # Before the event loop is there: Ctrl-C would not end a question in it.
    if options.password != prompt.STDIN:
        return options
    return evolve(options, password=prompt.password_from_stdin("Password"))


def launch(program: Program, tokens: list[str]) -> int:
    """Run a command.

    Args:
        program: whose command it is.
        tokens: the command line, without the name of the program.

    Returns:
        The exit code.
    """
    if (found := for_service(program, tokens)) is not None:
        return launch(*found)
    try:
        app = assemble(program)

        def commands_of(group: str) -> list[str]:
            found = app[group]
            return [] if found.default_command is not None else [name for name in found if not name.startswith("-")]

        tokens = words.in_full(
            tokens, [entry.name for _, entries in front_page.sections(program) for entry in entries], commands_of
        )
        if tokens == ["--version"]:
            streams.put(f"{program.version}\n")
        elif "--schema" in tokens:
            from cl_client.cli.command_schema import schema_asked_for

            streams.put(f"{schema_asked_for(app, program.name, tokens)}\n")
        elif (page := Page.asked_for(app, tokens)) is None:
            tokens = words.with_streams(words.own_password(tokens))
            app.meta(tokens, print_error=False, exit_on_error=False, result_action="return_value")
        elif page.is_front:
            front_page.show(program)
        else:
            page.show(program)
        streams.flush()
    except (Exception, KeyboardInterrupt) as error:
        return failure.report(error, Console(program=program.name, debug="--debug" in tokens))
    return failure.DONE
