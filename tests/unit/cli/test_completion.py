"""Completion as the shells have it: each script is read by its own shell, where that is on this machine."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from cyclopts import App

from cl_client.cli.main import main
from tests.conftest import absent

Capture = pytest.CaptureFixture[str]

# What one types, up to the cursor: the last word is the one to complete.
CASES = [
    (["ha"], {"hash"}),
    (["jobs", "wa"], {"watch", "wait"}),
    (["--json", "hash", "c"], {"compute"}),
    (["hash", "compute", "--algo"], {"--algorithm"}),
    (["hash", "compute", "--algorithm", "ph"], {"phash"}),
    (["media-thumbnail", "generate", "--he"], {"--height", "--help"}),
    (["image-conversion", "convert", "--format", "w"], {"webp"}),
    (["completion", "z"], {"zsh"}),
    (["config", "--pro"], {"--profile"}),
    (["user", "create", "--adm"], {"--admin"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Iterator[dict[str, str]]:
    """What cyclopts has made, by shell: that takes a second, and it is the same wherever the script goes."""
    made: dict[str, str] = {}
    real = App.generate_completion

    def generate(app: App, *, shell: Literal["bash", "zsh", "fish"]) -> str:
        if shell not in made:
            made[shell] = real(app, shell=shell)
        return made[shell]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "generate_completion", generate)
        yield made


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What `cl-client completion` has printed, by shell."""
    return {}


def printed(shell: str, said: dict[str, str], capsys: Capture) -> str:
    if shell not in said:
        assert main(["completion", shell, "--json"]) == 0
        said[shell], err = capsys.readouterr()
        assert err == ""
    return said[shell]


@pytest.fixture
def script(folder: Path, said: dict[str, str], request: pytest.FixtureRequest, capsys: Capture) -> Path:
    """The script of a shell that is here."""
    shell = str(request.param)
    if shutil.which(shell) is None:
        absent(shell)
    path = folder / shell
    path.write_text(json.loads(printed(shell, said, capsys))["script"])
    return path


def ran(*argv: str, folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(("words", "expected"), CASES)
def test_bash_completes(script: Path, words: list[str], expected: set[str]):
    program = """
source "$0"
COMP_WORDS=(cl-client "$@") COMP_CWORD=$#
_cl_client
printf '%s\\n' "${COMPREPLY[@]}"
complete -p cl-client >/dev/null
"""
    found = ran("bash", "--norc", "-c", program, str(script), *words, folder=script.parent)
    assert set(found.split()) == expected


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_the_names_of_files(script: Path, folder: Path):
    (folder / "photo.jpg").touch()
    program = 'source "$0"; COMP_WORDS=(cl-client hash compute ph); COMP_CWORD=3; _cl_client; echo "${COMPREPLY[@]}"'
    assert ran("bash", "--norc", "-c", program, str(script), folder=folder) == "photo.jpg\n"


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize("typed", ["My", "'My P", "My\\ P"])
def test_bash_completes_a_name_with_spaces_as_one(script: Path, folder: Path, typed: str):
    (folder / "My Photo *.jpg").touch()
    program = """
source "$0"; COMP_WORDS=(cl-client hash compute "$1"); COMP_CWORD=3; _cl_client; printf '%s|' "${COMPREPLY[@]}"
"""
    assert ran("bash", "--norc", "-c", program, str(script), typed, folder=folder) == "My Photo *.jpg|"


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
@pytest.mark.parametrize("first", ["", "autoload -Uz compinit; compinit -u -D; "])
def test_zsh_has_the_completion_once_the_script_is_read(script: Path, folder: Path, first: str):
    program = f'{first}source {script}; print -r -- "$_comps[cl-client]"; whence -w $_comps[cl-client]'
    found = ran("zsh", "-f", "-c", program, folder=folder)
    assert found == "_cyclopts_cl-client\n_cyclopts_cl-client: function\n"


@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_completes(script: Path):
    for words, expected in CASES:
        program = f"source {script}; complete -C 'cl-client {' '.join(words)}'"
        found = ran("fish", "--no-config", "-c", program, folder=script.parent)
        assert {line.split("\t")[0] for line in found.splitlines()} == expected


@pytest.mark.parametrize("script", ["zsh", "fish"], indirect=True)
def test_the_other_shells_read_their_script(script: Path):
    ran(script.name, "-n", str(script), folder=script.parent)


@pytest.mark.parametrize(("shell", "start"), [("zsh", "#compdef cl-client"), ("fish", "# Fish completion")])
def test_each_shell_has_a_script_of_its_own(capsys: Capture, said: dict[str, str], shell: str, start: str):
    record = json.loads(printed(shell, said, capsys))
    assert record["shell"] == shell
    assert record["script"].startswith(start)
    assert "media-thumbnail" in record["script"]


def test_help_is_the_plain_text_that_it_is(capsys: Capture, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str]):
    scripts.pop("zsh", None)
    # To read it as Markdown takes longer than all the rest, and would lose what Markdown has a meaning for.
    monkeypatch.setitem(sys.modules, "rich.markdown", None)
    assert main(["completion", "zsh"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("#compdef cl-client")
    assert "mqtt\\://USER\\:PASSWORD@HOST\\:PORT" in out


def test_it_is_installed_for_this_user(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bashrc").write_text("alias l=ls\n")
    assert main(["completion", "bash", "--install", "-q"]) == 0
    path = tmp_path / ".local/share/bash-completion/completions/cl-client"
    assert capsys.readouterr().out == f"{path}\n"
    assert "complete -F _cl_client cl-client" in path.read_text()
    assert (tmp_path / ".bashrc").read_text().splitlines() == [
        "alias l=ls", "# Load cl-client completion", f'[ -f "{path}" ] && . "{path}"'
    ]  # fmt: skip


@pytest.mark.parametrize(("rc", "told"), [("", True), ("autoload -Uz compinit; compinit\n", False)])
def test_a_zsh_that_completes_nothing_is_told_how(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rc: str, told: bool
):
    for name in ("ZSH", "ZSH_CUSTOM", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".zshrc").write_text(rc)
    assert main(["completion", "zsh", "--install"]) == 0
    out, err = capsys.readouterr()
    assert "compdef _cyclopts_cl-client cl-client" in Path(out.split()[-1]).read_text()
    assert ("hint: zsh completes nothing yet" in err) is told


def test_where_it_cannot_be_installed_there_is_another_way(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".local").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["completion", "bash", "--install"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: cannot install it: ")
    assert "hint: print it, and save it anywhere: cl-client completion bash" in err


@pytest.mark.parametrize("arguments", [[], ["tcsh"]])
def test_a_shell_has_to_be_named(capsys: Capture, arguments: list[str]):
    assert main(["completion", *arguments]) == 2
    assert "hint: cl-client completion --help" in capsys.readouterr().err
