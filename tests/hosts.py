"""The parts of an installation on many hosts: commands of `cl-server`, and a mosquitto that one of them set up."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil

from cl_server.stack import broker, broker_files, fork_client
from cl_server.stack.fork_client import ForkedProcess
from cl_server.stack.fork_server import MODULES
from cl_server.stack.supervisor import wait_until
from tests.ports import free_port

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = Path(sys.executable).parent / "cl-server"


class Part:
    """A process that a test starts, kills and starts again; its log is a file.

    A part of the server is a fork of a process that has its libraries loaded already, where that is possible.
    """

    def __init__(self, argv: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.argv = argv
        self.log = log
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | ForkedProcess | None = None

    def start(self) -> Self:
        environment = {**os.environ, **self.environment}
        program, *arguments = self.argv
        with self.log.open("ab") as log, fork_client.shared() as forks:
            if forks is not None and program == str(COMMAND) and arguments[0] in MODULES:
                part = [*fork_client.COMMAND, *arguments]
                self.process = forks.start(part, environment=environment, out=(log.fileno(), log.fileno()))
                self.process.stdin.close()
            else:
                self.process = subprocess.Popen(
                    self.argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        return self

    def children(self) -> list[psutil.Process]:
        """The processes below it."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


class SafeMosquitto(Part):
    """With TLS, passwords and the access list that `cl-server broker-config` writes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        written = folder / "broker"
        broker_files.write(written, ["localhost", "127.0.0.1"], port=self.port)
        self.ca_file = written / "ca.pem"
        self.passwords = {user: password_in(written / f"{user}.env") for user in ("server", "client")}
        configuration = written / "mosquitto.conf"
        # Where we are root, it would become another user, who cannot enter the folder of the test.
        configuration.write_text(f"user root\n{configuration.read_text()}")
        mosquitto = broker.find_mosquitto()
        assert mosquitto is not None
        super().__init__([mosquitto, "-c", str(configuration)], folder / "mosquitto.log")

    def start(self) -> Self:
        super().start()
        assert wait_until(lambda: listens(self.port), 30), self.log.read_text()
        return self

    def url(self, user: str, password: str | None = None) -> str:
        """How to reach it."""
        return f"mqtts://{user}:{password or self.passwords[user]}@localhost:{self.port}"

    def environment_of(self, user: str) -> dict[str, str]:
        """The variables by which servers and clients find it."""
        return {"MQTT_URL": self.url(user), "MQTT_CA_FILE": str(self.ca_file)}


def password_in(settings: Path) -> str:
    """The password of the broker's account that these settings are for."""
    return settings.read_text().partition("@")[0].rpartition(":")[2]


def compute(folder: Path, port: int, environment: dict[str, str], *options: str) -> Part:
    """An API, with its own data folder."""
    folder.mkdir()
    argv = [str(COMMAND), "compute", "--port", str(port), *options]
    return Part(argv, folder / "log", {**environment, "CL_DATA": str(folder / "data")})


def workers(folder: Path, slots: int, environment: dict[str, str], *options: str) -> Part:
    """A host of workers, with its own data folder."""
    folder.mkdir()
    argv = [str(COMMAND), "worker", "--slots", str(slots), *options]
    return Part(argv, folder / "log", {**environment, "CL_DATA": str(folder / "data")})


def listens(port: int) -> bool:
    """Whether a server on this machine accepts connections on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gone(processes: list[psutil.Process], timeout: float = 15) -> bool:
    """Whether all of them end within `timeout` seconds."""
    return wait_until(lambda: not any(process.is_running() for process in processes), timeout)
