"""`cl-client server status`, `logs` and `stop`: a server that runs elsewhere on this machine."""

# Annotations are not strings here: cyclopts reads them.
import contextlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from cl_client.cli.commands.log_tail import LogTail
from cl_client.cli.commands.server import Data, data_folder, needs_server
from cl_client.cli.output.console import Console, Row
from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_client.wire.types import JSONObject
    from cl_server.stack.running_stack import StackRecord

_LOOK_AGAIN: Final = 0.2
"""Seconds between two looks at the logs that are followed."""


def status(*, data: Data = None, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Show the server on this machine: addresses, workers, processes, version, uptime."""
    folder = data_folder(data)
    with _found(folder) as record:
        _show(run.console, folder, record)


def logs(
    *parts: Annotated[str, Parameter(help="Show only these parts, such as compute or w0.")],
    data: Data = None,
    lines: Annotated[
        int,
        Parameter(
            name=("--lines", "-n"), help="Show the last N lines of each log.", validator=Number(gte=0), metavar="N"
        ),
    ] = 20,
    follow: Annotated[
        bool, Parameter(name=("--follow", "-f"), help="Continue until Ctrl-C.", negative=(), show_default=False)
    ] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Show the logs of the server, even after it has stopped."""
    folder = data_folder(data) / "logs"
    tails = {file.stem: LogTail(file) for file in sorted(folder.glob("*.log")) if not parts or file.stem in parts}
    missing = set(parts) - tails.keys()
    if missing or not tails:
        raise ComputeClientError(f"there is no log of {', '.join(sorted(missing)) or 'a server'} in {folder}")
    width = max(map(len, tails))
    for name, tail in tails.items():
        for line in tail.last(lines):
            run.console.line({"part": name, "line": line}, f"{name:<{width}}  {line}", id=line)
    while follow:
        for name, tail in tails.items():
            for line in tail.news():
                run.console.line({"part": name, "line": line}, f"{name:<{width}}  {line}", id=line)
        time.sleep(_LOOK_AGAIN)


def stop(
    *,
    data: Data = None,
    timeout: Annotated[
        float,
        Parameter(help="Kill processes that still run after this time.", validator=Number(gte=0), metavar="SECONDS"),
    ] = 20.0,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Stop the server on this machine, with all of its processes."""
    folder = data_folder(data)
    with _found(folder) as record:
        from cl_server.stack import running_stack

        by_itself = running_stack.stop(folder, record, timeout)
    if not by_itself:
        run.console.warn(f"it did not end within {timeout:g} s, and was killed")
    run.console.result(
        {"pid": record.main.pid, "data": str(folder), "killed": not by_itself},
        [("stopped", f"process {record.main.pid}, with {len(record.parts)} others")],
        id=str(record.main.pid),
    )


@contextlib.contextmanager
def _found(data: Path) -> "Generator[StackRecord]":
    """The server of a data folder.

    Raises:
        ComputeClientError: No server runs there, or it doesn't answer.
    """
    try:
        from cl_server.stack import running_stack
    except ImportError as error:
        raise needs_server(error) from error
    try:
        yield running_stack.find(data)
    except running_stack.NotRunningError as error:
        there = not running_stack.is_free(data)
        raise ComputeClientError(
            str(error), hint="ask again in a moment" if there else "start one: cl-client server up"
        ) from error


def _show(console: Console, data: Path, record: "StackRecord") -> None:
    from cl_server.stack import broker, probe

    up = time.time() - record.started_at / 1000
    works = {
        "compute": probe.get(record.compute_url, "/healthz") is not None,
        "broker": broker.answers(int(record.mqtt_url.rpartition(":")[2])),
    }
    if record.auth_url is not None:
        works["auth"] = probe.get(record.auth_url, "/healthz") is not None
    processes = {name: part.pid for name, part in record.parts.items() if part.is_alive()}
    shown: JSONObject = {
        "compute_url": record.compute_url,
        "auth_url": record.auth_url,
        "mqtt_url": record.mqtt_url,
        "broker": record.broker,
        "answers": {**works},
        "workers": record.workers,
        "pid": record.main.pid,
        "processes": {**processes},
        "version": record.version,
        "started_at": record.started_at,
        "uptime": round(up, 1),
        "data": str(data),
    }
    addresses = {"compute": record.compute_url, "broker": f"{record.mqtt_url} ({record.broker})"}
    if record.auth_url is not None:
        addresses["auth"] = record.auth_url
    console.result(
        shown,
        [
            *((name, url if works[name] else f"{url}, does not answer") for name, url in addresses.items()),
            ("workers", str(record.workers)),
            *_processes(record, processes),
            ("version", record.version),
            ("up for", _duration(up)),
            ("data", str(data)),
        ],
        id=str(record.main.pid),
    )
    for name in sorted(record.parts.keys() - processes.keys()):
        console.warn(f"{name} is down; it is being started again")


def _processes(record: "StackRecord", alive: dict[str, int]) -> Iterator[Row]:
    yield "process", str(record.main.pid)
    for name in sorted(record.parts):
        yield f"  {name}", str(alive.get(name, "down"))


def _duration(seconds: float) -> str:
    """For people: the two largest units."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds % 60)} s" if minutes else f"{int(seconds)} s"
