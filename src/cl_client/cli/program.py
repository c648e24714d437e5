"""What a command line is made of: ours, or the one of a package that was generated for another server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from cl_client.runtime.command import Entry

if TYPE_CHECKING:
    from cl_client.config.servers import ServerConfig
    from cl_client.http.auth import AuthProvider
    from cl_client.job_client import JobClient
    from cl_client.runtime.server_client import ServerClient


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
    """

    name: str
    version: str
    description: str
    plugins: tuple[Entry, ...]
    commands: tuple[Entry, ...]
    client: Callable[[ServerConfig, AuthProvider | None], JobClient | ServerClient]
    accounts: tuple[Entry, ...] = ()
    operations: tuple[Entry, ...] = ()
    address: str = ""

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
