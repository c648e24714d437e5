"""The Makefile installs what the locks say, whatever the index and the machine's pip have to offer."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fresh.newer_releases import write_newer_releases, write_wheel

MAKEFILE = Path(__file__).parents[2] / "Makefile"
BACKEND = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.fresh.newer_releases import write_wheel

def build_editable(folder, config_settings=None, metadata_directory=None):
    return write_wheel(Path(folder), "project", "1").name
"""


class Project:
    """A small project with our Makefile and locks of its own, and the folder that is its index."""

    def __init__(self, root: Path) -> None:
        self.root = root / "a project"
        self.index = root / "index"
        (self.root / "locks").mkdir(parents=True)
        self.index.mkdir()
        shutil.copy(MAKEFILE, self.root)
        (self.root / "backend.py").write_text(BACKEND.format(tests=str(MAKEFILE.parent)))
        (self.root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        self.lock("run", tool=["Requires-Dist: library[fast]>=1"], library=["Provides-Extra: fast"])
        self.lock("dev", extra_tool=["Requires-Dist: tool"])

    def lock(self, name: str, **libraries: list[str]) -> None:
        """A lock of libraries in version 1, with further lines of metadata for each."""
        lines: list[str] = []
        for library, metadata in libraries.items():
            wheel = write_wheel(self.index, library.replace("_", "-"), "1", *metadata)
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            lines.append(f"{library.replace('_', '-')}==1 \\\n    --hash=sha256:{digest}\n")
        (self.root / "locks" / f"{name}.txt").write_text("".join(lines))

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        places = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.index.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.run(
            ["make", f"PYTHON={sys.executable}", *words],
            cwd=self.root,
            env={**os.environ, **places, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self) -> Mapping[str, str]:
        """What is in the environment, without pip and setuptools."""
        asked = [self.root / ".venv" / "bin" / "python", "-m", "pip", "list", "--format=freeze"]
        listed = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        found = dict(line.split("==") for line in listed.splitlines() if "==" in line)
        return {name: version for name, version in found.items() if name not in ("pip", "setuptools")}


LOCKED = {"project": "1", "tool": "1", "library": "1", "extra-tool": "1"}


@pytest.fixture(scope="module")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python -m venv` makes, with the pip that came with this Python."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def bare_project(tmp_path: Path) -> Project:
    """Nobody has run `make` in it."""
    return Project(tmp_path)


@pytest.fixture
def project(bare_project: Project, new_environment: Path) -> Project:
    """Its environment is made, because that takes longest, and nothing is installed in it yet."""
    shutil.copytree(new_environment, bare_project.root / ".venv", symlinks=True)
    return bare_project


def test_a_newer_release_of_every_library_changes_nothing(project: Project, tmp_path: Path) -> None:
    write_newer_releases(project.root / "locks", tmp_path / "newer")
    for wheel in (tmp_path / "newer").iterdir():
        wheel.rename(project.index / wheel.name)
    ran = project.make("setup")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert project.installed() == LOCKED


def test_what_the_machine_tells_pip_about_versions_changes_nothing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("library<1\n")
    (tmp_path / "pip.conf").write_text(
        f"[global]\nconstraint = {tmp_path}/constraints.txt\nuser = true\nrequire-hashes = true\n"
    )
    ran = project.make("setup", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert project.installed() == LOCKED


def test_a_lock_that_lacks_something_is_named(project: Project) -> None:
    project.lock("dev", extra_tool=["Requires-Dist: forgotten"])
    ran = project.make("setup")
    assert ran.returncode != 0
    assert "extra-tool 1 requires forgotten, which is not installed." in ran.stdout


def test_a_file_that_is_not_the_one_of_the_lock_is_refused(project: Project) -> None:
    write_wheel(project.index, "tool", "1", "Summary: not the one that was locked")
    ran = project.make("setup")
    assert ran.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ran.stderr


def test_an_environment_that_was_made_by_half_is_made_anew(bare_project: Project) -> None:
    bin = bare_project.root / ".venv" / "bin"
    bin.mkdir(parents=True)
    (bin / "python").symlink_to("/no/such/python")
    ran = bare_project.make("setup")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert bare_project.installed() == LOCKED


def test_a_python_that_is_too_old_is_refused_in_one_line(bare_project: Project, tmp_path: Path) -> None:
    old = tmp_path / "a folder" / "fake-python"
    old.parent.mkdir()
    old.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 10, 13); exec(sys.argv[1])" "$2"\n'
    )
    old.chmod(0o755)
    ran = bare_project.make("demo", f"PYTHON={old}")
    assert ran.returncode != 0
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if not line.startswith("make")]
    assert said == [
        f"cl-client needs Python 3.11 or newer, and {old} is 3.10; with another one: make PYTHON=python3.12 demo"
    ]
    assert not (bare_project.root / ".venv").exists()


def test_a_python_that_is_not_there_is_said_in_one_line(bare_project: Project) -> None:
    ran = bare_project.make("demo", "PYTHON=python3.99")
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if not line.startswith("make")]
    assert said == ["cl-client needs Python 3.11 or newer, and there is no python3.99 here"]
