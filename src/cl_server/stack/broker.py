"""The broker of the embedded stack: a mosquitto of this machine, else amqtt, which pip brings."""

import base64
import hashlib
import os
import secrets
import shutil
import socket
import sys
from pathlib import Path
from typing import Literal, cast

from cl_server.messaging import topics

BrokerKind = Literal["mosquitto", "amqtt"]

HOST = "127.0.0.1"
# Distributions install it where the PATH of a normal user does not lead.
ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")

# By default mosquitto drops messages even for connected subscribers once 1,000 wait (mosquitto.conf(5)).
CONFIGURATION = """\
{user}listener {port} {host}
allow_anonymous true
password_file {folder}/mosquitto.passwords
acl_file {folder}/mosquitto.acl
persistence false
max_queued_messages 100000
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""

# Everyone on this machine can listen. Only the servers publish.
SERVER = "server"
ACCESS = f"{topics.readable()}\nuser {SERVER}\n{topics.writable()}"
# The variable with the password of the servers, because every user can read the arguments of a process.
VARIABLE = "CL_BROKER_PASSWORD"
# The number that mosquitto_passwd uses. The passwords are random, and long.
ROUNDS = 101

CONNECT = bytes((0x10, 0x10, 0, 4)) + b"MQTT" + bytes((4, 2, 0, 5, 0, 4)) + b"cl-?"
DISCONNECT = bytes((0xE0, 0))


def find_mosquitto() -> str | None:
    """The path of mosquitto, or `None`."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(ELSEWHERE))


def command(kind: BrokerKind, port: int, folder: Path, password: str) -> list[str]:
    """What to run for a broker on a port of the loopback interface; its configuration goes to `folder`.

    Who says that it is `server`, with this password, may publish. amqtt reads it from its environment, as `VARIABLE`.
    """
    if kind == "amqtt":
        return [sys.executable, "-m", "cl_server.stack.amqtt_broker", str(port)]
    mosquitto = find_mosquitto()
    if mosquitto is None:
        raise FileNotFoundError("mosquitto is not installed on this machine")
    # Started by root, it would become another user, who cannot read in this folder.
    user = "user root\n" if os.geteuid() == 0 else ""
    _write(folder / "mosquitto.passwords", f"{SERVER}:{hashed(password)}\n")
    _write(folder / "mosquitto.acl", ACCESS)
    configuration = folder / "mosquitto.conf"
    _write(configuration, CONFIGURATION.format(host=HOST, port=port, folder=folder, user=user))
    return [sys.executable, "-m", "cl_server.stack.child_guard", mosquitto, "-c", str(configuration)]


def hashed(password: str) -> str:
    """A password as mosquitto_passwd(1) keeps it: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether an MQTT broker accepts a connection there (MQTT 3.1.1 §3.1 and §3.2)."""
    try:
        with socket.create_connection((HOST, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(CONNECT)
            accepted = connection.recv(4) == bytes((0x20, 2, 0, 0))
            connection.sendall(DISCONNECT)
            return accepted
    except OSError:
        return False


def free_port() -> int:
    """A port that is free now. A broker can't take an open socket, so another program may still be faster."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return port_of(probe)


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    return cast("tuple[str, int]", bound.getsockname())[1]
