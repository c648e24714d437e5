"""The Pythons of this machine. Standard library only: `make fresh` runs it before anything is installed."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROJECT: Final = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
_CLASSIFIER: Final = "Programming Language :: Python :: "

KNOWN: Final = [
    classifier.removeprefix(_CLASSIFIER)
    for classifier in _PROJECT["project"]["classifiers"]
    if classifier.startswith(_CLASSIFIER)
]
"""The versions that the distribution says it is for, the oldest first. A newer one is tried too, and may fail."""

OLDEST: Final = (3, int(KNOWN[0].removeprefix("3.")))

_PYENV: Final = Path.home() / ".pyenv" / "versions"
_NEWEST_LOOKED_FOR: Final = 29


def find_pythons() -> dict[str, Path]:
    """An interpreter for each version that is here and new enough, from pyenv or PATH: the oldest version first."""
    found: dict[tuple[int, int], Path] = {}
    for python in _candidates():
        version = version_of(python)
        if version is not None and version >= OLDEST:
            found.setdefault(version, python)
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}


def find_old_pythons() -> list[Path]:
    """Those of pyenv that are too old for the distribution."""
    pythons = sorted(_PYENV.glob("*/bin/python"))
    return [python for python in pythons if (version := version_of(python)) is not None and version < OLDEST]


def version_of(python: Path) -> tuple[int, int] | None:
    """Its version; `None` where it does not run: pyenv leaves commands on PATH for versions that are not chosen."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    matched = re.fullmatch(r"(\d+)\.(\d+)", ran.stdout.strip())
    return (int(matched[1]), int(matched[2])) if matched is not None else None


def _candidates() -> Iterator[Path]:
    names = [f"python3.{minor}" for minor in range(OLDEST[1], _NEWEST_LOOKED_FOR)]
    for name in names:
        yield from sorted(_PYENV.glob(f"*/bin/{name}"))
    for name in names:
        if (found := shutil.which(name)) is not None:
            yield Path(found)
