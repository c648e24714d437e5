"""What an operation answers, as a command prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cl_client.wire.types import json_value

if TYPE_CHECKING:
    from cl_client.cli.output.console import Console


def show_item(console: Console, item: object) -> None:
    """Print one of many: JSON in one line."""
    console.text(json.dumps(json_value(item)))


def show(console: Console, answer: object) -> None:
    """Print an answer: JSON for programs and people alike, the path of what was saved, nothing for nothing."""
    if isinstance(answer, Path):
        console.result({"file": str(answer)}, [("saved", str(answer))], id=str(answer))
        return
    value = json_value(answer)
    if console.as_json or not isinstance(value, str | None):
        console.text(json.dumps(value, indent=None if console.as_json else 2, ensure_ascii=False))
    elif value:
        console.text(value)
