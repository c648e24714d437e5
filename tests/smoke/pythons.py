"""The Pythons of this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

VERSIONS: Final = ("3.11", "3.12", "3.13")
"""Those that the distribution is for."""

_PYENV: Final = Path.home() / ".pyenv" / "versions"


def find_pythons() -> dict[str, Path]:
    """An interpreter for each version that is here, from PATH or from pyenv."""
    return {version: python for version in VERSIONS if (python := _find(version)) is not None}


def _find(version: str) -> Path | None:
    return next((python for python in _candidates(version) if _is(python, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    yield from _PYENV.glob(f"{version}.*/bin/python{version}")
    if (found := shutil.which(f"python{version}")) is not None:
        yield Path(found)


def _is(python: Path, version: str) -> bool:
    """Whether it runs: pyenv leaves commands on PATH for versions that are not chosen."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return ran.stdout.strip() == version
