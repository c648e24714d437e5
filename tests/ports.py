"""Ports for what a test starts itself and cannot hand a socket to, such as a mosquitto.

A port that the system chooses is one of those that it also gives to outgoing connections: before a server gets to
bind it, any connection of the same test can have it. So these lie beside them, where only who asks for a port gets it.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

LOWEST: Final = 10_000
"""Below are the ports of well-known services."""

OF_CONNECTIONS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The first and the last port for connections, on Linux; no other system begins lower than its default."""


def free_port() -> int:
    """A port that nobody listens on, and that no other call in any process of this run returns."""
    return next(port for port in _remaining() if _is_free(port))


@cache
def _remaining() -> Iterator[int]:
    ports = of_this_process()
    # Two runs at the same time begin at different ports.
    start = random.SystemRandom().randrange(len(ports))
    return itertools.chain(ports[start:], ports[:start])


def of_this_process() -> range:
    """The ports that it may take: each process of a run has every nth."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    taken = OF_CONNECTIONS.read_text().split() if OF_CONNECTIONS.exists() else ["32768", "60999"]
    return beside(int(taken[0]), int(taken[1]))[int(worker.removeprefix("gw")) :: int(workers)]


def beside(first: int, last: int) -> range:
    """The ports that no connection gets, if those from `first` to `last` are for connections."""
    below, above = range(LOWEST, first), range(last + 1, 65_536)
    widest = max(below, above, key=len)
    # A machine may leave nothing, and then it is as if the system had chosen.
    return widest if len(widest) > 1000 else range(LOWEST, 65_536)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
