"""Brokers that speak TLS and ask who is there."""

import asyncio
import gc
import re
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import aiomqtt
import pytest
import trustme
from attrs import evolve, frozen

from cl_client import AuthProvider, ComputeClient, HttpOptions, InvalidParameterError, ServerConfig
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_server.embedded import LocalStack
from cl_server.stack import broker
from tests.conftest import require
from tests.ports import free_port

TOKEN = "a.token.that-is-signed"


@frozen
class SafeBroker:
    """A broker that wants a password on one port, and a certificate on another.

    Attributes:
        cert_file: a certificate for `watcher`, and its key.
    """

    port: int
    certificates_port: int
    ca_file: str
    cert_file: str


@pytest.fixture
async def safe_broker(tmp_path: Path) -> AsyncGenerator[SafeBroker]:
    """A mosquitto with TLS, passwords (a token is one) and certificates."""
    require("mosquitto")
    mosquitto = broker.find_mosquitto()
    assert mosquitto is not None
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.issue_cert("watcher@example.org").private_key_and_cert_chain_pem.write_to_path(tmp_path / "watcher.pem")
    for new, name, password in ((["-c"], "watcher", "sec:ret"), ([], "jwt", TOKEN)):
        hashing = await asyncio.create_subprocess_exec(
            "mosquitto_passwd", "-b", *new, "passwords", name, password, cwd=tmp_path
        )
        assert await hashing.wait() == 0
    (tmp_path / "passwords").chmod(0o644)
    port, certificates_port = free_port(), free_port()
    tls = f"cafile {tmp_path}/ca.pem\ncertfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\n"
    configuration = f"""
user root
per_listener_settings true
listener {port} 127.0.0.1
{tls}
allow_anonymous false
password_file {tmp_path}/passwords
listener {certificates_port} 127.0.0.1
{tls}
allow_anonymous true
require_certificate true
"""
    (tmp_path / "mosquitto.conf").write_text(configuration)
    process = await asyncio.create_subprocess_exec(
        mosquitto, "-c", str(tmp_path / "mosquitto.conf"), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        while b"running" not in await process.stderr.readline():
            assert process.returncode is None
        yield SafeBroker(port, certificates_port, str(tmp_path / "ca.pem"), str(tmp_path / "watcher.pem"))
    finally:
        process.terminate()
        await process.communicate()


async def test_a_watcher_signs_in_over_tls(safe_broker: SafeBroker):
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    up = asyncio.Event()
    place = Broker(
        host="localhost",
        port=safe_broker.port,
        tls=True,
        ca_file=safe_broker.ca_file,
        username="watcher",
        password="sec:ret",
    )
    subscription = subscribe(
        place, Listener(lambda _, payload: heard.put_nowait(payload), lambda _: up.set(), lambda why: pytest.fail(why))
    )
    subscription.add("inference/events")
    await up.wait()
    async with aiomqtt.Client(
        "localhost", safe_broker.port, tls_context=place.trust(), username="watcher", password="sec:ret"
    ) as publisher:
        await publisher.publish("inference/events", b"here", qos=1)
    assert await heard.get() == b"here"
    await subscription.close()


async def told(client: ComputeClient) -> None:
    """Wait until the broker tells this client of jobs."""
    client.jobs.watcher.start()
    while not client.jobs.watcher._online:
        await asyncio.sleep(0.01)


async def test_a_watcher_shows_its_certificate(safe_broker: SafeBroker, caplog: pytest.LogCaptureFixture):
    config = ServerConfig.from_env(
        {
            "MQTT_URL": f"mqtts://localhost:{safe_broker.certificates_port}",
            "MQTT_CA_FILE": safe_broker.ca_file,
            "MQTT_CERT_FILE": safe_broker.cert_file,
        }
    )
    async with ComputeClient(server_config=config) as client:
        await told(client)
    async with ComputeClient(server_config=evolve(config, mqtt_cert_file=None)) as stranger:
        stranger.jobs.watcher.start()
        while "is not reachable" not in caplog.text:
            await asyncio.sleep(0.01)
        assert not stranger.jobs.watcher._online


@pytest.mark.parametrize("kind", ["COMPUTE_CA_FILE", "path", "context"])
async def test_a_broker_is_trusted_by_what_the_servers_are_trusted_by(safe_broker: SafeBroker, kind: str):
    environment = {"MQTT_URL": f"mqtts://watcher:sec%3Aret@localhost:{safe_broker.port}"}
    if kind == "COMPUTE_CA_FILE":
        environment[kind] = safe_broker.ca_file
    options: HttpOptions = {}
    if kind == "path":
        options = {"verify": safe_broker.ca_file}
    elif kind == "context":
        options = {"verify": ssl.create_default_context(cafile=safe_broker.ca_file)}
    async with ComputeClient(server_config=ServerConfig.from_env(environment), **options) as client:
        await told(client)


class Renewed(AuthProvider):
    """Somebody whose token is replaced by another one."""

    token = "expired"

    def get_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def test_a_token_is_the_password_and_a_new_one_is_tried(
    safe_broker: SafeBroker, caplog: pytest.LogCaptureFixture
):
    url = f"mqtts://localhost:{safe_broker.port}"
    config = ServerConfig.from_env({"MQTT_URL": url, "MQTT_CA_FILE": safe_broker.ca_file, "MQTT_JWT": "1"})
    somebody = Renewed()
    async with ComputeClient(server_config=config, auth_provider=somebody) as client:
        client.jobs.watcher.start()
        while "is not reachable" not in caplog.text:
            await asyncio.sleep(0.01)
        somebody.token = TOKEN
        await told(client)
    assert TOKEN not in caplog.text


# paho lets go of the socket of a handshake that failed without closing it; the interpreter closes it when it collects.
@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("url", "trusted", "reason"),
    [
        ("mqtts://watcher:wrong@localhost", True, "[Nn]ot authori[sz]ed|[Bb]ad user"),
        ("mqtts://localhost", True, "[Nn]ot authori[sz]ed"),
        ("mqtts://watcher:sec%3Aret@localhost", False, "its certificate is not trusted: .* COMPUTE_CA_FILE"),
        ("mqtt://watcher:sec%3Aret@localhost", True, "."),
    ],
)
async def test_a_broker_that_will_not_have_us_is_said_once_and_stops_nothing(
    safe_broker: SafeBroker,
    local_stack: LocalStack,
    caplog: pytest.LogCaptureFixture,
    url: str,
    trusted: bool,
    reason: str,
):
    config = ServerConfig(
        compute_url=local_stack.compute_url, mqtt_ca_file=safe_broker.ca_file if trusted else None
    ).with_broker(f"{url}:{safe_broker.port}")
    async with ComputeClient(server_config=config) as client:
        for n in range(3):
            await client.hash.compute(str(n).encode(), wait=True)
        while not caplog.records:
            await asyncio.sleep(0.01)
    [warning] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert re.search(reason, warning)
    assert "sec" not in warning
    gc.collect()


