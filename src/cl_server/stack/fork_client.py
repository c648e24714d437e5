"""Starts parts of the server by a process that has their libraries loaded already: see `fork_server.py`.

Only Linux has what that takes, and some machines forbid it; elsewhere `shared` gives nothing, and a part is a Python of
its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from cl_server.stack.fork_protocol import LENGTH, ROOM, Request

# The first arguments of a part, both as a fork and as a new process.
COMMAND: Final = (sys.executable, "-m", "cl_server")
# Seconds that a fork server may take to start a part, its imports included.
PATIENCE: Final = 60.0
# Seconds to end after all of its parts have ended.
GRACE: Final = 5.0


class ForkedProcess:
    """A part that was forked, with what `subprocess.Popen` has for it. `stdin` is for its lifeline."""

    def __init__(self, argv: Sequence[str], stdin: IO[bytes]) -> None:
        self.args = argv
        self.pid = 0
        self.stdin = stdin
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """How it ended, or `None` while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def has_ended(self, status: int) -> None:
        """Say how it ended."""
        self.returncode = status
        self._ended.set()


class ForkServer:
    """Starts parts, by a process that is there from the first of them until `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def start(
        self, argv: Sequence[str], *, environment: Mapping[str, str], out: tuple[int, int], pass_fds: Sequence[int] = ()
    ) -> ForkedProcess:
        """Start `argv`, which starts with `COMMAND`. The part writes to the files `out`. Raises `OSError`."""
        with self._lock:
            running = self._running
            if running is not None and not running.is_good_for(environment):
                running.leave()
                running = None
            if running is None:
                running = self._running = _Running(environment)
            return running.start(argv, environment, out, pass_fds)

    def run(self, argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Start it without input and wait for its end. The result contains its output. Raises `OSError`."""
        read, write = os.pipe()
        with os.fdopen(read) as out, tempfile.TemporaryFile("w+") as errors:
            try:
                part = self.start(argv, environment=environment, out=(write, errors.fileno()))
            finally:
                os.close(write)
            part.stdin.close()
            said = out.read()
            status = part.wait()
            errors.seek(0)
            return subprocess.CompletedProcess(argv, status, said, errors.read())

    def close(self) -> None:
        """Start no more, and wait a little for the end of the process, which is that of the last part."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.leave()
            running.wait(GRACE)


_the_one: Final = ForkServer()
_users = 0
_users_lock: Final = threading.Lock()


@contextmanager
def shared() -> Generator[ForkServer | None]:
    """The fork server of this process, for as long as it is used. Parts have ended by then."""
    global _users
    with _users_lock:
        _users += 1
    try:
        yield _the_one if _is_possible() else None
    finally:
        with _users_lock:
            _users -= 1
            if not _users:
                _the_one.close()


def _is_possible() -> bool:
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class _Running:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._python = _read_by_python(environment)
        self._gone = False
        self._parts: dict[int, ForkedProcess] = {}
        self._starting: ForkedProcess | None = None
        self._error = 0
        self._answered = threading.Event()
        self._connection, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_listen`
        self._last_words = "no answer"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cl_server.stack.fork_server", str(theirs.fileno()), " " * ROOM],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment,
                pass_fds=[theirs.fileno()],
                # Ctrl-C in a terminal is for the process that started this one.
                start_new_session=True,
            )
        self._thread = threading.Thread(target=self._listen, name="fork server", daemon=True)
        self._thread.start()

    def is_good_for(self, environment: Mapping[str, str]) -> bool:
        """Whether it runs, and Python would have started there as it did here."""
        return not self._gone and self._python == _read_by_python(environment)

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], out: tuple[int, int], pass_fds: Sequence[int]
    ) -> ForkedProcess:
        """Have a part started. Raises `OSError`."""
        read, write = os.pipe()
        part = ForkedProcess(argv, os.fdopen(write, "wb", buffering=0))
        request = Request(
            argv=list(argv[len(COMMAND) :]),
            command_line=list(argv),
            environment=dict(environment),
            folder=str(Path.cwd()),
            numbers=[0, 1, 2, *pass_fds],
        )
        text = json.dumps(request).encode()
        self._answered.clear()
        self._error = 0
        self._starting = part
        try:
            socket.send_fds(self._connection, [LENGTH.pack(len(text))], [read, *out, *pass_fds])
            self._connection.sendall(text)
        except OSError:
            # It has ended. `_listen` notices that too.
            self._process.wait()
        finally:
            os.close(read)
        if not self._answered.wait(PATIENCE) or part.pid == 0:
            part.stdin.close()
            why = os.strerror(self._error) if self._error else self._last_words
            raise OSError(f"the fork server does not start {' '.join(argv[len(COMMAND) :])}: {why}")
        return part

    def leave(self) -> None:
        """Start no more parts."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def wait(self, timeout: float) -> None:
        """Wait until it has ended, but not longer than `timeout` seconds."""
        self._thread.join(timeout)

    def _listen(self) -> None:
        with self._connection, self._connection.makefile("rb") as answers:
            for line in answers:
                said = cast("dict[str, int]", json.loads(line))
                if "ended" in said:
                    self._parts.pop(said["ended"]).has_ended(said["status"])
                    continue
                if self._starting is not None and said["pid"]:
                    self._starting.pid = said["pid"]
                    self._parts[said["pid"]] = self._starting
                self._error = said.get("status", 0)
                self._starting = None
                self._answered.set()
        self._gone = True
        self._process.wait()
        with self._errors as errors:
            errors.seek(0)
            for line in errors.read().decode(errors="replace").strip().splitlines()[-1:]:
                self._last_words = line
        # Its parts ended with it.
        for part in self._parts.values():
            part.has_ended(-signal.SIGKILL)
        self._answered.set()


def _read_by_python(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python reads when it starts, and when it imports something."""
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}
