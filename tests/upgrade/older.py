"""The first version as git has it: its packages in a folder, to be run by this Python with today's libraries."""

import io
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of 2026-11-22.
REVISION = "0dc84f0"


def is_known() -> bool:
    """Whether the history that came with this checkout goes back so far."""
    asked = ["git", "-C", str(ROOT), "cat-file", "-e", f"{REVISION}^{{commit}}"]
    try:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unpack(folder: Path) -> dict[str, str]:
    """Write its packages to a folder; the environment in which Python finds them first."""
    packed = ["git", "-C", str(ROOT), "archive", REVISION, "src", "generated", "pyproject.toml"]
    archive = subprocess.run(packed, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    # What is installed of a distribution is found by its name, and the first one on the path counts: ours has other
    # plugins, or the same ones elsewhere.
    installed = folder / "src" / "cl_client-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cl-client\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text(entry_points(folder / "pyproject.toml"))
    return {**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder / 'generated'}"}


def entry_points(project: Path) -> str:
    """The plugins of a `pyproject.toml`, as an installation has them."""
    groups: dict[str, dict[str, str]] = tomllib.loads(project.read_text())["project"]["entry-points"]
    lines = [[f"[{group}]", *(f"{name} = {target}" for name, target in of.items())] for group, of in groups.items()]
    return "\n".join(line for group in lines for line in group)


def run(program: Path, environment: dict[str, str], *arguments: str) -> str:
    """What a program of tests/upgrade says when the first version runs it."""
    done = subprocess.run(
        [sys.executable, str(program), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
