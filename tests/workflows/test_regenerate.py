"""The server changes, two commands follow it, and nothing is written by hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("src", "generated", "openapi", "templates", "pyproject.toml")


class Checkout:
    """A copy of the project, whose code and generated code go before the installed ones."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__")
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=ignored)
            else:
                shutil.copy(source, root / part)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.root / "src"), str(self.root / "generated")])
        environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, *argv], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def module(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", *argv)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} does not say {old!r} any more"
        file.write_text(text.replace(old, new, 1))

    def files(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for folder in ("openapi", "generated")
            for file in sorted((self.root / folder).rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        }


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "project")


def spec_and_generate(checkout: Checkout) -> None:
    for command in (("cl_server", "spec", "openapi"), ("cl_codegen", "generate")):
        done = checkout.module(*command)
        assert done.returncode == 0, done.stderr


def test_what_is_committed_is_what_is_generated_and_twice_is_the_same(checkout: Checkout):
    before = checkout.files()
    spec_and_generate(checkout)
    first = checkout.files()
    assert first == before
    spec_and_generate(checkout)
    assert checkout.files() == first


def test_a_parameter_that_the_server_gains_is_in_the_method_and_on_the_command_line(checkout: Checkout):
    checkout.edit(
        "src/cl_ml_tools/plugins/hash/schema.py",
        "class HashParams(BaseJobParams):\n",
        "class HashParams(BaseJobParams):\n"
        '    rounds: int = Field(default=3, ge=1, le=9, description="How often the bytes are gone over.")\n',
    )
    assert checkout.module("cl_server", "spec", "--check", "openapi").returncode == 1
    spec_and_generate(checkout)
    method = checkout.run(
        "-c", "import inspect; from cl_plugins.hash import HashClient as C; print(inspect.signature(C.compute))"
    )
    assert "rounds: 'int | Unset'" in method.stdout
    bounds = checkout.run("-c", "from cl_plugins.hash import COMPUTE; COMPUTE.check(rounds=10)")
    assert "rounds is 10, and has to be at most 9" in bounds.stderr
    help_page = checkout.module("cl_client", "hash", "compute", "--help")
    assert "--rounds" in help_page.stdout
    assert "How often the bytes are gone over." in help_page.stdout


def test_one_character_in_generated_code_is_a_difference(checkout: Checkout):
    assert checkout.module("cl_codegen", "check").returncode == 0
    checkout.edit("generated/cl_plugins/hash.py", "Fingerprint", "fingerprint")
    check = checkout.module("cl_codegen", "check")
    assert check.returncode == 1
    assert "cl_plugins/hash.py" in check.stdout + check.stderr


def test_a_route_that_changes_without_regeneration_is_a_difference(checkout: Checkout):
    checkout.edit("src/cl_server/routes/jobs.py", '"/jobs/{job_id}"', '"/jobs/{job_id}/state"')
    check = checkout.module("cl_server", "spec", "--check", "openapi")
    assert check.returncode == 1
    assert "/state" in check.stdout + check.stderr
