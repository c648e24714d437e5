"""The changes between two servers on paper: text for a terminal, Markdown for a review, JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from cl_codegen.diff.change import Change, Level, version_step, worst
from cl_codegen.text.escape import markdown, one_line

Format = Literal["text", "json", "markdown"]

_TITLES: Final = {Level.BREAKING: "Breaking", Level.COMPATIBLE: "Compatible", Level.COSMETIC: "Cosmetic"}


def report(changes: Sequence[Change], format: Format) -> str:
    """The changes as a text that ends in a line break."""
    match format:
        case "json":
            return _json(changes)
        case "markdown":
            return _markdown(changes)
        case _:
            return _text(changes)


def _groups(changes: Sequence[Change]) -> Iterator[tuple[str, list[Change]]]:
    """Those of the server by their level, and those of the Python packages, which follow from them."""
    for level, title in _TITLES.items():
        if listed := [change for change in changes if change.level == level and change.kind != "python"]:
            yield title, listed
    if listed := [change for change in changes if change.kind == "python"]:
        yield "Names and signatures in Python that are not as before", listed


def _text(changes: Sequence[Change]) -> str:
    lines: list[str] = []
    for title, listed in _groups(changes):
        lines.append(f"{title} ({len(listed)})")
        for change in listed:
            lines.append(f"  {one_line(change.line)}")
            lines += [f"      {one_line(change.names)}"] if change.names else []
    return "\n".join([*lines, _verdict(changes)]) + "\n"


def _markdown(changes: Sequence[Change]) -> str:
    lines: list[str] = []
    for title, listed in _groups(changes):
        lines += [f"### {title} ({len(listed)})", ""]
        lines += [f"- **{markdown(change.where)}**: {markdown(change.what)}{_quoted(change)}" for change in listed]
        lines.append("")
    return "\n".join([*lines, _verdict(changes)]) + "\n"


def _quoted(change: Change) -> str:
    names = [f"`{one_line(name).replace('`', '')}`" for name in (change.python, change.cli) if name]
    return f" — {', '.join(names)}" if names else ""


def _json(changes: Sequence[Change]) -> str:
    level = worst(changes)
    document = {
        "breaking": level == Level.BREAKING,
        "version_step": version_step(changes),
        "changes": [
            {
                "level": change.level.name.lower(),
                "kind": change.kind,
                "rule": change.rule,
                "where": change.where,
                "what": change.what,
                "python": change.python or None,
                "cli": change.cli or None,
            }
            for change in changes
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _verdict(changes: Sequence[Change]) -> str:
    if not changes:
        return "No difference."
    return f"Version step: {version_step(changes)}."
