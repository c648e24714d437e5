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
from tests.pythons import KNOWN, find_old_pythons, find_pythons, version_of

FIRST_JOB = Path(__file__).with_name("first_job.py")


def said(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    """What a command prints. It has to succeed, without a word on stderr."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    assert not ran.stderr, f"{command}\n{ran.stderr}"
    return ran.stdout


def install(python: Path, distribution: Path, folder: Path) -> Path:
    """An environment with the distribution and what it depends on, by the pip of that Python. Gives its `bin`."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", distribution]
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


def try_out(python: Path, distribution: Path, server: dict[str, str]) -> None:
    """Install a distribution into a new environment, and run a job with it."""
    with tempfile.TemporaryDirectory(prefix="cl-smoke-") as name:
        photo = Path(name, "photo.jpg")
        photo.write_bytes(encoded(corners()))
        check(install(python, distribution, Path(name, "venv")), photo, server)


def check_hint(bin: Path, distribution: Path, folder: Path) -> None:
    """The command that the client gives for a server works, from any folder."""
    environment = {**os.environ, "HOME": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    wanted = [bin / "cl-client", "server", "up"]
    ran = subprocess.run(wanted, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    error, hint = ran.stderr.splitlines()
    assert "[server]" in error, ran.stderr
    assert distribution.as_uri() in hint, ran.stderr
    subprocess.run(
        hint.removeprefix("hint: "), shell=True, env=environment, cwd=folder, check=True, capture_output=True
    )
    said([bin / "cl-client", "demo", "--quiet"], {**environment, "PYTHONWARNINGS": "error"})


def check_refused(python: Path, distribution: Path, folder: Path) -> None:
    """A Python that is too old is what pip blames, and no library: also with an extra."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    for wanted in (str(distribution), f"{distribution}[server,ml,postgres,s3,keyring,codegen]"):
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted]
        ran = subprocess.run(pip, capture_output=True, text=True, check=False)
        errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR:")]
        assert len(errors) == 1, ran.stderr
        assert errors[0].startswith("ERROR: Package 'cl-client' requires a different Python"), ran.stderr


def main(folder: Path) -> int:
    """Try each distribution with each Python. Gives the exit code."""
    distributions = sorted(folder.iterdir())
    kinds = [distribution.suffix for distribution in distributions]
    assert kinds == [".whl", ".gz"] or kinds == [".gz", ".whl"], distributions
    pythons = find_pythons()
    if not pythons:
        print(f"none of Python {', '.join(KNOWN)} is here")
        return 1 if os.environ.get("CI") else 0
    with LocalStack(workers=1) as stack:
        for version, python in pythons.items():
            for distribution in distributions:
                began = time.monotonic()
                try:
                    try_out(python, distribution, stack.environment())
                except AssertionError as fault:
                    if version in KNOWN:
                        raise
                    print(f"Python {version} is newer than what this is for, and fails: {fault}", flush=True)
                else:
                    print(f"Python {version}: {distribution.name} works ({time.monotonic() - began:.1f} s)", flush=True)
    wheel = next(distribution for distribution in distributions if distribution.suffix == ".whl").absolute()
    with tempfile.TemporaryDirectory(prefix="cl-smoke-") as name:
        newest = next(python for version, python in reversed(pythons.items()) if version in KNOWN)
        check_hint(install(newest, wheel, Path(name, "venv")), wheel, Path(name))
        print("the command that adds a server works")
    if (old := {version_of(python): python for python in find_old_pythons()}).get((3, 10)) is not None:
        with tempfile.TemporaryDirectory(prefix="cl-smoke-") as name:
            check_refused(old[3, 10], wheel, Path(name, "venv"))
        print("Python 3.10 is refused in one line")
    missing = [version for version in KNOWN if version not in pythons]
    print(f"not here, and not tried: Python {', '.join(missing)}" if missing else "on all Pythons")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
