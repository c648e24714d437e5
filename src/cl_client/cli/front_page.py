"""The page of `cl-client --help`, from the same tables that the commands are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast, get_type_hints

from cyclopts import Parameter

from cl_client.cli.help import print_description, print_section, print_usage
from cl_client.cli.options import GLOBAL, GlobalOptions
from cl_client.command import Entry
from cl_plugins.commands import COMMANDS

USAGE: Final = "cl-client COMMAND [OPTIONS]"
DESCRIPTION: Final = """Run media jobs on a compute server: submit a file, watch the job, fetch the result.

New here? `cl-client demo` shows it all, from nothing, in a few seconds."""

JOBS: Final = "Jobs"
OWN: Final = "Files and servers"
ACCOUNTS: Final = "Accounts"

OWN_COMMANDS: Final = (
    Entry("batch", "cl_client.cli.batch:batch", "Run the jobs of a file, and go on after a crash."),
    Entry("capabilities", "cl_client.cli.workers:capabilities", "Which kinds of jobs there are workers for."),
    Entry("demo", "cl_client.cli.demo:demo", "See a job go through a server, from nothing, in seconds."),
    Entry("download", "cl_client.cli.download:download", "Download a file of a job."),
    Entry("jobs", "cl_client.cli.jobs:app", "List jobs, follow them, stop, repeat and remove them."),
    Entry("server", "cl_client.cli.server:app", "Run a server on this machine."),
    Entry("workers", "cl_client.cli.workers:workers", "The workers of the server."),
)
ACCOUNT_COMMANDS: Final = (
    Entry("login", "cl_client.cli.account:login", "Log in, for this command line and the next ones."),
    Entry("logout", "cl_client.cli.account:logout", "End the session of the last login."),
    Entry("user", "cl_client.cli.user:app", "Manage users (admins only)."),
    Entry("whoami", "cl_client.cli.account:whoami", "Show who commands are run as."),
)
FLAGS: Final = (
    (("-h", "--help"), "Show this page, or the one of a command."),
    (("--version",), "Show the version."),
)


def show() -> None:
    """Print the page."""
    print_usage(USAGE)
    print_description(DESCRIPTION)
    print_section(JOBS, [(entry.name, entry.help) for entry in COMMANDS])
    print_section(OWN, [(entry.name, entry.help) for entry in OWN_COMMANDS])
    print_section(ACCOUNTS, [(entry.name, entry.help) for entry in ACCOUNT_COMMANDS])
    print_section(str(GLOBAL.name), _options())


def _options() -> Iterator[tuple[str, str]]:
    hints = cast("dict[str, object]", get_type_hints(GlobalOptions, include_extras=True))
    for name, hint in hints.items():
        (parameter,) = cast("tuple[Parameter]", getattr(hint, "__metadata__", ()))
        names = sorted(parameter.name or (f"--{name.replace('_', '-')}",), key=len)
        yield " ".join([", ".join(names), *([parameter.metavar] if parameter.metavar else [])]), parameter.help or ""
    for flags, text in FLAGS:
        yield ", ".join(flags), text
