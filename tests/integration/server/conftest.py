from collections.abc import Iterator

import pytest

from cl_server.embedded import LocalStack
from tests.conftest import KINDS, require
from tests.integration.server.client import Api, Watch


@pytest.fixture
def api(stack: LocalStack) -> Iterator[Api]:
    """HTTP to the shared stacks, one after the other."""
    found = Api(stack)
    with found.http:
        yield found


@pytest.fixture
def watch(stack: LocalStack) -> Iterator[Watch]:
    """MQTT of the shared stacks."""
    with Watch(stack) as open_watch:
        yield open_watch


@pytest.fixture
def local_api(local_stack: LocalStack) -> Iterator[Api]:
    """HTTP to one shared stack, for what has nothing to do with the broker."""
    found = Api(local_stack)
    with found.http:
        yield found


@pytest.fixture(params=KINDS)
def own_stack(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A stack that a test may break."""
    require(request.param)
    with LocalStack(workers=2, broker=request.param) as stack:
        yield stack
