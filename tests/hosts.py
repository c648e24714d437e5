"""The parts of an installation on many hosts: commands of `cl-server`, and a mosquitto as docs/ configures it."""

import os
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil
import trustme

from cl_server.stack import broker
from cl_server.stack.supervisor import wait_until
from tests.ports import free_port

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = Path(sys.executable).parent / "cl-server"


class Part:
    """A process that a test starts, kills and starts again; its log is a file."""

    def __init__(self, argv: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.argv = argv
        self.log = log
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
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
            self.process.terminate()
            self.process.wait(30)


class SafeMosquitto(Part):
    """With TLS, passwords and the access list of docs/; the users are `server` and `client`."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        self.port = free_port()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
        certificate.private_key_pem.write_to_path(folder / "server.key")
        self.passwords = {name: secrets.token_urlsafe(12) for name in ("server", "client")}
        lines = [f"{name}:{broker.hashed(password)}\n" for name, password in self.passwords.items()]
        (folder / "passwords").write_text("".join(lines))
        (folder / "acl").write_text((DOCS / "mosquitto.acl").read_text())
        configuration = (DOCS / "mosquitto.conf").read_text().replace("/mosquitto/config/", f"{folder}/")
        configuration = re.sub("^listener 8883$", f"listener {self.port} 127.0.0.1", configuration, flags=re.MULTILINE)
        # Where we are root, it would become another user, who cannot read our folder.
        (folder / "mosquitto.conf").write_text(f"user root\n{configuration}")
        mosquitto = broker.find_mosquitto()
        assert mosquitto is not None
        super().__init__([mosquitto, "-c", str(folder / "mosquitto.conf")], folder / "mosquitto.log")

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
