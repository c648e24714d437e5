"""`cl-client server status`, `logs` and `stop`: a server that runs elsewhere is found by its data folder."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cl_client.cli.main import main
from cl_server.file_lock import take
from cl_server.stack.process_id import ProcessId
from cl_server.stack.running_stack import LOCK, StackRecord, find, is_free
from cl_server.stack.supervisor import wait_until
from tests.integration.cli.conftest import CL_CLIENT, Cli, Ran


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process; none of these needs the address of a server."""

    def run(*arguments: str) -> Ran:
        return Ran(main(arguments), *capsys.readouterr())

    return run


def up(data: Path, *options: str) -> Ran:
    """A server that is left to itself."""
    free = ["--port", "0", "--mqtt-port", "0"]
    ran = subprocess.run(
        [CL_CLIENT, "server", "up", "--detach", "--workers", "1", *free, "--data", str(data), *options],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@contextlib.contextmanager
def held(data: Path, written: str) -> Iterator[None]:
    """The lock of a data folder is held by this process, whatever is written in it."""
    data.mkdir()
    with (data / LOCK).open("w+") as lock:
        lock.write(written)
        lock.flush()
        assert take(lock)
        yield


def one_object(ran: Ran) -> dict[str, Any]:
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def alive(record: StackRecord) -> list[str]:
    every = {"main": record.main, **record.parts}
    return [name for name, process in every.items() if process.is_alive()]


def test_a_server_that_was_left_to_itself_is_shown_mended_and_stopped_without_orphans(data: Path, cli: Cli):
    started = up(data, "--json")
    assert started.code == 0
    assert f"cl-client server stop --data {data}" in started.err
    about = ["--data", str(data)]
    shown = one_object(cli("server", "status", *about, "--json"))
    assert shown["compute_url"] == json.loads(started.out)["compute_url"]
    assert shown["answers"] == {"compute": True, "broker": True}
    assert (shown["workers"], set(shown["processes"])) == (1, {"broker", "compute", "w0"})

    # A part that is started again has another number, and the data folder says so.
    worker = shown["processes"]["w0"]
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: find(data).parts["w0"].pid != worker, 30)
    rows = cli("server", "status", *about).out.splitlines()
    assert [row.split(":")[0].strip() for row in rows] == [
        "compute", "broker", "workers", "process", "broker", "compute", "w0", "version", "up for", "data",
    ]  # fmt: skip

    lines = [
        json.loads(line) for line in cli("server", "logs", "compute", "-n", "999", *about, "--json").out.splitlines()
    ]
    assert {line["part"] for line in lines} == {"compute"}
    assert any("startup complete" in line["line"] for line in lines)

    record = find(data)
    stopped = one_object(cli("server", "stop", *about, "--json"))
    assert stopped == {"pid": shown["pid"], "data": str(data), "killed": False}
    assert alive(record) == []
    assert (data / "logs" / "stack.log").read_text() == "stopped\n"
    again = cli("server", "stop", *about)
    assert (again.code, again.lines) == (
        1,
        [f"error: no server runs in {data}", "hint: start one: cl-client server up"],
    )


def test_a_server_that_does_not_listen_is_killed_with_all_that_is_its(data: Path, cli: Cli):
    assert up(data).code == 0
    record = find(data)
    for part in (record.main, record.parts["compute"]):
        part.send(signal.SIGSTOP)
    ran = cli("server", "stop", "--data", str(data), "--timeout", "0.2")
    assert ran.code == 0
    assert ran.lines == ["warning: it did not end within 0.2 s, and was killed"]
    assert alive(record) == []


def test_what_is_wrong_at_the_start_is_said_where_one_sees_it(data: Path):
    with held(data, str(ProcessId.of(os.getpid()))):
        ran = up(data)
    assert (ran.code, ran.out) == (1, "")
    assert "in use by another stack" in ran.err


def test_a_lock_that_nobody_holds_is_no_server(data: Path, cli: Cli):
    data.mkdir()
    # The number of a process that lives, and even is the one that it was: what decides is who holds the file.
    (data / LOCK).write_text(str(ProcessId.of(os.getpid())))
    assert is_free(data)
    assert cli("server", "status", "--data", str(data)).code == 1


def test_a_number_that_came_again_is_another_process(data: Path, cli: Cli):
    """What is left of a killed server holds the lock, and its number belongs to somebody else by now."""
    with held(data, f"{os.getpid()} 1"):
        ran = cli("server", "stop", "--data", str(data))
    assert ran.code == 1
    assert ran.lines == [
        f"error: the server in {data} was killed, and its processes are about to end",
        "hint: ask again in a moment",
    ]


def test_a_server_that_is_not_there_yet_is_said_to_start(data: Path, cli: Cli):
    with held(data, str(ProcessId.of(os.getpid()))):
        ran = cli("server", "status", "--data", str(data))
    assert ran.lines[0] == f"error: the server in {data} is starting or ending (process {os.getpid()})"


def test_logs_are_followed_until_ctrl_c(data: Path):
    log = data / "logs" / "w0.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")
    command = subprocess.Popen(
        [CL_CLIENT, "server", "logs", "--data", str(data), "--follow", "-n", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "w0  three\n"
    with log.open("a") as file:
        file.write("fo")
        file.flush()
        file.write("ur\n")
    assert command.stdout.readline() == "w0  four\n"
    log.write_text("new\n")
    assert command.stdout.readline() == "w0  new\n"
    command.send_signal(signal.SIGINT)
    assert command.communicate(timeout=20) == ("", "")
    assert command.returncode == 130


def test_a_log_that_is_not_there_is_named(data: Path, capsys: pytest.CaptureFixture[str]):
    (data / "logs").mkdir(parents=True)
    (data / "logs" / "w0.log").write_text("one\n")
    assert main(["server", "logs", "w7", "--data", str(data)]) == 1
    assert "there is no log of w7" in capsys.readouterr().err
