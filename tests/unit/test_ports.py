"""The ports that tests take for their servers."""

import socket

import pytest

from tests import ports


@pytest.mark.parametrize(
    ("of_connections", "expected"),
    [
        ((32_768, 60_999), range(10_000, 32_768)),
        ((1_024, 32_767), range(32_768, 65_536)),
        ((1_024, 65_535), range(10_000, 65_536)),
    ],
)
def test_a_port_is_none_that_a_connection_gets_if_there_are_others(of_connections: tuple[int, int], expected: range):
    assert ports.beside(*of_connections) == expected


def test_no_port_is_given_twice_and_each_can_be_bound():
    given = {ports.free_port() for _ in range(20)}
    assert len(given) == 20
    for port in given:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_two_processes_of_a_run_take_different_ports(monkeypatch: pytest.MonkeyPatch):
    given: list[set[int]] = []
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        given.append(set(ports.of_this_process()))
    assert given[0]
    assert not given[0] & given[1]


def test_a_port_that_somebody_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch):
    taken = ports.free_port()
    with socket.create_server(("127.0.0.1", taken)):
        free = ports.free_port()
        remaining = iter([taken, free])
        monkeypatch.setattr(ports, "_remaining", lambda: remaining)
        assert ports.free_port() == free
