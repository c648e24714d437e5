"""A copy of the project, to change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("src", "generated", "openapi", "templates", "pyproject.toml")


class Checkout:
    """A copy of the project, whose code and generated code go before the installed ones.

    What Python compiled of the original is good for the copy too: the sources keep their times.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part)
            else:
                shutil.copy(source, root / part)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.root / "src"), str(self.root / "generated")])
        return {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1"}

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *argv],
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def module(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", *argv, **environment)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} does not say {old!r} any more"
        file.write_text(text.replace(old, new, 1))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def files(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for folder in ("openapi", "generated")
            for file in sorted((self.root / folder).rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        }
