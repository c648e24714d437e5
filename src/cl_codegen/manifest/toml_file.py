"""The file of a manifest, before anything is made of its tables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import cast

from cl_codegen.spec.spec import SpecError


def read_tables(path: Path) -> tuple[str, dict[str, object]]:
    """The text of a manifest, and its tables; nothing of both, where there is no file.

    Raises:
        SpecError: it is not TOML. The place is the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "", {}
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SpecError(path, "line 1", f"cannot be read: {unreadable}") from None
    try:
        return text, cast("dict[str, object]", tomllib.loads(text))
    except tomllib.TOMLDecodeError as broken:
        message = str(broken)
        line = re.search(r"at line (\d+)", message)
        where = f"line {line[1]}" if line else f"line {text.count(chr(10)) + 1}"
        raise SpecError(path, where, f"not TOML: {message}") from None
