"""Parts of the server that are forked from one process instead of being started anew."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cl_server.embedded import LocalStack
from cl_server.stack.fork_client import COMMAND, ForkedProcess, ForkServer
from cl_server.stack.supervisor import wait_until
from tests.integration.server.client import Api, Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="parts are forked on Linux alone")

# It waits for its lifeline, and answers with what it has.
WAITS = ("worker", "--lifeline", "--slot", "0")


class Start:
    """Starts parts whose logs, and data, are in a folder of the test."""

    def __init__(self, folder: Path, server: ForkServer) -> None:
        self.server = server
        self.folder = folder
        self.parts: list[ForkedProcess] = []

    def __call__(self, *argv: str, log: str = "log", **environment: str) -> ForkedProcess:
        variables = {**os.environ, "CL_DATA": str(self.folder / "data"), **environment}
        with (self.folder / log).open("ab") as file:
            out = (file.fileno(), file.fileno())
            part = self.server.start([*COMMAND, *argv], environment=variables, out=out)
        self.parts.append(part)
        return part

    def said(self, log: str = "log") -> str:
        return (self.folder / log).read_text()

    def end(self) -> None:
        """End what runs, by its lifeline."""
        for part in self.parts:
            part.stdin.close()
        for part in self.parts:
            part.wait(60)


@pytest.fixture(scope="module")
def shared() -> Iterator[ForkServer]:
    """A fork server for all who do not end it."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def start(tmp_path: Path, shared: ForkServer) -> Iterator[Start]:
    start = Start(tmp_path, shared)
    yield start
    start.end()


@pytest.fixture
def start_alone(tmp_path: Path) -> Iterator[Start]:
    """With a fork server of its own."""
    start = Start(tmp_path, ForkServer())
    yield start
    start.end()
    start.server.close()


def test_the_parts_of_a_stack_are_forks_of_one_process() -> None:
    with LocalStack(workers=2, auth=True) as stack:
        parts = [psutil.Process(pid) for name, pid in stack.pids().items() if name != "broker"]
        (parent,) = {part.ppid() for part in parts}
        assert parent in {child.pid for child in psutil.Process().children()}
    assert not any(part.is_running() for part in parts)


def test_a_fork_server_ends_with_the_last_of_its_parts(start_alone: Start) -> None:
    part = start_alone(*WAITS)
    parent = psutil.Process(part.pid).parent()
    assert parent is not None
    assert wait_until(lambda: "ready for" in start_alone.said(), 60)
    part.stdin.close()
    assert part.wait(60) == 0
    start_alone.server.close()
    assert wait_until(lambda: not parent.is_running(), 60)


def test_whoever_lists_processes_reads_what_a_part_is(start: Start) -> None:
    part = start(*WAITS)
    process = psutil.Process(part.pid)
    assert wait_until(lambda: process.name() == "cl-worker", 30)
    assert [word for word in process.cmdline() if word] == [*COMMAND, *WAITS]


def test_a_part_has_a_session_and_files_of_its_own(start: Start) -> None:
    first = start(*WAITS)
    second = start("worker", "--lifeline", "--slot", "1", log="other")
    assert wait_until(lambda: "ready for" in start.said(), 60)
    assert wait_until(lambda: "ready for" in start.said("other"), 60)
    assert os.getsid(second.pid) == second.pid
    files = {file.readlink() for file in Path(f"/proc/{second.pid}/fd").iterdir()}
    assert start.folder / "other" in files
    assert start.folder / "log" not in files
    # Were its lifeline open in the other too, it would not hear of its end.
    first.stdin.close()
    assert first.wait(60) == 0
    assert second.poll() is None


def test_how_a_part_ended_is_told(start: Start) -> None:
    part = start(*WAITS, CL_DATABASE="nonsense")
    assert part.wait(60) == 2
    assert start.said().startswith("error: CL_DATABASE isn't the address of a PostgreSQL database")
    killed = start(*WAITS)
    killed.kill()
    assert killed.wait(60) == -signal.SIGKILL
    killed.send_signal(signal.SIGTERM)


def test_a_library_that_does_not_load_is_told_by_the_part_that_needs_it(start_alone: Start) -> None:
    start = start_alone
    broken = start.folder / "broken"
    broken.mkdir()
    (broken / "sqlalchemy.py").write_text("raise ImportError('half of it is missing')\n")
    assert start(*WAITS, PYTHONPATH=str(broken)).wait(60) == 1
    assert "half of it is missing" in start.said()
    # Python reads that variable when it starts: what is without it cannot be a fork of the same.
    other = start(*WAITS, log="other")
    assert wait_until(lambda: "ready for" in start.said("other") or other.poll() is not None, 60)
    assert other.poll() is None


def test_what_a_command_writes_until_its_end_is_heard(start: Start) -> None:
    variables = {**os.environ, "CL_DATA": str(start.folder)}
    ran = start.server.run([*COMMAND, "auth", "--init"], variables)
    assert (ran.returncode, len(ran.stdout.split()), ran.stderr) == (0, 1, "")
    again = start.server.run([*COMMAND, "auth", "--reset-password", "nobody"], variables)
    assert (again.returncode, again.stdout, again.stderr) == (1, "", "error: there is no user 'nobody'\n")


def test_a_stack_whose_fork_server_is_killed_starts_its_parts_anew() -> None:
    # Its own process: here, others use the same fork server.
    script = """
from tests.integration.server import test_fork_server
test_fork_server.work_goes_on()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=110)


def work_goes_on() -> None:
    """Kill the fork server of a stack, and have a job done by those that come after."""
    with LocalStack(workers=1) as stack:
        before = stack.pids()
        fork_server = psutil.Process(before["w0"]).parent()
        assert fork_server is not None
        fork_server.kill()
        assert wait_until(lambda: all(stack.pids()[name] != before[name] for name in ("compute", "w0")), 60)
        with Watch(stack) as watch:
            api = Api(stack)
            with api.http:
                assert watch.final(api.submit("hash", b"words"), 60)["status"] == "completed"
        assert stack.pids()["broker"] == before["broker"]


def test_where_a_system_cannot_do_it_each_part_is_a_python_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int) -> int:
        raise PermissionError(pid)

    monkeypatch.setattr(os, "pidfd_open", refused)
    monkeypatch.setenv("CL_TASK_TIMEOUT", "50")
    # Where others are is none of its business.
    monkeypatch.setenv("CL_DATABASE", "postgresql://nobody@nowhere.invalid/jobs")
    with LocalStack(workers=1, auth=True, max_upload=3 << 20) as stack:
        assert stack.admin_password is not None
        for name in ("compute", "w0"):
            part = psutil.Process(stack.pids()[name])
            environment = part.environ()
            assert part.ppid() == os.getpid()
            assert (float(environment["CL_TASK_TIMEOUT"]), int(environment["CL_MAX_UPLOAD"])) == (50, 3 << 20)
            assert environment["CL_DATABASE"] == ""
