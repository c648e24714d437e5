"""A process is known by its number and its beginning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cl_server.stack import process_id
from cl_server.stack.process_id import ProcessId
from tests.conftest import absent


@pytest.fixture(params=["proc", "ps"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Linux, or one without /proc."""
    if request.param == "ps":
        if not Path("/bin/ps").exists():
            absent("ps")
        monkeypatch.setattr(process_id, "PROC", tmp_path)
    return str(request.param)


def test_a_process_that_has_ended_is_none_even_before_its_parent_has_read_it(system: str):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = ProcessId.of(child.pid)
    assert found is not None
    assert found.is_alive()
    assert ProcessId.parse(str(found)) == found
    assert ProcessId.of(os.getpid()) not in (None, found)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessId.of(child.pid) is None
    child.communicate()
    assert not found.is_alive()


def test_a_signal_for_who_had_the_number_before_reaches_nobody():
    ProcessId(os.getpid(), "long ago").send(9)


@pytest.mark.parametrize("text", ["", "12", "x 3", "-1 5"])
def test_what_is_no_process_is_none(text: str):
    assert ProcessId.parse(text) is None
