"""`cl-client server up`: one command, a whole server, and nothing of it left when it ends."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from cl_client.cli.commands.server import default_data
from cl_client.cli.main import main
from cl_extras.install import install_command
from cl_server.embedded import LocalStack
from tests.integration.cli.conftest import CL_CLIENT
from tests.media.photo import photo, write


def start(*options: str, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [CL_CLIENT, "server", "up", "--data", str(data), "--workers", "1", *options],
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def descendants(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_everything_is_and_ends_clean(tmp_path: Path, sent: signal.Signals):
    server = start("--port", "0", "--mqtt-port", "0", data=tmp_path / "data")
    assert server.stdout is not None
    assert server.stderr is not None
    rows = dict(server.stdout.readline().rstrip().split(": ", 1) for _ in range(5))
    told = [line.strip() for line in iter(server.stderr.readline, "Ctrl-C stops it.\n")]
    environment = dict(line.removeprefix("export ").split("=") for line in told if line.startswith("export "))
    assert environment["COMPUTE_URL"] == rows["compute"].strip()
    assert rows["page"].strip() == f"{rows['compute'].strip()}/ui"
    assert rows["data"].strip() == str(tmp_path / "data")

    write(tmp_path / "photo.jpg", photo(100, 80))
    ran = subprocess.run(
        [CL_CLIENT, "hash", "compute", "photo.jpg"], cwd=tmp_path, env={**os.environ, **environment}, check=False
    )
    assert ran.returncode == 0

    parts = descendants(server.pid)
    assert parts
    server.send_signal(sent)
    out, err = server.communicate(timeout=30)
    assert (server.returncode, out, err) == (0, "", "stopped\n")
    assert not any(Path(f"/proc/{pid}").exists() for pid in parts)


def test_with_accounts_the_first_admin_is_told_once_and_guests_stay_out(tmp_path: Path):
    passwords: list[str] = []
    for _ in range(2):
        server = start(
            "--auth", "--port", "0", "--mqtt-port", "0", "--auth-port", "0", "--json", data=tmp_path / "data"
        )
        assert server.stdout is not None
        assert server.stderr is not None
        record = json.loads(server.stdout.readline())
        told = list(iter(server.stderr.readline, "Ctrl-C stops it.\n"))
        passwords += [line.split("password ")[1].split()[0] for line in told if "the first admin is 'admin'" in line]
        assert f"  export AUTH_URL={record['auth_url']}\n" in told
        assert record["workers"] == 1
        assert httpx.post(f"{record['compute_url']}/jobs/hash", files={"file": b"words"}).status_code == 401
        login = {"username": "admin", "password": passwords[0]}
        assert httpx.post(f"{record['auth_url']}/auth/token", data=login).status_code == 200
        server.send_signal(signal.SIGINT)
        assert server.communicate(timeout=30)[0] == ""
    assert len(passwords) == 1


def test_as_json_the_addresses_are_one_object(tmp_path: Path):
    server = start("--port", "0", "--mqtt-port", "0", "--json", "--broker", "amqtt", data=tmp_path / "data")
    assert server.stdout is not None
    record = json.loads(server.stdout.readline())
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=30)
    assert record["compute_url"].startswith("http://127.0.0.1:")
    assert record["mqtt_url"].startswith("mqtt://127.0.0.1:")
    assert record["workers"] == 1


@pytest.mark.parametrize("option", ["--port", "--mqtt-port"])
def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path, option: str):
    other = "--mqtt-port" if option == "--port" else "--port"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        out, err = start(option, port, other, "0", data=tmp_path / "data").communicate(timeout=60)
    error, hint = err.splitlines()
    assert out == ""
    assert error.startswith("error: ")
    assert port in error
    assert option in hint


def test_two_servers_on_one_data_folder_are_one_too_many(tmp_path: Path):
    with LocalStack(tmp_path / "data", workers=0):
        out, err = start("--port", "0", "--mqtt-port", "0", data=tmp_path / "data").communicate(timeout=60)
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "in use by another stack" in err


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(__import__("sys").modules, "cl_server.embedded", None)
    assert main(["server", "up"]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert "[server]" in error
    assert hint == f"hint: {install_command('server')}"


@pytest.mark.parametrize(
    ("set_to", "folder"),
    [
        ("/somewhere", "/somewhere/cl-client"),
        ("relative", "~/.local/share/cl-client"),
        ("", "~/.local/share/cl-client"),
    ],
)
def test_data_is_where_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch, set_to: str, folder: str):
    monkeypatch.setenv("XDG_DATA_HOME", set_to)
    assert default_data() == Path(folder).expanduser()
