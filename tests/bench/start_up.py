"""What it costs to import the client, and to ask the command line for help."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, side_by_side

ROUNDS = 20


def figures() -> Iterator[Figure]:
    python = sys.executable
    ours, bare = side_by_side([python, "-c", "import cl_client"], [python, "-c", "pass"], ROUNDS)
    yield Figure("import cl_client / python -c pass", ours / bare, 3, detail=f"{ours * 1e3:.0f} / {bare * 1e3:.0f} ms")
    command = str(Path(python).with_name("cl-client"))
    peer = [python, "-c", "import cyclopts"]
    for name, argv in (
        ("cl-client --help", ["--help"]),
        ("cl-client hash compute --help", ["hash", "compute", "--help"]),
    ):
        ours, base = side_by_side([command, *argv], peer, ROUNDS)
        yield Figure(f"{name} / import cyclopts", ours / base, 2, detail=f"{ours * 1e3:.0f} / {base * 1e3:.0f} ms")
