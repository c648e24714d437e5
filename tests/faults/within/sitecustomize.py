"""Faults that nobody can make from outside of a process: Python imports this at its start, where PYTHONPATH leads here.

`tests/faults/faults_within.py` says by a file, which all processes of the server map, what goes wrong.
"""

import errno
import mmap
import os
import sqlite3
import struct
import sys
import time
from pathlib import Path
from sqlite3 import dbapi2

FILE = "SOAK_FAULTS"
FIELDS = struct.Struct("qqq")
# How many commits of a process lose their answers together.
LOST = 3

_time, _time_ns, _mkdir, _connect = time.time, time.time_ns, os.mkdir, dbapi2.connect


class Faults:
    """What goes wrong now: nanoseconds by which the clock is wrong, how often commits were to be lost, a full disk."""

    def __init__(self, path: str) -> None:
        with Path(path).open("rb") as file:
            self._map = mmap.mmap(file.fileno(), FIELDS.size, access=mmap.ACCESS_READ)
        self._seen = 0
        self._to_lose = 0
        self.begin()

    def begin(self) -> None:
        """In a process that is new, nothing has happened yet."""
        self._seen = self._now()[1]
        self._to_lose = 0

    def _now(self) -> tuple[int, int, int]:
        return FIELDS.unpack(self._map[: FIELDS.size])

    def clock(self) -> int:
        return self._now()[0]

    def full(self) -> bool:
        return bool(self._now()[2])

    def loses(self) -> int:
        """Which of a few commits this is whose answers are lost; 0 is none of them."""
        times = self._now()[1]
        if times != self._seen:
            self._seen = times
            self._to_lose = LOST
        if not self._to_lose:
            return 0
        self._to_lose -= 1
        return self._to_lose + 1


def make(faults: Faults) -> None:
    """Put the faults in the way of the standard library."""

    class Connection(sqlite3.Connection):
        def commit(self) -> None:
            if faults.full():
                self.rollback()
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            lost = faults.loses()
            if lost % 2 == 0:
                super().commit()
            else:
                self.rollback()
            if lost:
                raise sqlite3.OperationalError("the answer to a commit is lost")

    def connect(*arguments: object, **named: object) -> sqlite3.Connection:
        return _connect(*arguments, **{"factory": Connection, **named})

    def mkdir(*arguments: object, **named: object) -> None:
        if faults.full():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), arguments[0])
        _mkdir(*arguments, **named)

    # Parts of a stack are forks of a process that has imported this.
    os.register_at_fork(after_in_child=faults.begin)
    time.time = lambda: _time() + faults.clock() / 1e9
    time.time_ns = lambda: _time_ns() + faults.clock()
    os.mkdir = mkdir
    dbapi2.connect = sqlite3.connect = connect


if FILE in os.environ and any(word.startswith("cl_server") for word in sys.orig_argv):
    make(Faults(os.environ[FILE]))
