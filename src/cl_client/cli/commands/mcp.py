"""`cl-client mcp`: the commands as tools for an agent."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError


def mcp(
    *,
    folder: Annotated[
        list[Path] | None,
        Parameter(
            help="Let tools read and write files only below this folder. Can be repeated.",
            metavar="FOLDER",
            negative=(),
        ),
    ] = None,
    tools: Annotated[
        list[str] | None,
        Parameter(
            help="Offer only tools with matching names, such as 'hash*'. Operations that aren't jobs can be added so. "
            "Can be repeated.",
            metavar="PATTERN",
            negative=(),
        ),
    ] = None,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Serve every command that submits a job as a tool of the Model Context Protocol, over stdin and stdout.

    Example: claude mcp add media -- cl-client mcp --folder ~/Pictures
    """
    try:
        from cl_client.cli.mcp.serving import McpServer
    except ModuleNotFoundError as error:
        from cl_extras.install import lack

        if (lacking := lack(error, "mcp", "mcp")) is None:
            raise
        raise ComputeClientError(lacking) from None
    run.complete(McpServer(run, folders=folder or (), only=tools or ()).serve())
