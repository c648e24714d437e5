"""What people type is understood in the words of the commands."""

from pathlib import Path

import pytest

from cl_client.cli.main import main
from cl_client.cli.words import in_full, with_streams
from cl_client.runtime.place import STANDARD
from cl_client.version import __version__

COMMANDS = {"hash": ["compute"], "jobs": ["list", "get"], "user": ["list", "create"], "download": [], "login": []}


def full(line: str) -> str:
    return " ".join(in_full(line.split(), list(COMMANDS), lambda group: COMMANDS.get(group, [])))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("version", "--version"),
        ("--json version", "--json --version"),
        ("help", "--help"),
        ("help hash compute", "hash compute --help"),
        ("ls", "jobs list"),
        ("-q ls --limit 3", "-q jobs list --limit 3"),
        ("user ls", "user list"),
        ("hash photo.jpg", "hash compute photo.jpg"),
        ("--json hash --algorithm md5 a/b", "--json hash compute --algorithm md5 a/b"),
        ("hash -", "hash compute -"),
        ("hash *.jpg", "hash compute *.jpg"),
        ("hash https://host/a", "hash compute https://host/a"),
    ],
)
def test_a_short_form_stands_for_a_command(typed: str, meant: str):
    assert full(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "", "--json", "hash", "hash compute a.jpg", "hash compte a.jpg", "hash nothing", "hash --help", "jobs a.jpg",
        "download ls", "login a.b", "hsh a.jpg", "version now", "hash -- a.jpg",
    ],
)  # fmt: skip
def test_everything_else_stays_as_it_was_typed(typed: str):
    assert full(typed) == typed


def test_a_file_that_is_there_needs_no_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo").touch()
    assert full("hash photo") == "hash compute photo"


def test_a_program_with_a_command_of_that_name_keeps_it():
    assert in_full(["ls"], ["ls", "jobs"], lambda _: []) == ["ls"]


def test_a_dash_is_a_stream_but_where_it_reads_a_password():
    typed = ["--password", "-", "hash", "compute", "-", "-o", "-", "--", "-"]
    assert with_streams(typed) == f"--password - hash compute {STANDARD} -o {STANDARD} -- -".split()


def test_the_command_line_knows_them(capsys: pytest.CaptureFixture[str]):
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    assert main(["help", "jobs", "list"]) == 0
    assert capsys.readouterr().out.startswith("Usage: cl-client jobs list ")
    assert main(["hash", "missing.jpg", "--jsn"]) == 2
    assert "Unknown option: --jsn. Did you mean --json?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["jobs", "get", "-"], ["hash", "compute", "a", "--output-dir", "-"]])
def test_a_dash_where_no_file_goes_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]):
    assert main(words) == 2
    assert "- means stdin or stdout, and neither is possible here" in capsys.readouterr().err
