"""Keeps one child process running: starts it, starts it again when it dies, ends it."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from cl_server.stack.fork_client import ForkedProcess, ForkServer

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
# A process that lived this long, in seconds, had started well: the next pause is short again.
STABLE = 10.0
# The status of a part that refuses its settings: to start it again changes nothing.
REFUSED = 2
# How long, in seconds, the children of a parent that was killed may take to end: see `lifeline.GRACE`.
REMAINS = 12.0

log = logging.getLogger(__name__)


class Service:
    """A child process with a name. Its standard input is a pipe of ours: it ends when we do.

    Without `log`, it writes where we do.

    With `guarded`, the child is a guard (see `child_guard.py`) and `pid` is the process that it guards.

    With `forks`, it is a part of the server, and started there.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path | None,
        *,
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        guarded: bool = False,
        forks: ForkServer | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log = log
        self.environment = environment
        self.pass_fds = tuple(pass_fds)
        self.guarded = guarded
        self.forks = forks
        self.starts = 0
        self.pid = 0
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._log_start = 0
        self._keep = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._restarted: Callable[[], None] = lambda: None
        self._refused: Callable[[], None] | None = None

    def start(self) -> None:
        """Start the process once; from `keep` on it is started again when it dies."""
        self._spawn()

    def keep(self, restarted: Callable[[], None] = lambda: None, refused: Callable[[], None] | None = None) -> None:
        """Watch over the process from now on; `restarted` is called whenever it was started again.

        `refused` is called, and it is not started again, when it refused its settings at the first start.
        """
        self._restarted = restarted
        self._refused = refused
        self._thread = threading.Thread(target=self._watch, name=f"watch {self.name}", daemon=True)
        self._thread.start()

    def exit_code(self) -> int | None:
        """How the process ended, or `None` while it runs."""
        return None if self._process is None else self._process.poll()

    def last_words(self) -> str:
        """The end of the log of this process, on one line."""
        if self.log is None:
            return ""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-3:])

    def send(self, number: int) -> None:
        """Send a signal to the process itself."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def stop(self) -> None:
        """Ask the process to end, and do not start it again."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float) -> None:
        """Wait for the end until `deadline` (of the monotonic clock), then make it."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            # First the program, and then its guard.
            self.send(signal.SIGKILL)
            process.kill()
            process.wait()
        if self._thread is not None:
            self._thread.join()
        if process.stdin is not None:
            process.stdin.close()

    def _spawn(self) -> None:
        with ExitStack() as stack:
            log = None if self.log is None else stack.enter_context(self.log.open("ab"))
            self._log_start = 0 if log is None else log.tell()
            process = self._started(log)
        self.pid = process.pid
        if isinstance(process, subprocess.Popen) and process.stdout is not None:
            with process.stdout as said:
                self.pid = int(said.readline() or process.pid)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = process
        self.starts += 1
        if self._stopping.is_set():
            process.send_signal(signal.SIGTERM)

    def _started(self, log: IO[bytes] | None) -> subprocess.Popen[bytes] | ForkedProcess:
        if self.forks is not None:
            out = (1, 2) if log is None else (log.fileno(), log.fileno())
            return self.forks.start(self.argv, environment=self.environment, out=out, pass_fds=self.pass_fds)
        return subprocess.Popen(
            self.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self.guarded else log,
            stderr=log,
            env=self.environment,
            pass_fds=self.pass_fds,
            # Ctrl-C in a terminal is for this process, which ends its children.
            start_new_session=True,
        )

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        while self._process is not None:
            started = time.monotonic()
            self._process.wait()
            if self._refused is not None and self.starts == 1 and self._process.poll() == REFUSED:
                self._refused()
                return
            if time.monotonic() - started > STABLE:
                pause = FIRST_PAUSE
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                self._spawn()
                self._restarted()
            except OSError as error:
                # No memory, no process, no file to be had right now: the next time there may be.
                log.error("%s cannot be started: %s", self.name, error)


def wait_until(condition: Callable[[], bool], timeout: float, pause: float = 0.02) -> bool:
    """Ask until it holds; `False` when it does not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
