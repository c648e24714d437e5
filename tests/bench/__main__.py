"""Run the benches that are named, or all: `python -m tests.bench [start_up pool claims …]`."""

from __future__ import annotations

import importlib
import json
import platform
import sys
from pathlib import Path

from attrs import asdict

from tests.bench.figure import Figure

BENCHES = (
    "start_up",
    "dispatch",
    "events",
    "decode",
    "submit",
    "many",
    "round_trip",
    "pool",
    "embedding",
    "memory",
    "claims",
    "history",
    "transfer",
    "codegen",
)


def main(names: list[str]) -> None:
    measured: list[Figure] = []
    for name in names or BENCHES:
        for figure in importlib.import_module(f"tests.bench.{name}").figures():
            print(figure, flush=True)
            measured.append(figure)
    report = Path("build/bench.json")
    report.parent.mkdir(exist_ok=True)
    rows = [{**asdict(figure), "holds": figure.holds} for figure in measured]
    report.write_text(json.dumps({"python": platform.python_version(), "figures": rows}, indent=2) + "\n")
    print(f"written to {report}")


if __name__ == "__main__":
    main(sys.argv[1:])
