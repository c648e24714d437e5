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
        name: what one types.
        version: of its distribution.
        description: what it is for; the second paragraph of its page.
        plugins: the commands that submit jobs.
        operations: those of what else the server has.
        address: Default address of the server.
        commands: all others.
        accounts: those for signing in; without any, no session of an earlier login is taken up: it is for cl-client's
            own servers.
        client: makes a client of the servers that the options name, for the user that they name; imports what it needs
            when it is called.
        services: the servers, where there are several: the commands of each are below its name.
        within: the one of them that a program is for, which is a part of another one.
        given: what the command line says of their addresses, by option.
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
"""Each program has a file of profiles of its own."""

COMPLETION = Entry(
    "completion",
    "cl_client.cli.commands.completion:completion",
    "Complete commands and options in bash, zsh or fish.",
)
"""For whatever commands a program has."""
