"""A client of the stack that runs."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.media.photo import corners, encoded


@pytest.fixture
async def client(stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a running stack, once with each broker."""
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


@pytest.fixture
async def local_client(local_stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a running stack, for what has nothing to do with the broker."""
    stack = local_stack
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG of 120 × 80 pixels as seen, stored turned (EXIF orientation 6)."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(corners(), orientation=6))
    return path
