"""One measured figure and the bound that it is held against."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence

from attrs import frozen


@frozen
class Figure:
    """A figure.

    Attributes:
        name: what was measured, against what.
        value: the ratio, or the measure where the bound is absolute.
        unit: of the value; a ratio has none.
        bound: the value that it may not pass; `None` where it is said and held against nothing.
        at_least: whether the bound is a lower one.
        detail: the raw numbers.
    """

    name: str
    value: float
    bound: float | None
    unit: str = ""
    at_least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool:
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        sign, verdict = ("≥" if self.at_least else "≤"), ("ok " if self.holds else "NOT")
        value = f"{self.value:.2f}{self.unit}"
        bound = "no bound" if self.bound is None else f"{sign} {self.bound:g}{self.unit}"
        return f"{verdict} {self.name:<58} {value:>10}  ({bound})  {self.detail}"


def median_seconds(action: Callable[[], object], rounds: int) -> float:
    """The median time of an action."""
    times: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory(argv: Sequence[str]) -> float:
    """MiB that a command and what it started had at most, each by itself."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise subprocess.CalledProcessError(running.returncode, argv)
    return used.ru_maxrss / 1024


def side_by_side(ours: Sequence[str], peer: Sequence[str], rounds: int) -> tuple[float, float]:
    """Median seconds of two commands, run in turn, so that a busy moment hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 1):
        for kept, argv in zip(times, (ours, peer), strict=True):
            start = time.perf_counter()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
            if round_ > 0:  # the first one warms the file cache
                kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])
