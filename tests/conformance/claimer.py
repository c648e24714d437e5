"""A process that claims jobs: `python -m tests.conformance.claimer URL NAME drain|hold`."""

import sys
from pathlib import Path

from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


def main(url: str, name: str, what: str) -> None:
    """Claim everything and complete it, or claim one job and do nothing more."""
    queue = SqlJobRepository(open_database(url if "://" in url else Path(url)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while (claim := queue.claim(name, ["hash"])) is not None:
        sys.stdout.write(f"{claim.job.job_id}\n")
        sys.stdout.flush()
        if what == "hold":
            sys.stdin.readline()
        queue.complete(claim, {"by": name})
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
