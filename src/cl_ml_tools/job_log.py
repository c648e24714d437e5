"""The log of a job: what its workers wrote about it, for the user whose job it is."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

# The most that is kept of a job; older lines are dropped.
MAX_LINES = 500
MAX_BYTES = 64 << 10
# Characters in a line.
MAX_LINE = 1000

INFO = "info"
WARNING = "warning"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log of a job.

    Attributes:
        number: Counts the lines of a job from 1, including those that were dropped.
        at: UTC milliseconds.
        level: `debug`, `info`, `warning` or `error`.
        text: One line that is fit for a terminal.
    """

    number: int
    at: int
    level: str
    text: str

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text.encode())


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines, oldest first, and how many before them were dropped."""

    lines: Sequence[LogLine]
    left_out: int


class LogBuffer:
    """The lines of one attempt that aren't stored yet. Any thread can add some.

    `first` says that nobody had the job before. `base` is the number of the last line before this attempt, and
    `stored` that of the last line that is known to be stored; both are `None` until the queue finds out.
    """

    def __init__(self, *, first: bool = False) -> None:
        self.base: int | None = 0 if first else None
        self.stored: int | None = self.base
        self.on_line: Callable[[], None] | None = None
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self._bytes = 0
        self._count = 0
        self._lock = threading.Lock()

    @property
    def is_plain(self) -> bool:
        """Whether it only says that the first attempt started, and isn't stored: `plain_page` knows that too."""
        return self._count == 1 and self.base == self.stored == 0

    def add(self, level: str, text: str, at: int | None = None) -> None:
        """Add a text, of which each line becomes one of the log. `at`: in UTC milliseconds, now if not given."""
        now = time.time_ns() // 1_000_000 if at is None else at
        for line in one_by_one(text):
            with self._lock:
                self._count += 1
                self._bytes += len(line.encode())
                if len(self._lines) == MAX_LINES:
                    self._bytes -= self._lines[0].size
                self._lines.append(LogLine(self._count, now, level, line))
                while self._bytes > MAX_BYTES:
                    self._bytes -= self._lines.popleft().size
        if self.on_line is not None:
            self.on_line()

    def pending(self, *more: LogLine) -> list[LogLine]:
        """The lines that aren't stored yet, and `more` after them, by their numbers in the log of the job."""
        base, stored = self.base or 0, self.stored or 0
        with self._lock:
            lines = [replace(line, number=base + line.number) for line in self._lines]
            last = base + self._count
        lines += [replace(line, number=last + place) for place, line in enumerate(more, 1)]
        return [line for line in lines if line.number > stored]

    def keep(self, stored: int) -> None:
        """Note that the lines up to this number are stored."""
        self.stored = stored
        with self._lock:
            while self._lines and self._lines[0].number + (self.base or 0) <= stored:
                self._bytes -= self._lines.popleft().size


def one_by_one(text: str) -> Iterable[str]:
    """The lines of a text, without what moves the cursor of a terminal and what no database stores."""
    for line in text.splitlines():
        clean = "".join(c if c.isprintable() else " " for c in line[:MAX_LINE].expandtabs(4)).rstrip()
        if clean:
            yield clean


def a_line(at: int, level: str, text: str) -> LogLine:
    """A line that has no number yet."""
    return LogLine(0, at, level, next(iter(one_by_one(text)), ""))


def newest(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Of lines, oldest first, what is kept."""
    size, start = 0, len(lines)
    while start > 0 and len(lines) - start < MAX_LINES and size + lines[start - 1].size <= MAX_BYTES:
        start -= 1
        size += lines[start].size
    return lines[start:]


def page(lines: Sequence[LogLine], last: int, offset: int) -> LogPage:
    """What there is after `offset` of a log that counts to `last`."""
    shown = newest([line for line in lines if line.number > offset])
    return LogPage(shown, max(last - offset, 0) - len(shown))


def plain_page(started_at: int, completed_at: int, offset: int) -> LogPage:
    """The log of a job that completed at the first attempt, without a word from its task: nothing is stored of it."""
    lines = [
        LogLine(1, started_at, INFO, started(1)),
        LogLine(2, completed_at, INFO, completed(started_at, completed_at)),
    ]
    return page(lines, len(lines), offset)


# What the queue writes about an attempt. The numbers are attempts, and milliseconds.


def started(attempt: int) -> str:
    """A worker has claimed the job."""
    return f"attempt {attempt} started"


def completed(started_at: int | None, now: int) -> str:
    """An attempt completed."""
    return "completed" if started_at is None else f"completed after {max(now - started_at, 0) / 1000:.2f} s"


def failed(attempt: int, error: str, *, pause: int | None = None) -> str:
    """An attempt failed; after `pause` milliseconds there's another one."""
    if pause is None:
        return f"failed: {error}"
    return f"attempt {attempt} failed: {error}; the next attempt starts in {pause / 1000:g} s or later"


def given_back(attempt: int) -> str:
    """A worker stopped before the attempt ended, or before it began."""
    return f"attempt {attempt} ended early, because its worker had no time for it; the job is queued again"


def died(attempt: int, then: str) -> str:
    """A worker died."""
    return f"attempt {attempt} ended, because its worker died; {then}"


QUEUED_AGAIN = "the job is queued again"
NOT_QUEUED_AGAIN = "there's no further attempt"
CANCELLED = "cancelled"
