"""`cl-client completion`: what a shell needs to complete our commands and options."""

# Annotations are not strings here: cyclopts reads them.
from typing import Annotated, Literal

from cyclopts import Parameter

from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Whose script.")],
    /,
    *,
    install: Annotated[
        bool, Parameter(help="Put it where the shell looks, for this user.", negative="", show_default=False)
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Print the script by which a shell completes commands, options and their values.

    For this shell alone: source <(cl-client completion bash). For good: --install, which also names the script in
    ~/.bashrc or ~/.zshrc, once.
    """
    from cl_client.cli.app import assemble

    app = assemble(run.program)
    if not install:
        script = app.generate_completion(shell=shell)
        run.console.document({"shell": shell, "script": script}, script)
        return
    try:
        path = str(app.install_completion(shell=shell))
    except OSError as error:
        raise ComputeClientError(
            f"cannot install it: {error}",
            hint=f"print it, and put it where you like: {run.program.name} completion {shell}",
        ) from error
    run.console.result({"shell": shell, "path": path}, [("installed", path)], id=path)
    run.console.hint(f"a new {shell} knows it; this one after: exec {shell}")
