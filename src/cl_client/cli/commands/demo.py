"""`cl-client demo`: the main job from end to end, with a server of its own, in seconds."""

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
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Run two jobs on a temporary server, in seconds.

    Starts a server on free ports, takes a photo, makes a thumbnail and converts it, hears of it over MQTT, fetches the
    results, looks at them, and stops the server again.
    """
    from cl_client.cli.demo.demonstration import Demonstration

    try:
        run.complete(Demonstration(run.console, output).play())
    except KeyboardInterrupt:
        run.console.say("stopped, with its server")
        raise
