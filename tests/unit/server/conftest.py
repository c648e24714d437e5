from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cl_server.migrations import migrate
from cl_server.queue.tables import open_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database."""
    path = tmp_path / "jobs.sqlite"
    opened = open_database(path)
    migrate(opened)
    yield opened
    opened.dispose()
