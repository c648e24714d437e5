"""The commands, and the way to them: global options before or after the command, and one place for what goes wrong.

Commands are named here and imported when they are called.
"""

# Annotations are not strings here: cyclopts reads them.
import itertools
import re
import sys
from typing import Annotated

from attrs import evolve
from cyclopts import App, Group, Parameter

from cl_client.cli import failure, front_page, prompt
from cl_client.cli.console import Console
from cl_client.cli.help import PlainHelp
from cl_client.cli.options import GLOBAL, GlobalOptions
from cl_client.cli.run import Run
from cl_client.version import __version__
from cl_plugins.commands import COMMANDS

_NONE = GlobalOptions()

app = App(
    name="cl-client",
    usage=f"Usage: {front_page.USAGE}",
    help=front_page.DESCRIPTION,
    help_format="plaintext",
    help_formatter=PlainHelp(),
    version=__version__,
    group_parameters=Group("Options", sort_key=5),
    suppress_keyboard_interrupt=False,
)
for group, entries in (
    (Group(front_page.JOBS, sort_key=1), COMMANDS),
    (Group(front_page.OWN, sort_key=2), front_page.OWN_COMMANDS),
    (Group(front_page.ACCOUNTS, sort_key=3), front_page.ACCOUNT_COMMANDS),
):
    for entry in entries:
        app.command(entry.target, name=entry.name, help=entry.help, group=group)
for flags, text in front_page.FLAGS:
    app[flags[0]].group = GLOBAL
    app[flags[0]].help = text


@app.meta.default
def _run(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    options: GlobalOptions = _NONE,
) -> None:
    run = Run(_with_password(options))
    run.console.listen()
    if options.password not in (None, prompt.STDIN):
        run.warn_of_password("--password")
    command, bound, ignored = app.parse_args(tokens, print_error=False, exit_on_error=False)
    # A parameter that is not parsed is the run itself.
    command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, run))


def _with_password(options: GlobalOptions) -> GlobalOptions:
    # Before the event loop is there: Ctrl-C would not end a question in it.
    if options.password != prompt.STDIN:
        return options
    return evolve(options, password=prompt.password_from_stdin("Password"))


# A meta app does not take this over; with it, Ctrl-C would end in `sys.exit` and tell nobody.
app.meta.suppress_keyboard_interrupt = False


def own_password(tokens: list[str]) -> list[str]:
    """After `user create` and `user update`, `--password` is the one of that user; before it, whose command it is."""
    for at, command in enumerate(itertools.pairwise(tokens), 2):
        if command in (("user", "create"), ("user", "update")):
            return tokens[:at] + [re.sub("^--password(?==|$)", "--new-password", token) for token in tokens[at:]]
    return tokens


def launch(tokens: list[str]) -> int:
    """Run a command.

    Args:
        tokens: the command line, without the name of the program.

    Returns:
        The exit code.
    """
    try:
        app.meta(own_password(tokens), print_error=False, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        return failure.report(error, Console(debug="--debug" in tokens))
    return failure.DONE
