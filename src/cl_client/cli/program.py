"""What a command line is made of: ours, or the one of a package that was generated for another server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from cl_client.errors import InvalidParameterError
from cl_client.runtime.command import Entry

if TYPE_CHECKING:
    from cl_client.config.servers import ServerConfig
    from cl_client.http.auth import AuthProvider
    from cl_client.job_client import JobClient
    from cl_client.runtime.server_client import ServerClient


def _no_client(config: ServerConfig, auth: AuthProvider | None) -> JobClient | ServerClient:
    """Of no server.

    Raises:
        InvalidParameterError: always.
    """
    raise InvalidParameterError("this program has several servers: name one of them")


@frozen
class ProgramService:
    """One of the servers of a program.

    Attributes:
        name: of its setting, `{name}_url`.
        help: what it is.
        program: gives the part of the program that is for it.
        address: of its spec.
    """

    name: str
    help: str
    program: Callable[[Program], Program]
    address: str = ""

    @property
    def command(self) -> str:
        """What one types for it."""
        return self.name.replace("_", "-")


@frozen(kw_only=True)
class Program:
    """A command line.

    Attributes:
        name: The name of the command.
        version: The version of the distribution.
        description: The description on the help page.
        plugins: The commands that submit jobs.
        operations: The commands for other operations of the server.
        address: Default address of the server.
        commands: All other commands.
        accounts: The commands for accounts. Without any, the session of a login isn't used, because it belongs to
            the servers of cl-client.
        client: Makes a client for the servers and the user in the options. It imports its modules when it is called.
        services: The servers, if there are several. The commands of each are below its name.
        within: The server of a program that is a part of another one.
        given: The addresses of the servers on the command line, by option.
    """

    name: str
    version: str
    description: str
    plugins: tuple[Entry, ...]
    commands: tuple[Entry, ...]
    client: Callable[[ServerConfig, AuthProvider | None], JobClient | ServerClient] = _no_client
    accounts: tuple[Entry, ...] = ()
    operations: tuple[Entry, ...] = ()
    address: str = ""
    services: tuple[ProgramService, ...] = ()
    within: str = ""
    given: Mapping[str, str] = field(factory=dict[str, str], hash=False)

    @property
    def own_name(self) -> str:
        """The name of the whole program, which its settings are kept below."""
        return self.name.partition(" ")[0]

    def part(
        self,
        service: str,
        description: str,
        *,
        plugins: tuple[Entry, ...],
        operations: tuple[Entry, ...],
        commands: tuple[Entry, ...],
        client: Callable[[ServerConfig, AuthProvider | None], JobClient | ServerClient],
    ) -> Program:
        """The part of it that is for one of its servers."""
        return evolve(
            self,
            name=f"{self.name} {service.replace('_', '-')}",
            description=description,
            plugins=plugins,
            operations=operations,
            commands=commands,
            client=client,
            within=service,
        )

    @property
    def usage(self) -> str:
        return f"{self.name} COMMAND [OPTIONS]"


DOWNLOAD = Entry("download", "cl_client.cli.commands.download:download", "Download the files of a job.")
"""The command of every server that has files."""

FOLLOW = Entry("jobs", "cl_client.cli.commands.jobs:app", "List, follow, fetch, cancel, retry and delete jobs.")
"""The commands for jobs by their id. `UnsupportedError` reports what a server doesn't have."""

MCP = Entry("mcp", "cl_client.cli.commands.mcp:mcp", "Offer the commands to an agent as tools (MCP).")
"""For whatever plugins and operations a program has."""

SKILL = Entry("skill", "cl_client.cli.commands.skill:skill", "Print a skill file for an agent.")
"""As `MCP`."""

CONFIG = Entry("config", "cl_client.cli.commands.config:app", "Show and change settings and profiles.")
"""Each program has its own file of profiles."""

COMPLETION = Entry(
    "completion",
    "cl_client.cli.commands.completion:completion",
    "Complete commands and options in bash, zsh or fish.",
)
"""For whatever commands a program has."""
