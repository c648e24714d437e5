"""Streams that are closed, full, or lead to somebody who has enough: the work is done, or one line says why not."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import CL_CLIENT, Ran

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="there is no /dev/full")

Shell = Callable[[str], Ran]

HASH = "hash compute notes.txt --algorithm md5"
COMMANDS = [HASH, "--help", "hash --help", "--version", "config show"]


@pytest.fixture
def shell(addresses: None, tmp_path: Path) -> Shell:
    """Runs a command line as a shell does, with its redirections."""
    (tmp_path / "notes.txt").write_text("hello")

    def run(line: str) -> Ran:
        ran = subprocess.run(
            ["sh", "-c", f"{CL_CLIENT} {line}"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_is_full_is_one_line_and_a_failure(shell: Shell, command: str):
    assert shell(f"{command} >/dev/full") == Ran(1, "", "error: cannot write the output: No space left on device\n")


@pytest.mark.parametrize(("command", "closed"), [(HASH, ">&-"), (HASH, "<&- >&- 2>&-"), ("--help", ">&- 2>&-")])
def test_an_output_that_is_closed_is_not_missed(shell: Shell, command: str, closed: str):
    assert shell(f"{command} {closed}") == Ran(0, "", "")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_whatever_becomes_of_the_other_streams_the_result_is_there(shell: Shell, closed: str):
    ran = shell(f"{HASH} --watch <&- {closed}")
    assert ran.code == 0
    assert "md5: 5d41402abc4b2a76b9719d911017c592" in ran.out


@pytest.mark.parametrize("closed", ["2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_the_exit_code_of_an_error_is_the_same(shell: Shell, closed: str):
    assert shell(f"hash compute nothing.txt {closed}").code == 2


@pytest.mark.parametrize("command", [HASH, "--help"])
def test_who_reads_no_more_is_no_fault(shell: Shell, command: str):
    assert shell(f"{command} | true").err == ""
