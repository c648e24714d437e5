"""The entry point of `cl-client`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cl_client.cli.output import streams
from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_client.cli.program import Program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `cl-client`; as `run`."""

    def cl_client() -> Program:
        from cl_client.cli.help.front_page import CL_CLIENT

        return CL_CLIENT

    return run(cl_client, arguments)


def run(program: Callable[[], Program], arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        program: Returns the program. Called here, so that Ctrl-C during its imports prints no traceback.
        arguments: Arguments without the name of the program. Default: `sys.argv`.

    Returns:
        The exit code: 0 for success, 1 for a failure, 2 for a usage error, 130 after Ctrl-C.
    """
    streams.open_all()
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if tokens in ([], ["--help"], ["-h"]):
            # The page that most people see first is drawn without assembling the commands behind it.
            from cl_client.cli.help.front_page import show

            front = program()
            try:
                show(front)
                streams.flush()
            except (ComputeClientError, BrokenPipeError) as error:
                from cl_client.cli.output import failure
                from cl_client.cli.output.console import Console

                return failure.report(error, Console(program=front.name))
            return 0
        from cl_client.cli.app import launch

        return launch(program(), tokens)
    except KeyboardInterrupt:
        # Ctrl-C while the modules were read: there is nothing to stop yet, and nothing to say.
        return 130
