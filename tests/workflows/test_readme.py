"""What the README says works as it is written there."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cl_server.embedded import LocalStack
from tests.accounts import USER, Accounts
from tests.media.photo import corners, encoded

README = (Path(__file__).parents[2] / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photo.jpg").write_bytes(encoded(corners(), orientation=6))
    (tmp_path / "notes.txt").write_text("no image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", blocks("python"))
def test_python(
    folder: Path,
    code: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
):
    if "SessionManager" in code:
        accounts: Accounts = request.getfixturevalue("accounts")
        login = {"CL_USERNAME": USER, "CL_PASSWORD": accounts.passwords[USER]}
        for name, value in {**accounts.stack.environment(), **login, "XDG_STATE_HOME": str(folder)}.items():
            monkeypatch.setenv(name, value)
    names: dict[str, object] = {}
    source = "async def example():\n" + textwrap.indent(code, "    ")
    exec(compile(source, "README.md", "exec"), names)
    example = names["example"]
    assert callable(example)
    asyncio.run(example())
    printed = capsys.readouterr().out
    for said in re.findall(r"print\(error\)  # (.+)$", code, re.MULTILINE):
        assert re.search(".*".join(re.escape(part.strip()) for part in said.split("…")), printed), printed


def test_shell(folder: Path, local_stack: LocalStack):
    environment = {**os.environ, **local_stack.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    for line in blocks("sh")[0].splitlines():
        ran = subprocess.run(
            shlex.split(line), env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{line}: {ran.stderr}"
    assert (folder / "photo.webp").read_bytes()[8:12] == b"WEBP"
    assert (folder / "thumbnail.jpg").exists()
    (folder / "thumbnail.jpg").unlink()
    ran = subprocess.run(
        ["bash", "-ec", blocks("sh")[1]], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert (folder / "thumbnails" / "photo.jpg").exists()
    assert (folder / "converted" / "photo.png").exists()


def test_profiles_and_completion(folder: Path, local_stack: LocalStack):
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "-ec", blocks("sh")[2]],
        env={**os.environ, **local_stack.environment(), **home, **path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "https://gpu.example:8002" in (folder / "cl-client" / "config.toml").read_text()
    assert "installed: " in ran.stdout


def test_make_prints_the_targets_that_are_named():
    targets = subprocess.run(
        ["make", "help"], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    for target in set(re.findall(r"`make ([a-z]+)`", README)):
        assert f"make {target} " in targets.stdout
