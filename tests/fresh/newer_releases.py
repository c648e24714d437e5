"""A folder of releases that are newer than those of the locks: what an index has tomorrow."""

import re
import zipfile
from pathlib import Path
from typing import Final

VERSION: Final = "9999"


def locked_names(locks: Path) -> set[str]:
    """Every library that a lock of the folder names."""
    texts = [lock.read_text(encoding="utf-8") for lock in locks.glob("*.txt")]
    return {name for text in texts for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def write_wheel(folder: Path, name: str, version: str, *lines: str) -> Path:
    """A wheel with nothing in it.

    Args:
        lines: further lines of its metadata, such as `Requires-Dist: attrs`.
    """
    stem = f"{re.sub(r'[-_.]+', '_', name)}-{version}"
    info = f"{stem}.dist-info"
    members = {
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member, content)
    return path


def write_newer_releases(locks: Path, folder: Path) -> None:
    """A newer release of each locked library, for `PIP_FIND_LINKS`."""
    folder.mkdir()
    for name in locked_names(locks):
        write_wheel(folder, name, VERSION)
