"""What it costs to import the client, and to ask the command line for help."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclopts import App

from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from tests.bench.figure import Figure, side_by_side

ROUNDS = 20
COMMAND = str(Path(sys.executable).with_name("cl-client"))


def figures() -> Iterator[Figure]:
    python = sys.executable
    ours, bare = side_by_side([python, "-c", "import cl_client"], [python, "-c", "pass"], ROUNDS)
    yield Figure("import cl_client / python -c pass", ours / bare, 3, detail=f"{ours * 1e3:.0f} / {bare * 1e3:.0f} ms")
    peer = [python, "-c", "import cyclopts"]
    worst = max(every_command(assemble(CL_CLIENT)), key=_cost_of_help)
    front: tuple[str, ...] = ()
    for command, bound in ((front, 1.5), (worst, 2)):
        ours, base = side_by_side([COMMAND, *command, "--help"], peer, ROUNDS)
        name = " ".join(["cl-client", *command, "--help"])
        # The dearest of all commands stands for them.
        yield Figure(f"{name} / import cyclopts", ours / base, bound, detail=f"{ours * 1e3:.0f} / {base * 1e3:.0f} ms")


def every_command(app: App, chain: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """What one types for each command and group of commands."""
    for name in app:
        if not name.startswith("-"):
            yield (*chain, name)
            yield from every_command(app[name], (*chain, name))


def _cost_of_help(command: Sequence[str]) -> float:
    """Processor seconds, the better of two runs: what else the machine does counts less than in time."""
    return min(_processor_seconds([COMMAND, *command, "--help"]) for _ in range(2))


def _processor_seconds(argv: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
