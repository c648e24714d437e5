"""Which process it is: its number alone does not say, because numbers come again."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process. `start` is when it began, in the words of the system; no two with the same number have the same."""

    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process with this id. `None` if it doesn't exist, or is a zombie."""
        start = _start_on_linux(pid) if (PROC / "self" / "stat").exists() else _start_elsewhere(pid)
        return None if start is None else cls(pid, start)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `str` made; `None` of anything else."""
        pid, _, start = text.strip().partition(" ")
        return cls(int(pid), start) if pid.isdecimal() and start else None

    def __str__(self) -> str:
        return f"{self.pid} {self.start}"

    def is_alive(self) -> bool:
        """Whether it runs still."""
        return type(self).of(self.pid) == self

    def send(self, number: int) -> None:
        """Send a signal, to this process or to none."""
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def _start_on_linux(pid: int) -> str | None:
    # proc_pid_stat(5): the name may hold anything, brackets too; state is field 3, start time field 22.
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _start_elsewhere(pid: int) -> str | None:
    ps = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    said = subprocess.run(ps, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout.split()
    return " ".join(said[1:]) if said and not said[0].startswith("Z") else None
