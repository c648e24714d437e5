"""The page of `cl-client --help`, and what `cl-client` is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cl_client.cli.help.help import print_description, print_section, print_usage
from cl_client.cli.help.options import GLOBAL, global_rows
from cl_client.cli.program import COMPLETION, CONFIG, DOWNLOAD, FOLLOW, MCP, SKILL, Program
from cl_client.runtime.command import Entry
from cl_client.version import __version__
from cl_plugins.commands import COMMANDS
from cl_plugins.operations.commands import COMMANDS as OPERATION_COMMANDS

if TYPE_CHECKING:
    from cl_client.client import ComputeClient
    from cl_client.config.servers import ServerConfig
    from cl_client.http.auth import AuthProvider

DESCRIPTION: Final = """Run media jobs on a compute server: submit a file, watch the job, fetch the result.

New to cl-client? Run `cl-client demo`."""

JOBS: Final = "Jobs"
OPERATIONS: Final = "Operations"
SERVERS: Final = "Servers"
OWN: Final = "Files and servers"
ACCOUNTS: Final = "Accounts"

OWN_COMMANDS: Final = (
    Entry("batch", "cl_client.cli.commands.batch:app", "Run the jobs that a file lists."),
    Entry(
        "capabilities", "cl_client.cli.commands.workers:capabilities", "List the kinds of jobs that workers can run."
    ),
    COMPLETION,
    CONFIG,
    Entry("demo", "cl_client.cli.commands.demo:demo", "Run two jobs on a temporary server, in seconds."),
    Entry("doctor", "cl_client.cli.commands.doctor:doctor", "Check that you can run jobs, and show what to fix."),
    DOWNLOAD,
    Entry("embeddings", "cl_client.cli.commands.embeddings:app", "Compare saved embeddings."),
    FOLLOW,
    MCP,
    Entry("server", "cl_client.cli.commands.server:app", "Run a server on this machine."),
    SKILL,
    Entry("workers", "cl_client.cli.commands.workers:workers", "List the workers of the server."),
)
ACCOUNT_COMMANDS: Final = (
    Entry("auth", "cl_client.cli.commands.account:auth", "Print your token."),
    Entry("login", "cl_client.cli.commands.account:login", "Log in, for this and later commands."),
    Entry("logout", "cl_client.cli.commands.account:logout", "Log out."),
    Entry("user", "cl_client.cli.commands.user:app", "Manage users (admins only)."),
    Entry("whoami", "cl_client.cli.commands.account:whoami", "Show who you are logged in as."),
)
# These groups of operations have short commands besides. They aren't entries of their own, so that a tag of another
# server can have the name.
SHORT_COMMANDS: Final = {"admin": "cl_client.cli.commands.admin:app"}
FLAGS: Final = (
    (("-h", "--help"), "Show this page, or the page of a command."),
    (("--version",), "Show the version."),
)


def _client(config: ServerConfig, auth: AuthProvider | None) -> ComputeClient:
    from cl_client.client import ComputeClient

    return ComputeClient(server_config=config, auth_provider=auth)


CL_CLIENT: Final = Program(
    name="cl-client",
    version=__version__,
    description=DESCRIPTION,
    plugins=COMMANDS,
    operations=tuple(
        entry._replace(target=SHORT_COMMANDS.get(entry.name, entry.target)) for entry in OPERATION_COMMANDS
    ),
    commands=OWN_COMMANDS,
    accounts=ACCOUNT_COMMANDS,
    client=_client,
)


def sections(program: Program) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """The commands of a program below their titles; a title without any is left out."""
    for title, entries in (
        (JOBS, program.plugins),
        (OPERATIONS, program.operations),
        (OWN, program.commands),
        (ACCOUNTS, program.accounts),
    ):
        if entries:
            yield title, entries


def show(program: Program) -> None:
    """Print the page of a command line, from the same tables that its commands are made from."""
    print_usage(program.usage)
    print_description(program.description)
    if program.services and not program.within:
        print_section(SERVERS, [(service.command, f"{service.help}.") for service in program.services])
    for title, entries in sections(program):
        print_section(title, [(entry.name, entry.help) for entry in entries])
    flags = ((", ".join(flags), text) for flags, text in FLAGS)
    print_section(str(GLOBAL.name), [*global_rows(program), *flags])