async def test_a_password_is_sent_to_no_other_host(
    safe_broker: SafeBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("MQTT_URL", f"mqtts://watcher:sec%3Aret@localhost:{safe_broker.port}")
    monkeypatch.setenv("MQTT_CA_FILE", safe_broker.ca_file)
    async with ComputeClient(mqtt_broker="localhost") as client:
        await told(client)
    # The same broker under another name, which would let us in if it heard the password.
    async with ComputeClient(mqtt_broker="127.0.0.1") as client:
        client.jobs.watcher.start()
        while "is not reachable" not in caplog.text:
            await asyncio.sleep(0.01)
    assert re.search("127.0.0.1.*[Nn]ot authori[sz]ed", caplog.text)


def test_a_password_is_not_shown():
    config = ServerConfig().with_broker("mqtts://me:sec%3Aret@host")
    assert config.mqtt_password == "sec:ret"
    assert (config.mqtt_port, config.mqtt_tls) == (8883, True)
    assert "sec" not in repr(config)
    with pytest.raises(InvalidParameterError) as refused:
        config.with_broker("http://me:secret@host")
    assert "secret" not in str(refused.value)


def test_certificates_that_are_not_there_are_one_line(tmp_path: Path):
    (tmp_path / "empty.pem").touch()
    for name in ("nothing.pem", "empty.pem"):
        file = str(tmp_path / name)
        with pytest.raises(InvalidParameterError, match="cannot trust"):
            Broker(host="h", port=1, tls=True, ca_file=file).trust()
        with pytest.raises(InvalidParameterError, match="cannot use"):
            Broker(host="h", port=1, tls=True, cert_file=file).trust()
    context = Broker(host="h", port=1, tls=True).trust()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
