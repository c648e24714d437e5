"""`cl-server broker-config`: a real Mosquitto with what it wrote, and what it refuses to write."""

import os
import socket
import ssl
import stat
from pathlib import Path

import aiomqtt
import pytest
import trustme

from cl_client import ServerConfig
from cl_client.watching.mqtt_connection import Broker
from cl_server.__main__ import main
from cl_server.stack.broker_certificates import make
from tests.conftest import require
from tests.hosts import SafeMosquitto

FOLDER = "broker"


def test_what_it_writes_is_not_for_other_users_to_read(tmp_path: Path) -> None:
    assert main(["broker-config", str(tmp_path / FOLDER), "--name", "broker.example"]) == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / FOLDER).iterdir()}
    assert {name for name, mode in modes.items() if mode} <= {"ca.pem"}
    assert modes.keys() == {
        *("mosquitto.conf", "acl", "passwords", "ca.pem", "server.pem", "server.key", "server.env", "client.env")
    }


def test_nothing_that_is_there_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.key").write_text("mine")
    assert main(["broker-config", str(tmp_path), "--name", "broker.example"]) == 2
    assert f"{tmp_path / 'server.key'} exists already" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_the_certificate_holds_for_each_name_and_no_other(tmp_path: Path, name: str) -> None:
    require("mosquitto")
    mosquitto = SafeMosquitto(tmp_path).start()
    try:
        told = ServerConfig.from_env({"MQTT_URL": mosquitto.url("client"), "MQTT_CA_FILE": str(mosquitto.ca_file)})
        trust = Broker(host=name, port=mosquitto.port, tls=True, ca_file=told.mqtt_ca_file).trust()
        async with aiomqtt.Client(
            name, mosquitto.port, username="client", password=mosquitto.passwords["client"], tls_context=trust
        ):
            pass
        with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
            refused_by(trust, mosquitto.port, "other.example")
    finally:
        mosquitto.stop()


def refused_by(trust: ssl.SSLContext | None, port: int, name: str) -> None:
    assert trust is not None
    with socket.create_connection(("127.0.0.1", port), 10) as raw, trust.wrap_socket(raw, server_hostname=name):
        pass


def test_a_certificate_of_ones_own_goes_in_as_it_is(tmp_path: Path) -> None:
    chain, key = own_certificate(tmp_path)
    assert main(["broker-config", str(tmp_path / FOLDER), "--name", "a.example", "--certificate", chain, key]) == 0
    assert (tmp_path / FOLDER / "server.pem").read_text() == Path(chain).read_text()
    assert not (tmp_path / FOLDER / "ca.pem").exists()
    assert "MQTT_CA_FILE" not in (tmp_path / FOLDER / "client.env").read_text()


@pytest.mark.parametrize("wrong", ["of another", "no key", "absent"])
def test_a_key_that_does_not_belong_to_the_certificate_is_refused(
    tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, key = own_certificate(tmp_path)
    match wrong:
        case "of another":
            Path(key).write_text(make(["a.example"])["server.key"])
        case "no key":
            Path(key).write_text("words")
        case _:
            Path(key).unlink()
    assert main(["broker-config", str(tmp_path / FOLDER), "--name", "a.example", "--certificate", chain, key]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not (tmp_path / FOLDER).exists()


def own_certificate(folder: Path) -> tuple[str, str]:
    issued = trustme.CA().issue_cert("a.example")
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    return str(chain), str(key)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_files_belong_to_the_user_of_the_broker(tmp_path: Path) -> None:
    assert main(["broker-config", str(tmp_path / FOLDER), "--name", "a.example", "--owner", "1883"]) == 0
    owners = {path.name: path.stat().st_uid for path in (tmp_path / FOLDER).iterdir()}
    assert {name for name, owner in owners.items() if owner != 1883} == {"server.env", "client.env"}


def test_a_user_who_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker-config", str(tmp_path), "--name", "a.example", "--owner", "no-such-user"]) == 2
    assert "there is no user 'no-such-user' on this machine" in capsys.readouterr().err
