"""A command that continues in the background once it has started, and returns the shell to its caller."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

_WELL: Final = b"1"


class Detaching:
    """Continues in a new process; the first process exits with its status.

    Until `finish`, it writes to the terminal of the first process, which waits and passes on Ctrl-C and SIGTERM. So the
    user sees errors at the start. Create it before any threads.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        reading, self._writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(self._writing)
            sys.exit(_outcome(pid, reading))
        os.close(reading)
        os.setsid()

    def finish(self, log: Path) -> None:
        """Let the first process exit with success. Later output goes to a log."""
        sys.stdout.flush()
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_RDONLY)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for found, stream in ((nothing, 0), (written, 1), (written, 2)):
            os.dup2(found, stream)
        os.close(nothing)
        os.close(written)
        os.write(self._writing, _WELL)
        os.close(self._writing)


def _outcome(pid: int, reading: int) -> int:
    """Wait until the other process is well or has ended; the exit code."""
    signal.signal(signal.SIGINT, lambda number, frame: os.kill(pid, number))
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(pid, number))
    # The other end is closed when the process has ended for any reason.
    if os.read(reading, 1) == _WELL:
        return 0
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
