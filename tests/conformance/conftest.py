"""The three implementations, each new for each test, with a clock that the test sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cl_ml_tools.job_queue import Event, JobQueue
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_server.database import metadata, open_database
from cl_server.migrations import migrate
from cl_server.repository import SqlJobRepository

KINDS = ("memory", "sqlite", "postgresql")
DATABASES = ("sqlite", "postgresql")


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now

    def passes(self, milliseconds: int) -> None:
        self.now += milliseconds


class Bench:
    """A queue, and what it told."""

    def __init__(self, kind: str, engine: Engine | None) -> None:
        self.kind = kind
        self.engine = engine
        self.clock = Clock()
        self.events: list[Event] = []
        self.wakes = 0
        self.queue = self.another()

    def another(self, *, silent: bool = False) -> JobQueue:
        """A repository on the same database."""
        listener = _ignore if silent else self.events.append
        if self.engine is None:
            return MemoryJobRepository(on_event=listener, on_wake=self._wake, clock=self.clock)
        return SqlJobRepository(self.engine, on_event=listener, on_wake=self._wake, clock=self.clock)

    def told(self, job_id: str) -> list[str]:
        """The states of a job that were told, in order."""
        return [event.job.status.value for event in self.events if event.job.job_id == job_id]

    def _wake(self) -> None:
        self.wakes += 1


def _ignore(event: Event) -> None:
    del event


def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> Engine:
    """An empty database, brought to the newest revision."""
    if kind == "sqlite":
        engine = open_database(folder / "jobs.sqlite")
        migrate(engine)
        return engine
    engine = open_database(str(request.getfixturevalue("postgres_url")))
    migrate(engine)
    with engine.begin() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    return engine


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A new queue of each kind."""
    kind = str(request.param)
    engine = None if kind == "memory" else opened(kind, request, tmp_path)
    yield Bench(kind, engine)
    if engine is not None:
        engine.dispose()


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A new database that several hosts can open."""
    engine = opened("postgresql", request, tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A new database that several processes can open."""
    engine = opened(str(request.param), request, tmp_path)
    yield engine
    engine.dispose()
