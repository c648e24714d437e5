"""A pytest plugin for code that uses the client, with a fake server and a real one.

Add it to your top-level `conftest.py`. It isn't loaded automatically:

    pytest_plugins = ["cl_client.testing"]

A test then uses one of its fixtures:

    def test_a_photo_that_is_none(fake_compute_server):
        fake_compute_server.script("media_thumbnail", Fails("not an image"))
        assert my_app.make_preview("notes.txt") is None
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from cl_client.embedded import new_stack
from cl_client.testing.fake_server import FakeComputeServer
from cl_client.testing.form import Submission, Upload
from cl_client.testing.script import Completes, Fails, Refuses, Scripted, StaysQueued

if TYPE_CHECKING:
    from cl_server.embedded import LocalStack

__all__ = [
    "Completes",
    "Fails",
    "FakeComputeServer",
    "Refuses",
    "Scripted",
    "StaysQueued",
    "Submission",
    "Upload",
    "compute_stack",
    "fake_compute_server",
]


@pytest.fixture
def fake_compute_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeComputeServer]:
    """A `FakeComputeServer` without scripts. A `ComputeClient()` in the test connects to it."""
    with FakeComputeServer() as fake:
        monkeypatch.delenv("MQTT_URL", raising=False)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture(scope="session")
def compute_stack() -> Iterator[LocalStack]:
    """A real server for all tests: broker, compute API and workers on free ports of 127.0.0.1. Needs `[server]`.

    Pass it to the code under test: `ServerConfig.from_env(compute_stack.environment())`, or `monkeypatch.setenv`.
    """
    with new_stack() as stack:
        yield stack
