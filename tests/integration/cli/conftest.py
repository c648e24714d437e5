"""The command line as its users have it: in this process where that is enough, else as a process of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

from cl_client.cli.main import main
from cl_server.embedded import LocalStack

CL_CLIENT = str(Path(sys.executable).with_name("cl-client"))


@frozen
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


Cli = Callable[..., Ran]


@pytest.fixture
def addresses(local_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a user who follows what `server up` printed."""
    for name in ("COMPUTE_SERVER_URL", "MQTT_BROKER", "MQTT_PORT", "MQTT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in local_stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def cli(addresses: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def process(addresses: None, tmp_path: Path) -> Cli:
    """Runs a command in a process of its own."""

    def run(*arguments: str, before: Callable[[], None] | None = None, **environment: str) -> Ran:
        # Where the disk is small, coverage has no room for a file of its own.
        kept = {name: value for name, value in os.environ.items() if before is None or not name.startswith("COVERAGE")}
        ran = subprocess.run(
            [CL_CLIENT, *arguments],
            cwd=tmp_path,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=before,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return run


@pytest.fixture
def nothing_there() -> Iterator[int]:
    """A port that nobody listens on, for as long as the test lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
