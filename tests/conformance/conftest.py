"""The three implementations, each new for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cl_server.migrations import migrate
from cl_server.queue.tables import metadata, open_database
from tests.conformance.bench import Bench

KINDS = ("memory", "sqlite", "postgresql")
DATABASES = ("sqlite", "postgresql")


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
