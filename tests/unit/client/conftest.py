"""A watcher, and the server that it asks."""

from collections.abc import AsyncGenerator

import pytest

from cl_client.watching.watcher import Watcher
from tests.states import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def watcher(server: FakeServer) -> AsyncGenerator[Watcher]:
    watcher = Watcher(server.fetch, None)
    yield watcher
    await watcher.close()
