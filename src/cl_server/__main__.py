"""`python -m cl_server compute | worker | auth | spec`: the processes of the server, each in the foreground."""

import argparse
import sys
from pathlib import Path

from cl_server import lifeline


class Options(argparse.Namespace):
    """What the command line says."""

    command: str = ""
    port: int = 0
    fd: int | None = None
    slot: int = 0
    of: int | None = None
    folder: Path = Path("openapi")
    check: bool = False
    init: bool = False
    rotate_key: bool = False
    reset_password: str | None = None
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
    auth = commands.add_parser("auth", help="run the auth server")
    auth.add_argument("--port", type=int, default=8000)
    auth.add_argument("--fd", type=int, help="a listening socket that the parent passed on, instead of a port")
    auth.add_argument("--init", action="store_true", help="only make the first admin; the password goes to stdout")
    auth.add_argument("--rotate-key", action="store_true", help="only make a new key, which signs from now on")
    auth.add_argument("--reset-password", metavar="USER", help="only make a new password, which goes to stdout")
    export = commands.add_parser("spec", help="write the OpenAPI documents")
    export.add_argument("folder", type=Path)
    export.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 if they differ")
    for process in (compute, worker, auth):
        process.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(argv, Options())
    if options.lifeline:
        lifeline.hold()
    # Imported when needed: a worker must not pay for FastAPI.
    match options.command:
        case "compute":
            return compute_server(options)
        case "worker":
            from cl_server import worker as one

            one.run(slot=options.slot, of=options.of)
        case "auth":
            return auth_server(options)
        case _:
            return spec(options.folder, check=options.check)
    return 0


def compute_server(options: Options) -> int:
    """Run the compute API."""
    from cl_server import compute
    from cl_server.trusted_keys import KeySourceError

    try:
        compute.run(options.port, options.fd)
    except KeySourceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def auth_server(options: Options) -> int:
    """Run the auth server, or do for it what is asked."""
    from cl_server.auth import process
    from cl_server.auth.keys import KeyFileError

    def tell(username: str, password: str) -> None:
        sys.stderr.write(f"The first admin is {username!r}, with the password {password} (shown only this once)\n")
        sys.stderr.flush()

    def hand_over(username: str, password: str) -> None:
        del username
        sys.stdout.write(f"{password}\n")
        sys.stdout.flush()

    try:
        if options.init:
            process.initialise(hand_over)
        elif options.rotate_key:
            sys.stdout.write(f"{process.rotate_key()}\n")
        elif options.reset_password is not None:
            sys.stdout.write(f"{process.reset_password(options.reset_password)}\n")
        else:
            process.run(options.port, options.fd, tell)
    except (KeyFileError, process.NoSuchUserError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
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
