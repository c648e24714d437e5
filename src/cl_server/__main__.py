"""`python -m cl_server compute | worker | spec`: the processes of the server, each in the foreground."""

import argparse
import sys
from pathlib import Path

from cl_server import lifeline


class Options(argparse.Namespace):
    """What the command line says."""

    command: str = ""
    port: int = 8002
    fd: int | None = None
    slot: int = 0
    of: int | None = None
    folder: Path = Path("openapi")
    check: bool = False
    lifeline: bool = False


def main(argv: list[str] | None = None) -> int:
    """Run one of the servers, or export the spec. Settings come from the environment (see `settings.py`)."""
    parser = argparse.ArgumentParser(prog="python -m cl_server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    compute = commands.add_parser("compute", help="run the compute API")
    compute.add_argument("--port", type=int, default=8002)
    compute.add_argument("--fd", type=int, help="a listening socket that the parent passed on, instead of a port")
    worker = commands.add_parser("worker", help="run one worker")
    worker.add_argument("--slot", type=int, default=0, help="which of the workers this is")
    worker.add_argument("--of", type=int, help="how many workers there are: jobs that others held are given back")
    export = commands.add_parser("spec", help="write the OpenAPI documents")
    export.add_argument("folder", type=Path)
    export.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 if they differ")
    for process in (compute, worker):
        process.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(argv, Options())
    if options.lifeline:
        lifeline.hold()
    # Imported when needed: a worker must not pay for FastAPI.
    match options.command:
        case "compute":
            from cl_server import compute as api

            api.run(port=options.port, fd=options.fd)
        case "worker":
            from cl_server import worker as one

            one.run(slot=options.slot, of=options.of)
        case _:
            return spec(options.folder, check=options.check)
    return 0


def spec(folder: Path, *, check: bool) -> int:
    """Write or compare the documents."""
    from cl_server import spec as documents

    if check:
        diff = documents.check(folder)
        sys.stdout.write(diff)
        if diff:
            sys.stderr.write(f"{folder} is not what the servers say; run: make spec generate\n")
        return 1 if diff else 0
    for path in documents.write(folder):
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
