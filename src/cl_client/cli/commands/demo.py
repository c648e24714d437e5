"""`cl-client demo`: the main job from end to end, with a temporary server."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cl_client.cli.running.run import Run


def demo(
    *,
    output: Annotated[
        Path, Parameter(name=("--output", "-o"), help="The folder for the photo and the results.")
    ] = Path("demo-output"),
    ui: Annotated[
        bool,
        Parameter(
            help="Open the page of the server with the jobs on it, and keep it running until Ctrl-C.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Run two jobs on a temporary server, in seconds.

    Starts a server on free ports, makes a thumbnail of a photo and converts it, follows the jobs over MQTT, downloads
    and checks the results, and stops the server.
    """
    from cl_client.cli.demo.demonstration import Demonstration

    try:
        run.complete(Demonstration(run.console, output, page=ui).play())
    except KeyboardInterrupt:
        if ui:
            run.console.end_echo()
        run.console.say("stopped, with its server")
        if not ui:
            raise
