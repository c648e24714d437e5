"""The loop of the command line looks names up as others do, and waits for no look-up at its end."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from cl_client.loops.event_loop import EventLoop


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        yield runner


def test_names_are_looked_up_as_always(runner: asyncio.Runner):
    loop = runner.get_loop()
    asked = {"family": socket.AF_INET, "type": socket.SOCK_STREAM}
    assert runner.run(loop.getaddrinfo("localhost", 80, **asked)) == socket.getaddrinfo("localhost", 80, **asked)


def test_a_name_that_cannot_be_is_an_error(runner: asyncio.Runner):
    with pytest.raises(socket.gaierror):
        runner.run(runner.get_loop().getaddrinfo("no address", None, flags=socket.AI_NUMERICHOST))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_is_no_name_to_look_up(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, address: str):
    def no_thread(*_: object, **__: object) -> None:
        pytest.fail("it is looked up")

    monkeypatch.setattr(threading, "Thread", no_thread)
    found = runner.run(runner.get_loop().getaddrinfo(address, 80))
    assert {place[4][0] for place in found} == {address}


def test_an_answer_that_comes_after_the_end_is_heard_by_nobody(monkeypatch: pytest.MonkeyPatch):
    answered, ended = threading.Event(), list[threading.Thread]()

    def fake_look_up(*_: object) -> list[object]:
        ended.append(threading.current_thread())
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", fake_look_up)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, EventLoop)
        with pytest.raises(TimeoutError):
            runner.run(asyncio.wait_for(loop.getaddrinfo("silent.example", 80), 0.05))
        assert loop.names == ["silent.example"]
    answered.set()
    ended[0].join()
    assert loop.names == []
