"""A process that claims jobs."""

from multiprocessing.connection import Connection
from pathlib import Path

from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


def main(url: str, name: str, what: str, test: Connection) -> None:
    """Claim everything and complete it (`drain`), or claim one job and do nothing more (`hold`)."""
    queue = SqlJobRepository(open_database(url if "://" in url else Path(url)))
    test.send("ready")
    test.recv()
    while (claim := queue.claim(name, ["hash"])) is not None:
        test.send(claim.job.job_id)
        if what == "hold":
            test.recv()
        queue.complete(claim, {"by": name})
    test.send("done")
