"""What 200,000 jobs that have ended cost those who ask, against 1,000: lists, ids, quotas and clean-ups."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, insert, text

from cl_ml_tools.job_queue import JobQuery
from cl_server.migrations import migrate
from cl_server.queue.quota import Quota, sum_up
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import is_postgres, jobs, open_database
from tests.bench.claims import postgres
from tests.bench.figure import Figure

FEW, MANY = 1_000, 200_000
ROUNDS = 31
BOUND = 1.5
# Of a clean-up, how many jobs go in one transaction, and how many times it is measured.
PIECE, PIECES = 100, 9


class History:
    """A database with so many jobs that have ended, those of guests and of one user."""

    def __init__(self, address: Path | str, count: int) -> None:
        self.engine: Engine = open_database(address)
        migrate(self.engine)
        with self.engine.begin() as connection:
            for start in range(0, count, 5_000):
                some = range(start, min(start + 5_000, count))
                connection.execute(insert(jobs), [_ended(number) for number in some])
        # As it is where jobs came one after the other: sums are made and the log is written back as they come.
        if is_postgres(self.engine):
            with self.engine.begin() as connection:
                for owner in (None, "7"):
                    sum_up(connection, owner)
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        else:
            with self.engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.queue = SqlJobRepository(self.engine)
        self.quota = Quota(self.engine, most_bytes=10**15, most_jobs=1_000)
        self.newest = [f"{count - 1 - number:032}" for number in range(100)]
        self._removed = 0

    def of_guests(self) -> object:
        return self.queue.list_jobs(JobQuery(of_guests=True, limit=50))

    def by_ids(self) -> object:
        return self.queue.list_jobs(JobQuery(of_guests=True, ids=self.newest, limit=100))

    def room(self) -> object:
        return self.quota.look(None, 5)

    def clean_up(self) -> object:
        """One piece of it: the oldest jobs, found and removed."""
        found = self.queue.finished_before(self._removed + PIECE)
        removed = self.queue.delete_jobs(found)
        assert len(removed) == PIECE, len(removed)
        self._removed += PIECE
        return removed


def _ended(number: int) -> dict[str, object]:
    return {
        "job_id": f"{number:032}",
        "task_type": ("hash", "exif", "media_thumbnail")[number % 3],
        "status": "completed" if number % 20 else "failed",
        "progress": 100,
        "params": {"input_paths": ["/x/source.jpg"], "input_names": ["a.jpg"], "algorithm": "all"},
        "task_output": {"sha256": "a" * 64, "md5": "b" * 32},
        "created_by": None if number % 10 else "7",
        "priority": 5,
        "worker_id": "w0",
        "attempts": 1,
        "created_at": number,
        "updated_at": number,
        "started_at": number,
        "completed_at": number,
        "size": 1_000,
    }


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder:
        yield from _figures("SQLite", Path(folder) / "few.sqlite", Path(folder) / "many.sqlite")
    with ExitStack() as opened:
        yield from _figures("PostgreSQL", *(opened.enter_context(postgres()) for _ in range(2)))


def _figures(name: str, few_at: Path | str, many_at: Path | str) -> Iterator[Figure]:
    few, many = History(few_at, FEW), History(many_at, MANY)
    for title, ask, rounds in (
        ("GET /jobs of guests", History.of_guests, ROUNDS),
        ("ids= of 100", History.by_ids, ROUNDS),
        ("the room of a user", History.room, ROUNDS),
        (f"{PIECE} of a clean-up", History.clean_up, PIECES),
    ):
        slow, quick = _in_turn(partial(ask, many), partial(ask, few), rounds)
        detail = f"{slow * 1000:.2f} / {quick * 1000:.2f} ms"
        yield Figure(f"{name}, {title}, 200,000 / 1,000 jobs", slow / quick, BOUND, detail=detail)
    for history in (few, many):
        history.engine.dispose()


def _in_turn(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of both, run in turn, each first as often as the other."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds):
        pair = list(zip(times, (one, other), strict=True))
        for kept, ask in pair if round_ % 2 else reversed(pair):
            start = time.perf_counter()
            ask()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])
