"""`cl-client completion`: what a shell needs to complete our commands and options."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")],
    /,
    *,
    install: Annotated[
        bool, Parameter(help="Install the script for your user.", negative="", show_default=False)
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Print a script that completes commands, options and values in a shell.

    For the current shell, run: source <(cl-client completion bash). For new shells, --install installs the script, and
    adds it to ~/.bashrc or ~/.zshrc once.
    """
    from cl_client.cli.app import assemble
    from cl_client.cli.completion_script import mended

    app = _as_plain_text(assemble(run.program))
    if not install:
        script = mended(app.generate_completion(shell=shell), shell, run.program.name)
        run.console.document({"shell": shell, "script": script}, script)
        return
    try:
        installed = app.install_completion(shell=shell)
        installed.write_text(mended(installed.read_text("utf-8"), shell, run.program.name), "utf-8")
        path = str(installed)
    except OSError as error:
        raise ComputeClientError(
            f"cannot install it: {error}",
            hint=f"print it, and save it anywhere: {run.program.name} completion {shell}",
        ) from error
    run.console.result({"shell": shell, "path": path}, [("installed", path)], id=path)
    if shell == "zsh" and not _is_complete(Path.home() / ".zshrc"):
        run.console.hint("zsh completes nothing yet: add `autoload -Uz compinit && compinit` to ~/.zshrc")
    run.console.hint(f"a new {shell} knows it; this one after: exec {shell}")


def _is_complete(rc_file: Path) -> bool:
    """Whether zsh has completion: compinit, or a framework that calls it."""
    try:
        text = rc_file.read_text("utf-8", errors="replace")
    except OSError:
        return False
    return any(word in text for word in ("compinit", "oh-my-zsh", "prezto", "zinit", "antigen", "zplug"))


def _as_plain_text(app: App) -> App:
    """The same commands, each with the setting that its help is plain text.

    When it writes a script, cyclopts doesn't use the setting of the parent command, and parses each text as Markdown,
    which takes as long as everything else.
    """
    app.help_format = "plaintext"
    for name in app:
        if not name.startswith("-"):
            _as_plain_text(app[name])
    return app
