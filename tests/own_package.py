"""A package that is generated from the spec and the manifest of our own server, as from those of any other."""

import fcntl
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cl_codegen.generate import PackageSources, generate

NAME = "own_client"
ROOT = Path(__file__).parents[1]


def importable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Generate it, once for all processes of a test run, and have it found by `import`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / NAME
    with (folder.parent / f"{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            openapi = ROOT / "openapi"
            generate(
                PackageSources(openapi / "compute.json", openapi / "plugins.toml", ROOT / "templates", NAME), folder
            )
    sys.path.insert(0, str(folder / "src"))


def module(name: str) -> ModuleType:
    """A module of the package."""
    return importlib.import_module(f"{NAME}.{name}")
