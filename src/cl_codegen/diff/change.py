"""One change between two specs, and what it means for users of the client."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from attrs import frozen


class Level(IntEnum):
    """How much a change asks of a user's code.

    Breaking: code that was right for the old server may fail, or mean something else. Compatible: it holds, and there
    is something that it does not use yet. Cosmetic: only what people read is different.
    """

    COSMETIC = 0
    COMPATIBLE = 1
    BREAKING = 2


STEPS: Final = {Level.BREAKING: "major", Level.COMPATIBLE: "minor", Level.COSMETIC: "patch"}
"""The step of the version that each level calls for (Semantic Versioning 2.0.0 §6-8)."""


@frozen
class Finding:
    """A difference between two schemas: where below them, and what."""

    level: Level
    place: tuple[str, ...]
    what: str
    rule: str


@frozen
class Change:
    """A change.

    Attributes:
        level: what it asks of a user's code.
        kind: `operation`, `parameter`, `response`, `schema`, `event` or `document`; `python` for a name or a signature
            of what is generated.
        where: the operation, with the parameter or the answer; or the schema, with the field.
        what: in words.
        python: what a user of the package writes there, if anything.
        cli: what a user of the command line writes there, if anything.
        rule: the name of the rule (`rules`) that gives the level.
    """

    level: Level
    kind: str
    where: str
    what: str
    python: str = ""
    cli: str = ""
    rule: str = ""

    @property
    def line(self) -> str:
        """Where and what, on one line."""
        return f"{self.where}: {self.what}"

    @property
    def names(self) -> str:
        """The names that a user sees."""
        return " · ".join(name for name in (self.python, self.cli) if name)


def worst(changes: Iterable[Change]) -> Level | None:
    """The level of the gravest change; nothing where there is no change."""
    return max((change.level for change in changes), default=None)


def version_step(changes: Iterable[Change]) -> str:
    """`major`, `minor`, `patch`, or `none`."""
    level = worst(changes)
    return "none" if level is None else STEPS[level]
