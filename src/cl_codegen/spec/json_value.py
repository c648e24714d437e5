"""JSON values, the pointers into them (RFC 6901), and the error that names a place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias, cast

from cl_codegen.text.escape import one_line

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"
JSONObject: TypeAlias = dict[str, JSONValue]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The operations that a path may have, and a webhook."""


class SpecError(Exception):
    """A spec, or a manifest for it, that nothing can be generated from.

    Attributes:
        source: the file.
        place: a JSON pointer into it (a spec), or a line (`line 12`, a manifest).
        expected: what should be there, or what is wrong, in words.
    """

    def __init__(self, source: Path | str, place: str, expected: str) -> None:
        # It quotes the spec, and is shown in a terminal.
        super().__init__(one_line(f"{source}: {place}: {expected}"))
        self.source: str = str(source)
        self.place: str = place
        self.expected: str = expected


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} isn't JSON (RFC 8259 §6)")


def escape_pointer(key: str) -> str:
    """One step of a JSON pointer (RFC 6901 §3)."""
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key


def unescape_pointer(step: str) -> str:
    """The key that a step of a JSON pointer means (RFC 6901 §4)."""
    return step.replace("~1", "/").replace("~0", "~")


def read_json(source: Path | str, text: str) -> JSONValue:
    """The value of a JSON text.

    Raises:
        SpecError: it is not JSON; the place is the line.
    """
    try:
        return cast("JSONValue", json.loads(text, parse_constant=_refuse_constant))
    except json.JSONDecodeError as broken:
        raise SpecError(source, f"line {broken.lineno}, column {broken.colno}", f"not JSON: {broken.msg}") from None
    except (ValueError, RecursionError) as unreadable:
        raise SpecError(source, "#", f"cannot be read: {unreadable}") from None
