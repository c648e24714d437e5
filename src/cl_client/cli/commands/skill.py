"""`cl-client skill`: what an agent has to know to use the command line."""

# Annotations are not strings here: cyclopts reads them.
from typing import Annotated

from cyclopts import Parameter

from cl_client.cli.output import streams
from cl_client.cli.running.run import Run


def skill(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Print a skill file (SKILL.md), from which an agent learns the commands.

    Example: cl-client skill > ~/.claude/skills/cl-client/SKILL.md
    """
    from cl_client.cli.skill import skill

    streams.put(skill(run.program))
