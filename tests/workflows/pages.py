"""The pages that people read, and the code in them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from cl_client.cli.main import main

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# These are run by tests of their own: `test_codegen_page.py`, `test_scale_docs.py`.
ELSEWHERE = {"docs/codegen.md", "docs/scale.md"}
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
# Nothing that a shell would do anything with.
PLAIN = re.compile(r"(?:cl-client [\w./ -]+\n)+")


@frozen
class Block:
    """A block of code: `python` and `sh` are run, `console` is shown."""

    language: str
    code: str

    @property
    def needs_login(self) -> bool:
        return any(word in self.code for word in ("SessionManager", "CL_USERNAME"))

    def run(self) -> None:
        """Run it here and now; what it prints goes to stdout, unless it needs a shell."""
        if self.language == "python":
            run_python(self.code, {})
        elif self.language == "sh":
            run_shell(self.code)


@frozen
class Page:
    """A page of Markdown, by its path in the project."""

    path: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [Block(language, code) for language, code in BLOCK.findall(self.text)]


def written() -> list[Page]:
    """The pages whose code is run here; those of tests/ have none but commands that are shown."""
    tests = [ROOT / "tests" / "README.md", ROOT / "tests" / "media" / "MEDIA_SETUP.md"]
    guides = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    files = [ROOT / "README.md", *guides, *tests, *sorted((ROOT / "docs").rglob("*.md"))]
    pages = [Page(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in files]
    return [page for page in pages if page.path not in ELSEWHERE]


def run_python(code: str, names: dict[str, object]) -> dict[str, object]:
    """Run code as a file. Returns the names that it leaves."""
    exec(compile(code, "a page", "exec"), names)
    return names


def run_shell(code: str) -> None:
    """Run commands, the first that fails being the end of them. In this process, where there is nothing for a shell."""
    if PLAIN.fullmatch(code):
        for line in code.splitlines():
            assert main(shlex.split(line)[1:]) == 0, line
        return
    ran = subprocess.run(
        ["bash", "-euc", code],
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{code}\n{ran.stderr}"
