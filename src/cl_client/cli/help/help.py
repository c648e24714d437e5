"""Help pages as plain aligned text: quick to draw, and the same in a terminal, a pipe and a screen reader."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Final

from cl_client.cli.output import streams

_LABELS: Final = 30
_WIDEST: Final = 100

Row = tuple[str, str]
"""What one types, and what it does."""


def print_usage(usage: str) -> None:
    """The first line of a page."""
    _print(f"Usage: {usage}")


def print_description(text: str) -> None:
    """Paragraphs, which empty lines part."""
    for paragraph in text.strip().split("\n\n"):
        _print("\n" + textwrap.fill(" ".join(paragraph.split()), _width()))


def print_section(title: str, rows: Iterable[Row]) -> None:
    """A heading, and below it two columns."""
    rows = list(rows)
    indent = min(max(len(label) for label, _ in rows), _LABELS) + 4
    bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    lines = ["", f"\033[1m{title}\033[0m" if bold else title]
    for label, text in rows:
        first = f"  {label}"
        if len(first) > indent - 2:
            lines.append(first)
            first = ""
        lines += textwrap.wrap(
            text,
            _width(),
            initial_indent=first.ljust(indent),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        ) or [first]
    _print("\n".join(lines))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    streams.put(text.encode(encoding, "replace").decode(encoding) + "\n")
