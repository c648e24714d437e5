"""Ctrl-C stops what is here, and says what keeps running there."""

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from cl_server.embedded import LocalStack
from cl_server.stack.supervisor import wait_until
from tests.integration.cli.conftest import CL_CLIENT
from tests.media.photo import photo, write


@pytest.fixture
def waiting(idle_stack: LocalStack, tmp_path: Path):
    """A command that waits for a job which nobody does."""
    write(tmp_path / "photo.jpg", photo(200, 150))

    def start(*options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [CL_CLIENT, "hash", "compute", "photo.jpg", *options],
            cwd=tmp_path,
            env={**os.environ, **idle_stack.environment(), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_wait_says_in_one_line_how_to_come_back(waiting, sent: signal.Signals, code: int):
    command = waiting("--watch")
    assert command.stderr is not None
    told = [command.stderr.readline()]
    while "queued" not in told[-1]:
        told.append(command.stderr.readline())
    command.send_signal(sent)
    out, err = command.communicate(timeout=20)
    assert command.returncode == code
    assert out == ""
    (line,) = err.splitlines()
    assert "keeps running" in line
    assert "cl-client jobs watch " in line


def test_a_wait_with_a_timeout_ends_and_names_the_job(waiting):
    out, err = waiting("--timeout", "0.5").communicate(timeout=20)
    error, hint = err.splitlines()
    assert out == ""
    assert "still queued after 0.5 s; it keeps running" in error
    assert hint.startswith("hint: ")
    assert "cl-client jobs wait " in hint


def test_a_reader_that_has_enough_is_no_mishap(waiting):
    """As `cl-client … | head -0`: the reading end is closed before anything is written."""
    command = waiting("--no-wait")
    assert command.stdout is not None
    command.stdout.close()
    assert command.stderr is not None
    assert command.stderr.read() == ""
    assert command.wait(30) == 1
    command.stderr.close()


def test_ctrl_c_during_a_download_leaves_nothing_behind(waiting, idle_stack: LocalStack, tmp_path: Path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    job = waiting("--no-wait", "-q").communicate(timeout=20)[0].strip()
    big = idle_stack.data / "jobs" / job / "output"
    big.mkdir(parents=True, exist_ok=True)
    with (big / "big.bin").open("wb") as file:
        file.truncate(500_000_000)
    command = subprocess.Popen(
        [CL_CLIENT, "download", job, "output/big.bin", str(folder)],
        env={**os.environ, **idle_stack.environment()},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    assert wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()), 30, pause=0.005)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert "Traceback" not in err
    assert not any(folder.iterdir())
