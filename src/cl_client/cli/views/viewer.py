"""How the result of a job is shown to people, and what is drawn beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from cl_client.cli.output.console import Console, Row

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job
    from cl_client.wire.types import JSONObject, JSONValue

Output = TypeVar("Output")

_MANY: Final = 6
"""A longer list of numbers is shortened to its first ones."""
_LONG: Final = 60
"""Characters of JSON that are read still."""


class Viewer:
    """Shows an output as it comes; the base of those that know more of it.

    In a pipe or a file, values are JSON and whole; on a terminal, long values are shortened.
    """

    makes_pictures: ClassVar[bool] = False
    """Whether the artifact is a picture."""

    def __init__(self, console: Console) -> None:
        self.console: Console = console
        self.check_drawing: Callable[[Path], None] = lambda _: None
        """Raises where something must not be drawn into a file."""

    def check(self, *, many: bool, kept: bool) -> None:
        """Say before anything is sent what cannot be done.

        Args:
            many: whether it is about several files.
            kept: whether their results are kept.

        Raises:
            InvalidParameterError: options that make no sense together.
            ComputeClientError: a library is missing.
        """

    def rows(self, output: JSONObject) -> list[Row]:
        """The output as lines."""
        brief = self.console.seen
        return [
            (name, brief_text(value) if brief else plain_text(value))
            for name, value in output.items()
            if value is not None
        ]

    async def draw(self, job: Job[Output], source: Path | None, stem: Path) -> list[Path]:
        """Write what is drawn of a result.

        Args:
            job: completed.
            source: the file that it was about.
            stem: of the names that the pictures get.

        Raises:
            ComputeClientError: it cannot be drawn, or not be written.
        """
        return []

    async def show(self, job: Job[Output], saved: list[Path]) -> None:
        """Show what can be seen, of a result that is saved or not."""


class TableViewer(Viewer):
    """A line for each field, also of the objects in the output; none is longer than the terminal."""

    def rows(self, output: JSONObject) -> list[Row]:
        if not self.console.seen:
            return super().rows(output)
        found: list[Row] = []
        for name, value in sorted(output.items(), key=lambda field: isinstance(field[1], dict)):
            if isinstance(value, dict) and value:
                found.append((name, ""))
                found += [(f"  {field}", brief_text(inner)) for field, inner in value.items() if inner is not None]
            elif value is not None:
                found.append((name, brief_text(value)))
        room = shutil.get_terminal_size().columns - max((len(name) for name, _ in found), default=0) - 2
        return [(name, value if len(value) <= room else f"{value[: max(room - 1, 8)]}…") for name, value in found]


def plain_text(value: JSONValue) -> str:
    """A value for the next program: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def brief_text(value: JSONValue) -> str:
    """A short text for a value: the first numbers of a vector, the length of a long value."""
    text = plain_text(value)
    if isinstance(value, list) and len(value) >= _MANY and all(isinstance(one, int | float) for one in value):
        return f"[{', '.join(f'{one:.4g}' for one in value[:3])}, …] {len(value)} numbers"
    if isinstance(value, list | dict) and len(text) > _LONG:
        return f"{len(value)} of them (--json shows all)"
    return text
