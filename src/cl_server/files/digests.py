"""The SHA-256 of the files in a folder, recorded when they are written.

Clients verify downloads against what was written, not against what the disk returns, and no file is read for it. The
format is that of sha256sum(1): `sha256sum --check .sha256` checks a folder by hand.
"""

import re
from collections.abc import Iterable
from pathlib import Path

NAME = ".sha256"

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>.+)")


def note(folder: Path, digests: Iterable[tuple[str, str]]) -> None:
    """Add files, each as its path relative to the folder and its SHA-256 in hexadecimal."""
    # sha256sum escapes these. Files with such names are read when a digest is requested.
    lines = [f"{digest}  {path}\n" for path, digest in digests if not re.search(r"[\\\r\n]", path)]
    if lines:
        with (folder / NAME).open("a", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.writelines(lines)


def noted(folder: Path) -> dict[str, str]:
    """The files that were noted, by their path relative to the folder."""
    try:
        text = (folder / NAME).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return {}
    return {found["path"]: found["digest"] for line in text.split("\n") if (found := _LINE.fullmatch(line))}
