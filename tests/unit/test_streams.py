"""What the other two programs do where stdout is closed or full; `cl-client` has tests of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = {"cl_codegen": ["--help"], "cl_server": ["spec"]}


def run(program: str, redirected: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [*COMMANDS[program], *([str(folder)] if program == "cl_server" else [])]
    command = ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("program", COMMANDS)
def test_an_output_that_gets_nowhere_is_one_line_and_status_2(program: str, tmp_path: Path) -> None:
    ran = run(program, ">/dev/full", tmp_path)
    assert (ran.returncode, ran.stderr) == (2, "error: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("program", COMMANDS)
def test_closed_streams_are_no_trouble(program: str, tmp_path: Path) -> None:
    ran = run(program, "<&- >&-", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
