"""`python -m tests.smoke FOLDER`: the wheel and the sdist in it, each in an empty environment of each Python.

Needs what pip needs: a package index, or its cache.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cl_client import __version__
from cl_server.embedded import LocalStack
from tests.media.photo import corners, encoded
from tests.smoke.pythons import VERSIONS, find_pythons

FIRST_JOB = Path(__file__).with_name("first_job.py")


def said(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    """What a command prints. It has to succeed, without a word on stderr."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    assert not ran.stderr, f"{command}\n{ran.stderr}"
    return ran.stdout


def install(python: Path, distribution: Path, folder: Path) -> Path:
    """An environment with the distribution and what it depends on, and nothing else. Gives its `bin`."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", distribution]
    ran = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
    return folder / "bin"


def check(bin: Path, photo: Path, server: dict[str, str]) -> None:
    """What somebody does first: look, ask for help, run a job."""
    environment = {"PATH": os.defpath, "HOME": str(photo.parent), "PYTHONWARNINGS": "error", **server}
    python, command = bin / "python", bin / "cl-client"
    assert said([python, "-c", "import cl_client; print(cl_client.__version__)"], environment).strip() == __version__
    assert said([command, "--version"], environment).strip() == __version__
    assert "media-thumbnail" in said([command, "--help"], environment)
    assert said([command, "--quiet", "hash", "compute", photo], environment).strip()
    said([python, FIRST_JOB, photo], environment)


def main(folder: Path) -> int:
    """Try each distribution with each Python. Gives the exit code."""
    distributions = sorted(folder.iterdir())
    kinds = [distribution.suffix for distribution in distributions]
    assert kinds == [".whl", ".gz"] or kinds == [".gz", ".whl"], distributions
    pythons = find_pythons()
    if not pythons:
        print(f"none of Python {', '.join(VERSIONS)} is here")
        return 1 if os.environ.get("CI") else 0
    with LocalStack(workers=1) as stack:
        for version, python in pythons.items():
            for distribution in distributions:
                began = time.monotonic()
                with tempfile.TemporaryDirectory(prefix="cl-smoke-") as name:
                    photo = Path(name, "photo.jpg")
                    photo.write_bytes(encoded(corners()))
                    check(install(python, distribution, Path(name, "venv")), photo, stack.environment())
                print(f"Python {version}: {distribution.name} works ({time.monotonic() - began:.1f} s)", flush=True)
    missing = [version for version in VERSIONS if version not in pythons]
    print(f"not here, and not tried: Python {', '.join(missing)}" if missing else "on all Pythons")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
