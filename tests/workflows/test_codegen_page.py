"""docs/codegen.md, run as it is written there: from a FastAPI app to an installed client and its command line."""

import os
import re
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.codegen_server.folders import ROOT
from tests.ports import free_port

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PORT = "8000"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A virtual environment that has what ours has, and pip that asks nobody."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # A path file may name folders; those of ours may hold path files themselves, which `addsitedir` reads.
    ours = [path for path in site.getsitepackages() if Path(path).is_dir()]
    (packages / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    path = os.pathsep.join([str(venv / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_CACHE_DIR": "1"}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **offline, **quiet, "PATH": path}


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """One bash for the whole page, which stops at the first command that fails and takes its children with it."""
    folder = tmp_path / "page"
    folder.mkdir()
    bash = subprocess.Popen(
        ["bash", "-e", "-o", "pipefail"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield bash
    assert bash.stdin
    bash.stdin.write("\nkill $(jobs -p)\n")
    bash.communicate(timeout=20)


def said_by(bash: subprocess.Popen[str], commands: str) -> str:
    assert bash.stdin
    assert bash.stdout
    bash.stdin.write(f"{commands}\necho the-end-of-the-block\n")
    bash.stdin.flush()
    lines: list[str] = []
    while (line := bash.stdout.readline()) != "the-end-of-the-block\n":
        assert line, f"{commands}\nfailed:\n{''.join(lines)}"
        lines.append(line)
    return "".join(lines)


def test_the_page_works_as_it_is_written(shell: subprocess.Popen[str], tmp_path: Path):
    # The port is the only word that is another: two runs of this test may be under way.
    page = (ROOT / "docs" / "codegen.md").read_text(encoding="utf-8").replace(PORT, str(free_port()))
    said = ""
    blocks = BLOCK.findall(page)
    assert len(blocks) > 10
    for language, title, text in blocks:
        if title:
            path = tmp_path / "page" / title
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif language == "bash":
            said = said_by(shell, text)
        else:
            assert said == text
