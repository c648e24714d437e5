"""The wall: generated code imports the names of `cl_client.runtime`, and the errors."""

import ast
import hashlib
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cl_client
from cl_client import runtime, sync
from cl_client.runtime import program
from cl_client.version import __version__
from tests.codegen_server.folders import ROOT

WALL = {"cl_client.runtime", "cl_client.runtime.program", "cl_client.errors"}
"""What generated code may import; twins of public classes import these by their public names, too."""


def typed(package: object) -> dict[str, str]:
    """The names that a type checker sees in a package that hands names out, and where they are from."""
    tree = ast.parse(Path(str(package.__file__)).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.asname or alias.name: node.module or ""
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("package", [cl_client, sync, runtime, program], ids=lambda one: one.__name__)
def test_what_type_checkers_see_is_what_is_handed_out(package):
    seen = typed(package)
    assert set(seen) | ({"__version__"} if package is cl_client else set()) == set(package.__all__)
    for name, home in seen.items():
        assert getattr(package, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def imports(text: str) -> Iterator[tuple[str, str]]:
    """(module, name) of what a module imports, also of one that is yet to be rendered."""
    for home, names in re.findall(r"^ *from (cl_client[a-z_.]*) import \(?([^\n]+)", text, re.MULTILINE):
        yield home, names
    for home in re.findall(r"^ *import (cl_client[a-z_.]*)", text, re.MULTILINE):
        yield home, ""


def test_generated_code_and_templates_import_nothing_else_of_the_client():
    for path in [*(ROOT / "templates").rglob("*.jinja"), *(ROOT / "generated").rglob("*.py")]:
        for home, names in imports(path.read_text("utf-8")):
            is_public = home == "cl_client" and path.is_relative_to(ROOT / "generated" / "cl_sync")
            assert home in WALL or is_public, f"{path}: {home} ({names})"


def test_every_room_of_the_client_is_before_the_wall_or_behind_it():
    """What `lint-imports` is told (pyproject.toml) is all that there is."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    wall = next(one for one in contracts if one["name"].startswith("the wall"))
    rooms = {f"cl_client.{found.name}" for found in pkgutil.iter_modules(cl_client.__path__)}
    behind = set(wall["forbidden_modules"]) - {"cl_client.runtime.*"}
    assert rooms - behind == {"cl_client.__main__", "cl_client.errors", "cl_client.runtime"}
    assert "ignore_imports" not in wall


def test_a_name_that_a_command_needs_costs_only_its_own_module():
    program = """
import sys
from cl_client.runtime import JobOptions, made_for
heavy = "asyncio httpx aiomqtt cl_client.job_client cl_client.wire.types cl_client.jobs.handle"
sys.exit(" ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_is_generated_of_ours_says_which_runtime_it_was_made_for():
    assert f"made_for({runtime.VERSION}, __name__)" in (ROOT / "generated/cl_api/__init__.py").read_text("utf-8")


def test_a_package_for_another_runtime_is_refused_in_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "OLDEST", 3)
    monkeypatch.setattr(runtime, "VERSION", 5)
    for fitting in (3, 4, 5):
        runtime.made_for(fitting, "my_client")
    told = f"my_client was made for runtime {{}}, and cl-client {__version__} has runtime 3 to 5: "
    with pytest.raises(ImportError) as older:
        runtime.made_for(2, "my_client")
    assert str(older.value) == f"{told.format(2)}generate the package again with `cl-codegen generate`"
    with pytest.raises(ImportError) as newer:
        runtime.made_for(6, "my_client")
    assert str(newer.value) == (
        f"{told.format(6)}install a newer cl-client, or generate the package again with `cl-codegen generate`"
    )


def test_whoever_changes_the_names_of_the_runtime_raises_its_version():
    """A package that needs a new name has to be refused by a client without it."""
    names = " ".join([*sorted(runtime.__all__), *sorted(program.__all__)])
    known = (runtime.VERSION, hashlib.sha256(names.encode()).hexdigest()[:12])
    assert known == (4, "6cc6a7e72b24"), "raise VERSION (and OLDEST, if a name is gone), and put the new pair here"
