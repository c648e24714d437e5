"""`python -m tests.fresh [oldest | VERSION …]`: the commands of the README, as somebody meets them on a new machine.

For each Python: an empty HOME, no cache of pip, the pip that came with that Python, a clone in a folder whose path has
a space, and an index that has a newer release of every locked library. `oldest` takes the Python with the oldest pip.
Standard library only. Needs git, make and a package index.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fresh.newer_releases import write_newer_releases
from tests.pythons import KNOWN, find_old_pythons, find_pythons

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = (
    *("PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_INDEX_URL", "PIP_PROXY", "PIP_TRUSTED_HOST", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "CI"),
)
"""Of the caller's variables, those that say how this machine reaches an index, and `CI`."""


class Machine:
    """A home, a clone and an environment of variables that nothing was done in yet."""

    def __init__(self, folder: Path, commit: str) -> None:
        self.clone = folder / "a clone"
        self.faults: list[str] = []
        home, newer = folder / "home", folder / "newer"
        home.mkdir()
        write_newer_releases(ROOT / "locks", newer)
        subprocess.run(["git", "clone", "--quiet", ROOT, self.clone], check=True)
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=self.clone, check=True)
        self._environment = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": newer.as_uri(),
        }

    def run(self, *command: str | Path, fails: bool = False) -> list[str]:
        """The lines that a command prints, on whichever stream; a fault if it does not end as it should."""
        began = time.monotonic()
        first = 0.0
        lines: list[str] = []
        process = subprocess.Popen(
            command,
            cwd=self.clone,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                first = first or time.monotonic() - began
                lines.append(line.rstrip("\n"))
        seconds = time.monotonic() - began
        name = " ".join(Path(word).name if os.sep in str(word) else str(word) for word in command)
        print(f"  {name}: exit code {process.returncode}, {seconds:.1f} s, first word after {first:.1f} s", flush=True)
        self.expect((process.returncode != 0) is fails, f"{name}: exit code {process.returncode}", *lines[-15:])
        return lines

    def expect(self, holds: bool, *what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.faults.append("\n    ".join(what))


def try_python(machine: Machine, python: Path) -> None:
    """`make demo`, what it says to do next, and `make setup` with the suite's collection."""
    own = machine.clone / ".venv" / "bin" / "python"
    demo = machine.run("make", "demo", f"PYTHON={python}")
    machine.expect(
        bool(demo) and demo[0].startswith("Installing"), "make demo does not begin with what it does", *demo[:1]
    )
    machine.expect((machine.clone / "demo-output" / "photo.webp").is_file(), "make demo left no photo.webp")
    machine.expect("  make ml" in demo and _tells_left_out(demo, "hls_streaming"), "make demo names no plugin left out")
    machine.run("make", "ml")
    again = machine.run("make", "demo")
    machine.expect(not _tells_left_out(again, "hls_streaming"), "make ml did not bring hls_streaming")
    machine.run("make", "setup")
    if own.exists():
        pips = [machine.run(own, "-m", "pip", "--version")[0].split()[1], bundled_pip(python)]
        machine.expect(pips[0] == pips[1], f"pip {pips[0]} is not the one of this Python, {pips[1]}")
        machine.run(
            own, ROOT / "tests" / "fresh" / "installed_as_locked.py", "locks/run.txt", "locks/ml.txt", "locks/dev.txt"
        )
        machine.run(own, "-m", "pytest", "--collect-only", "--quiet", "-n", "0")


def _tells_left_out(lines: list[str], plugin: str) -> bool:
    text = "\n".join(lines)
    return plugin in text.partition("Plugins that were left out")[2]


def try_old_python(machine: Machine, python: Path) -> None:
    """It is refused in one line, and nothing is made."""
    said = machine.run("make", "demo", f"PYTHON={python}", fails=True)
    ours = [line for line in said if not line.startswith("make")]
    machine.expect(
        len(ours) == 1 and ours[0].startswith("cl-client needs Python 3.11"), f"{python} is not refused", *ours
    )
    machine.expect(not (machine.clone / ".venv").exists(), f"{python} left a .venv")


def bundled_pip(python: Path) -> str:
    """The version of the pip that an environment of this Python gets."""
    asked = [python, "-c", "import ensurepip; print(ensurepip.version())"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def choose(words: Sequence[str]) -> dict[str, Path]:
    """The Pythons that are asked for."""
    pythons = find_pythons()
    if list(words) == ["oldest"]:
        oldest = min(pythons, key=lambda version: [int(part) for part in bundled_pip(pythons[version]).split(".")])
        return {oldest: pythons[oldest]}
    absent = [word for word in words if word not in pythons]
    if absent:
        sys.exit(f"not here: Python {', '.join(absent)}")
    return {version: python for version, python in pythons.items() if not words or version in words}


def main() -> int:
    """Give 0 where everything is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fresh", description=__doc__)
    parser.add_argument("versions", nargs="*", help="such as 3.12; all that are here without any")
    parser.add_argument("--commit", default="HEAD", help="what to clone; changes that are not committed are not tried")
    options = parser.parse_args()
    pythons = choose(options.versions)
    faults: dict[str, list[str]] = {}
    for version, python in pythons.items():
        print(f"Python {version}, pip {bundled_pip(python)}", flush=True)
        with tempfile.TemporaryDirectory(prefix="cl fresh ") as name:
            machine = Machine(Path(name), options.commit)
            try_python(machine, python)
            faults[version] = machine.faults
    with tempfile.TemporaryDirectory(prefix="cl fresh ") as name:
        machine = Machine(Path(name), options.commit)
        for python in find_old_pythons():
            print(f"{python}, which is too old", flush=True)
            try_old_python(machine, python)
        faults["too old"] = machine.faults
    for version, found in faults.items():
        for fault in found:
            print(f"FAULT, Python {version}: {fault}")
    for version in [version for version in pythons if version not in KNOWN]:
        print(f"Python {version} is newer than what this is for: {len(faults.pop(version))} faults, which do not count")
    if not options.versions and (absent := [version for version in KNOWN if version not in pythons]):
        print(f"not here, and not tried: Python {', '.join(absent)}")
    failed = sum(1 for found in faults.values() if found)
    print(f"{len(faults) - failed} passed, {failed} failed")
    return 1 if failed or not pythons else 0


if __name__ == "__main__":
    sys.exit(main())
