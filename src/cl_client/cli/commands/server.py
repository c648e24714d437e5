"""`cl-client server up`: a server of one's own, in the foreground or detached."""

# Annotations are not strings here: cyclopts reads them.
import os
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from cl_client.cli.commands.detaching import Detaching
from cl_client.cli.output.console import Console
from cl_client.cli.running.run import Run
from cl_client.config.defaults import ComputeClientConfig as Config
from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_client.wire.types import JSONValue
    from cl_server.embedded import LocalStack

_PORT = Number(gte=0, lte=65535)

app = App(name="server", help="Run a server on this machine.")
app.command(
    "cl_client.cli.commands.server_models:app",
    name="models",
    help="Manage the model files of a server on this machine.",
)
app.command(
    "cl_client.cli.commands.running_server:status", name="status", help="Show the status of the server on this machine."
)
app.command(
    "cl_client.cli.commands.service:install_service",
    name="install-service",
    help="Write a systemd unit that runs `server up` for this user.",
)
app.command("cl_client.cli.commands.running_server:logs", name="logs", help="Show the logs of the server.")
app.command("cl_client.cli.commands.running_server:stop", name="stop", help="Stop the server on this machine.")

Data = Annotated[
    Path | None,
    Parameter(
        help="The folder for the database, files and logs. The default is ~/.local/share/cl-client.", metavar="DIR"
    ),
]


@app.command(name="up")
def up(
    *,
    port: Annotated[
        int, Parameter(help="The port of the compute server. 0 selects a free one.", validator=_PORT, metavar="PORT")
    ] = Config.DEFAULT_PORT,
    mqtt_port: Annotated[
        int, Parameter(help="The port of the MQTT broker. 0 selects a free one.", validator=_PORT, metavar="PORT")
    ] = Config.MQTT_BROKER_PORT,
    data: Data = None,
    workers: Annotated[
        int | None,
        Parameter(
            help="The number of workers. The default is one for each core.", validator=Number(gte=1), metavar="N"
        ),
    ] = None,
    broker: Annotated[
        Literal["auto", "mosquitto", "amqtt"],
        Parameter(help="The MQTT broker. auto uses mosquitto if it is installed."),
    ] = "auto",
    auth: Annotated[
        bool, Parameter(help="Start an auth server, and accept only users who log in.", negative=(), show_default=False)
    ] = False,
    auth_port: Annotated[
        int, Parameter(help="The port of the auth server. 0 selects a free one.", validator=_PORT, metavar="PORT")
    ] = Config.DEFAULT_AUTH_PORT,
    database: Annotated[
        str | None, Parameter(help="Store jobs in PostgreSQL: postgresql://…", env_var="CL_DATABASE", metavar="URL")
    ] = None,
    storage: Annotated[
        str | None, Parameter(help="Store files in S3: s3://bucket/prefix.", env_var="CL_STORAGE", metavar="URL")
    ] = None,
    task_timeout: Annotated[
        float,
        Parameter(
            help="Stop a task after this time.", env_var="CL_TASK_TIMEOUT", validator=Number(gt=0), metavar="SECONDS"
        ),
    ] = 3600.0,
    detach: Annotated[
        bool, Parameter(help="Run in the background. Stop with `server stop`.", negative=(), show_default=False)
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Run a broker, a compute server and workers on 127.0.0.1 until Ctrl-C or `server stop`."""
    try:
        from cl_server.embedded import LocalStack, StackError
    except ImportError as error:
        raise needs_server(error) from error

    _expect_free("--port", port)
    _expect_free("--mqtt-port", mqtt_port)
    if auth:
        _expect_free("--auth-port", auth_port)
    stack = LocalStack(
        data_folder(data),
        port=port,
        mqtt_port=mqtt_port,
        workers=workers,
        broker=broker,
        auth=auth,
        auth_port=auth_port,
        database=database or None,
        storage=storage or None,
        task_timeout=task_timeout,
    )
    detaching = Detaching() if detach else None
    _end_with_signals()
    try:
        with stack:
            _introduce(run.console, stack, detached=detach)
            if detaching is not None:
                detaching.finish(stack.data / "logs" / "stack.log")
            while True:
                signal.pause()
    except StackError as error:
        raise ComputeClientError(str(error)) from error
    except KeyboardInterrupt:
        # The usual end of a server, and no failure.
        run.console.end_echo()
        run.console.say("stopped")


def _expect_free(option: str, port: int) -> None:
    """Say that a port is taken in our words, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ComputeClientError(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror or error}",
                hint=f"stop what listens there, or take a free one: cl-client server up {option} 0",
            ) from error


def _introduce(console: Console, stack: "LocalStack", *, detached: bool) -> None:
    workers = len(stack.pids().keys() - {"auth", "broker", "compute"})
    broker = f"mqtt://{stack.mqtt_host}:{stack.mqtt_port}"
    record: dict[str, JSONValue] = {
        "compute_url": stack.compute_url,
        "page_url": stack.page_url,
        "mqtt_url": broker,
        "workers": workers,
        "data": str(stack.data),
    }
    console.result(
        record if stack.auth_url is None else {**record, "auth_url": stack.auth_url},
        [
            ("compute", stack.compute_url),
            *([] if stack.page_url is None else [("page", stack.page_url)]),
            *([] if stack.auth_url is None else [("auth", stack.auth_url)]),
            ("broker", f"{broker} ({stack.broker_kind})"),
            ("workers", str(workers)),
            ("data", str(stack.data)),
        ],
        id=stack.compute_url,
    )
    environment = stack.environment()
    if (
        environment["COMPUTE_URL"].rpartition(":")[2] != str(Config.DEFAULT_PORT)
        or stack.mqtt_port != Config.MQTT_BROKER_PORT
        or environment.get("AUTH_URL", Config.DEFAULT_AUTH_URL).rpartition(":")[2] != str(Config.DEFAULT_AUTH_PORT)
    ):
        console.say()
        console.say("The ports are not the default ones. Set these variables for the clients:")
        for name, value in environment.items():
            console.say(f"  export {name}={value}")
    left_out = stack.left_out()
    if left_out:
        from cl_extras.install import install_command, is_complete

        console.say()
        console.say("Not offered:")
        for why in left_out.values():
            console.say(f"  {why}")
        if not is_complete("ml"):
            console.say(f"The libraries of all of them: {install_command('ml')}")
    if stack.admin_password is not None:
        # Even when quiet: it cannot be looked up later.
        console.warn(f"the first admin is 'admin', with the password {stack.admin_password} (shown only this once)")
    console.say()
    if detached:
        console.say("It runs in the background; stop it with:")
        console.say(f"  cl-client server stop{'' if stack.data == default_data() else f' --data {stack.data}'}")
    else:
        console.say("Ctrl-C stops it.")


def _end_with_signals() -> None:
    """Let SIGTERM do what Ctrl-C does, and only the first of them: what comes later waits for the end."""

    def end(number: int, frame: FrameType | None) -> None:
        for every in (signal.SIGINT, signal.SIGTERM):
            signal.signal(every, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def needs_server(error: ImportError) -> ComputeClientError:
    """What to say where the server side is not installed."""
    from cl_extras.install import install_command

    return ComputeClientError(
        f"a server needs the extra [server] ({error.name} is missing)", hint=install_command("server")
    )


def data_folder(named: Path | None) -> Path:
    """The data folder that a command is about."""
    return (named or default_data()).absolute()


def default_data() -> Path:
    """The data folder of servers, by the XDG Base Directory Specification."""
    home = os.environ.get("XDG_DATA_HOME")
    # The specification requires that relative paths are ignored.
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "cl-client"
