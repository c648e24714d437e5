"""What the command line of a generated package is made of: the part of the list that stands above clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cl_client.lazy_names import lazy_names

if TYPE_CHECKING:
    from cl_client.cli.main import run as run
    from cl_client.cli.program import COMPLETION as COMPLETION
    from cl_client.cli.program import CONFIG as CONFIG
    from cl_client.cli.program import DOWNLOAD as DOWNLOAD
    from cl_client.cli.program import FOLLOW as FOLLOW
    from cl_client.cli.program import MCP as MCP
    from cl_client.cli.program import SKILL as SKILL
    from cl_client.cli.program import Program as Program
    from cl_client.cli.program import ProgramService as ProgramService
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "cl_client.cli.main": "run",
            "cl_client.cli.program": "COMPLETION CONFIG DOWNLOAD FOLLOW MCP SKILL Program ProgramService",
        },
    )
