"""Wakes workers when a job arrives, so that it doesn't wait for the next poll.

A worker listens on a UDP port of the loopback interface and writes the port to the data folder. The process that
commits a job sends a datagram to each worker. A ring is only a hint: if one is lost, the worker finds the job at its
next poll, and an extra one costs one query.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, cast

from cl_extras import whole_file

HOST = "127.0.0.1"
SUFFIX = ".bell"
# Nanoseconds; several times what the clocks of file systems are coarse by.
TICK = 1_000_000_000


class Doorbell:
    """The worker's end."""

    def __init__(self, folder: Path, worker_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self._path = folder / f"{worker_id}{SUFFIX}"
        port = cast("tuple[str, int]", self.socket.getsockname())[1]
        self._written = f"{port} {os.getpid()}"
        whole_file.write(self._path, self._written)

    def attach(self, on_ring: Callable[[], None]) -> None:
        """Call back in the running event loop at each ring."""

        def rung() -> None:
            self.drain()
            on_ring()

        asyncio.get_running_loop().add_reader(self.socket, rung)

    def drain(self) -> None:
        """Forget the rings so far."""
        try:
            while True:
                self.socket.recv(16)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Remove the registration, unless a successor in the same slot has already replaced it."""
        with contextlib.suppress(OSError):
            if self._path.read_text() == self._written:
                self._path.unlink()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Registration:
    """How to reach one worker."""

    __slots__ = ("pid", "port", "worker_id")

    def __init__(self, worker_id: str, port: int, pid: int) -> None:
        self.worker_id = worker_id
        self.port = port
        self.pid = pid


def registered(folder: Path) -> list[Registration]:
    """The workers of a data folder that are alive; what dead ones left behind is removed."""
    found: list[Registration] = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            port, pid = (int(number) for number in path.read_text().split())
            os.kill(pid, 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
            continue
        except (OSError, ValueError, OverflowError):
            # Deleted meanwhile, not a registration, or the port belongs to a process of another user now.
            continue
        found.append(Registration(path.stem, port, pid))
    return found


class Ringer:
    """The other end: rings at every worker of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Else the first ring would open a port on all addresses.
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self._known: Sequence[Registration] = ()
        self._read_at: int | None = None

    def ring(self) -> None:
        """Wake every worker; never blocks, never raises."""
        for worker in self._workers():
            try:
                self._socket.sendto(b"1", (HOST, worker.port))
            except (OSError, OverflowError):
                continue

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _workers(self) -> Sequence[Registration]:
        """Read again when the folder has changed, which is seldom, and jobs are many."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return ()
        if changed != self._read_at:
            # Of what changes within one tick of the file system's clock, only the first is seen.
            self._read_at = changed if time.time_ns() - changed > TICK else None
            self._known = registered(self._folder)
        return self._known
