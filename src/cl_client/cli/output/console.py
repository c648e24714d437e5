"""Output: data on stdout, everything else on stderr. The only place that knows the output modes."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TextIO, cast

from cl_client.cli.output import streams

if TYPE_CHECKING:
    from cl_client.errors import ComputeClientError
    from cl_client.wire.types import JSONValue

_STYLES: Final = {"error": "1;31", "warning": "33", "hint": "36", "done": "32"}

Row = tuple[str, str]
"""A line of a result for people: what, and its value."""


class Console:
    """The two streams of a command.

    Args:
        program: the name of the command line, for what one might type next.
        as_json: results as JSON objects, one a line.
        quiet: of a result only its id; of the rest only warnings and errors.
        debug: everything, tracebacks too.
    """

    def __init__(
        self, *, program: str = "cl-client", as_json: bool = False, quiet: bool = False, debug: bool = False
    ) -> None:
        self.program: str = program
        self.as_json: bool = as_json
        self.quiet: bool = quiet
        self.debug: bool = debug
        self.moving: bool = False
        """Whether something that moves is drawn right now; it clears its line itself."""

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal that can show a moving bar."""
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def seen(self) -> bool:
        """Whether a person reads the results, and not a program."""
        return not (self.as_json or self.quiet) and sys.stdout.isatty()

    @property
    def unicode(self) -> bool:
        """Whether the encoding of stderr has the signs that we like to draw."""
        try:
            "✓━".encode(sys.stderr.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def result(self, record: Mapping[str, JSONValue], rows: Sequence[Row], *, id: str) -> None:
        """Print one result: the record for programs, the rows for people, the id for `--quiet`."""
        if self.as_json:
            _put(json.dumps(record))
        elif self.quiet:
            _put(printable(id))
        else:
            width = max((len(name) for name, _ in rows), default=0) + 1
            for name, value in rows:
                _put(f"{printable(name) + ':':<{width}} {printable(value)}".rstrip())
        # A reader of lines gets it now.
        streams.flush()

    def line(self, record: Mapping[str, JSONValue], text: str, *, id: str) -> None:
        """Print one result of many: the record for programs, a line for people, the id for `--quiet`."""
        _put(json.dumps(record) if self.as_json else printable(id if self.quiet else text))
        streams.flush()

    def results(self, headings: Sequence[str], items: Sequence[tuple[Mapping[str, JSONValue], Sequence[str]]]) -> None:
        """Print many results: a record each for programs, a table for people, the first column for `--quiet`."""
        table = [cells for _, cells in items]
        if self.as_json:
            lines = [json.dumps(record) for record, _ in items]
        elif self.quiet:
            lines = [printable(cells[0]) for cells in table]
        else:
            rows = [[printable(cell) for cell in cells] for cells in (headings, *table)]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        for line in lines:
            _put(line)
        streams.flush()

    def document(self, record: Mapping[str, JSONValue], text: str) -> None:
        """Print a result that is a text of many lines, as it is; the record for programs."""
        streams.put(f"{json.dumps(record)}\n" if self.as_json else text)
        streams.flush()

    def text(self, text: str) -> None:
        """Print a result that is a text of the server, line by line."""
        for line in text.splitlines():
            _put(printable(line))
        streams.flush()

    def picture(self, drawn: str) -> None:
        """Print what a terminal shows as a picture: the only thing that may hold control characters."""
        _put(drawn)
        streams.flush()

    def say(self, text: str = "") -> None:
        """A line for people that is not the result."""
        if not self.quiet:
            self._tell("", printable(text))

    def done(self, text: str) -> None:
        """A line for people: something is done."""
        if not self.quiet:
            self._tell(_painted("done", "✓" if self.unicode else "ok"), printable(text))

    def hint(self, text: str) -> None:
        """What to do next."""
        if not self.quiet:
            self._tell(_painted("hint", "hint:"), printable(text))

    def warn(self, text: str) -> None:
        """Something is not as it should be, but the command continues. Never hidden."""
        self._tell(_painted("warning", "warning:"), printable(text))

    def error(self, text: str) -> None:
        """The command fails, because of this. Never hidden."""
        self._tell(_painted("error", "error:"), printable(text))

    def failure(self, name: str, error: ComputeClientError) -> None:
        """One of many failed: its name, and why; with debug also where. Never hidden."""
        reason = error.message if self.debug else error.reason
        for known_as in (name, name.rpartition("/")[2]):
            # We and the server begin with the file ourselves: to say it once is enough.
            if reason.startswith(f"{known_as} "):
                return self.error(name + reason.removeprefix(known_as))
        return self.error(f"{name}: {reason}")

    def end_echo(self) -> None:
        """Leave the line in which a terminal has shown Ctrl-C as ^C."""
        if sys.stderr.isatty() and not self.moving:
            _write_aside("")

    def trace(self, text: str) -> None:
        """What only a developer wants to see, line by line."""
        if self.debug:
            for line in text.rstrip("\n").split("\n"):
                _write_aside(printable(line))

    def _tell(self, sign: str, text: str) -> None:
        """A line on stderr; on a terminal that it does not fit, several, broken between words."""
        line = f"{sign} {text}" if sign else text
        if sys.stderr.isatty():
            columns = shutil.get_terminal_size().columns
            if len(_shown(line)) > columns:
                line = "\n".join(broken(line, columns, unbroken=self.program))
        _write_aside(line)


def printable(text: str) -> str:
    """One line, in which what a server or a file name says cannot move the cursor."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def broken(line: str, columns: int, *, unbroken: str) -> list[str]:
    """A line in pieces that fit, broken between words.

    A command at its end, which begins with the word `unbroken`, is to be copied, and stays in one piece.
    """
    words = cast("list[str]", re.findall(rf"(?<!\S){re.escape(unbroken)} .*$|\S+ *", line))
    indent = " " * (len(line) - len(line.lstrip()))
    pieces = [indent]
    for word in words:
        if pieces[-1].strip() and len(_shown(pieces[-1] + word.rstrip())) > columns:
            pieces.append(f"{indent}  ")
        pieces[-1] += word
    return [piece.rstrip() for piece in pieces]


def fitting(line: str) -> str:
    """A line for a table of a terminal: what does not fit is left out."""
    columns = shutil.get_terminal_size().columns
    return line if len(line) <= columns else f"{line[: columns - 1]}…"


def human_size(size: int) -> str:
    """A number of bytes for people: `12.3 kB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def _shown(text: str) -> str:
    """Without what colours it."""
    return re.sub(r"\033\[[0-9;]*m", "", text)


def _painted(style: str, text: str) -> str:
    # https://no-color.org: set and not empty.
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{_STYLES[style]}m{text}\033[0m"


def _write_aside(line: str) -> None:
    """A line on stderr. One that cannot be written changes nothing: the work and its exit code say the same."""
    try:
        sys.stderr.write(_encodable(line, sys.stderr))
    except OSError:
        streams.abandon(sys.stderr)


def _put(line: str) -> None:
    streams.put(_encodable(line, sys.stdout))


def _encodable(line: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding) + "\n"
