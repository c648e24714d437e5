"""`cl-client server install-service`: a server that systemd starts at each login, and again if it fails."""

# Annotations are not strings here: cyclopts reads them.
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from cl_client.cli.output import streams
from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError
from cl_extras import whole_file

NAME = "cl-client.service"

_UNIT = """[Unit]
Description=cl-client: broker, compute server and workers on 127.0.0.1

[Service]
# Where the options were written, for relative paths.
WorkingDirectory={folder}
ExecStart={command}
Restart=on-failure
RestartSec=5
# Workers return what they can't finish within ten seconds.
TimeoutStopSec=30
KillMode=mixed

[Install]
WantedBy=default.target
"""


def install_service(
    *arguments: Annotated[
        str, Parameter(help="Options of `server up`, after `--`: -- --auth --workers 2.", allow_leading_hyphen=True)
    ],
    show: Annotated[
        bool,
        Parameter(name="--print", help="Print the unit and write nothing.", negative=(), show_default=False),
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Write a systemd unit that runs `server up` for this user.

    Example: cl-client server install-service -- --workers 2
    """
    _check(arguments)
    here = str(Path.cwd()).replace("%", "%%")
    unit = _UNIT.format(
        folder=here, command=" ".join(_quoted(word) for word in [*_program(), "server", "up", *arguments])
    )
    if show:
        streams.put(unit)
        return
    path = _folder() / NAME
    if path.exists() and path.read_text(encoding="utf-8") != unit:
        raise ComputeClientError(
            f"{path} exists and has other content", hint=f"edit it, or delete it and try again: rm {path}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, unit)
    run.console.result({"unit": str(path)}, [("unit", str(path))], id=str(path))
    run.console.say()
    run.console.say("Start it now and at each login:")
    run.console.say(f"  systemctl --user daemon-reload && systemctl --user enable --now {NAME}")
    run.console.say("Start it without a login, when the machine starts:")
    run.console.say("  loginctl enable-linger")


def _check(arguments: tuple[str, ...]) -> None:
    """Refuse options now that `server up` would refuse each time it starts."""
    from cl_client.cli.commands.server import app

    try:
        app.parse_args(["up", *arguments], print_error=False, exit_on_error=False)
    except CycloptsError as error:
        raise ComputeClientError(
            f"`server up` doesn't understand this: {error}", hint="cl-client server up --help"
        ) from None
    if "--detach" in arguments:
        raise ComputeClientError("a service runs in the foreground: leave --detach out")


def _program() -> list[str]:
    """How this program is started by a service, which has no search path of a shell."""
    found = shutil.which(sys.argv[0]) or shutil.which("cl-client")
    if found is not None and Path(found).name == "cl-client":
        return [str(Path(found).absolute())]
    return [sys.executable, "-m", "cl_client"]


def _folder() -> Path:
    """Where systemd looks for units of a user (systemd.unit(5))."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd" / "user"


def _quoted(word: str) -> str:
    """A word of a command line as systemd reads it (systemd.service(5), "Command lines")."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if not word or any(character in word for character in " \t\"'\\;") else text
