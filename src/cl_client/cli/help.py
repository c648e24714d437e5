"""Help pages as plain aligned text: quick to draw, and the same in a terminal, a pipe and a screen reader."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

_LABELS: Final = 30
_WIDEST: Final = 100


class PlainHelp:
    """A cyclopts help formatter."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print the entries of a panel."""
        if panel.entries:
            print_section(_text(panel.title), [(_label(entry), _description(entry)) for entry in panel.entries])

    def render_usage(self, console: Console, options: ConsoleOptions, usage: object) -> None:
        """Print the usage line."""
        print_usage(_text(usage).strip().removeprefix("Usage: "))

    def render_description(self, console: Console, options: ConsoleOptions, description: object) -> None:
        """Print what the command does."""
        print_description(_text(description))


def print_usage(usage: str) -> None:
    """The first line of a page."""
    _print(f"Usage: {usage}")


def print_description(text: str) -> None:
    """Paragraphs, which empty lines part."""
    for paragraph in text.strip().split("\n\n"):
        _print("\n" + textwrap.fill(" ".join(paragraph.split()), _width()))


def print_section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """A heading, and below it two columns: what one types, and what it does."""
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
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _label(entry: HelpEntry) -> str:
    if entry.positional_label:
        return entry.positional_label
    names = (*entry.positive_shorts, *entry.positive_names, *entry.negative_shorts, *entry.negative_names)
    label = ", ".join(names)
    return f"{label} {entry.metavar}" if entry.metavar else label


def _description(entry: HelpEntry) -> str:
    text = _text(cast("object", entry.description))
    if entry.choices:
        text += f" [{', '.join(entry.choices)}]"
    if entry.default:
        text += f" [default: {entry.default}]"
    if entry.required and not entry.positional_label:
        text += " [required]"
    return " ".join(text.split())


def _text(renderable: object) -> str:
    """What rich would draw, without drawing it: all of our help is plain text."""
    inner = getattr(renderable, "primary_renderable", renderable)
    return str(getattr(inner, "plain", inner or ""))
