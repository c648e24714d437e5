"""Who may tell what on the broker, of an installation on many hosts and of one machine."""

import asyncio
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import httpx
import psutil
import pytest

from cl_client.watching.mqtt_connection import Broker
from cl_server.embedded import LocalStack
from cl_server.stack.supervisor import wait_until
from tests.conftest import require
from tests.hosts import SafeMosquitto, compute, workers
from tests.ports import free_port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[SafeMosquitto]:
    require("mosquitto")
    found = SafeMosquitto(tmp_path).start()
    try:
        yield found
    finally:
        found.stop()


def session(mosquitto: SafeMosquitto, user: str) -> aiomqtt.Client:
    return aiomqtt.Client(
        "localhost",
        mosquitto.port,
        username=user,
        password=mosquitto.passwords[user],
        tls_context=Broker(host="localhost", port=mosquitto.port, tls=True, ca_file=str(mosquitto.ca_file)).trust(),
    )


@pytest.mark.parametrize("topic", ["inference/events", "inference/workers/w9"])
async def test_what_a_client_tells_nobody_hears(mosquitto: SafeMosquitto, topic: str) -> None:
    async with session(mosquitto, "client") as listener, session(mosquitto, "server") as server:
        await listener.subscribe("inference/#", qos=1)
        async with session(mosquitto, "client") as forger:
            # MQTT 3.1.1 knows no answer for this: the broker takes it, and drops it.
            await forger.publish(topic, b"forged", qos=1, retain=True)
        await server.publish(topic, b"true", qos=1)
        message = await asyncio.wait_for(anext(listener.messages), 30)
        assert (message.topic.value, message.payload) == (topic, b"true")


async def test_what_is_none_of_their_business_clients_do_not_hear(mosquitto: SafeMosquitto) -> None:
    async with session(mosquitto, "client") as listener, session(mosquitto, "server") as server:
        await listener.subscribe("#", qos=1)
        await server.publish("inference/other", b"secret", qos=1)
        await server.publish("inference/events", b"true", qos=1)
        message = await asyncio.wait_for(anext(listener.messages), 30)
        assert message.topic.value == "inference/events"


async def heard_of_a_job(stack: LocalStack, listener: aiomqtt.Client) -> list[str]:
    """What is said until a job is done, of which it has to be a part."""
    async with httpx.AsyncClient(verify=False, base_url=stack.compute_url) as http:
        job_id = str((await http.post("/jobs/hash", files={"file": ("a", b"words")})).json()["job_id"])
    heard: list[str] = []
    async with asyncio.timeout(30):
        async for message in listener.messages:
            heard.append(bytes(message.payload).decode())
            if job_id in heard[-1] and "completed" in heard[-1]:
                break
    return heard


async def test_on_the_broker_of_one_machine_too_only_the_servers_tell(stack: LocalStack) -> None:
    async with aiomqtt.Client(stack.mqtt_host, stack.mqtt_port) as listener:
        await listener.subscribe("inference/#", qos=1)
        for topic in ("inference/events", "inference/workers/w9"):
            await listener.publish(topic, b"forged", qos=1, retain=True)
        assert not [said for said in await heard_of_a_job(stack, listener) if "forged" in said]


async def test_nobody_else_tells_something_by_a_last_will(stack: LocalStack) -> None:
    async with aiomqtt.Client(stack.mqtt_host, stack.mqtt_port) as listener:
        await listener.subscribe("inference/#", qos=1)
        # MQTT 3.1.1 §3.1: a clean session with a will of QoS 1, which is to be kept.
        fields = (b"forger", b"inference/events", b"forged")
        body = b"\0\4MQTT\4\x2e\0\5" + b"".join(len(text).to_bytes(2, "big") + text for text in fields)
        with socket.create_connection((stack.mqtt_host, stack.mqtt_port), 10) as forger:
            forger.sendall(bytes((0x10, len(body))) + body)
            forger.settimeout(30)
            assert forger.recv(4)[:1] in {b"\x20", b""}
        assert not [said for said in await heard_of_a_job(stack, listener) if "forged" in said]


@pytest.mark.parametrize(("user", "password"), [("server", "guessed"), ("server", None), ("somebody", "any")])
async def test_who_says_that_they_are_the_server_has_to_know_its_password(
    stack: LocalStack, user: str, password: str | None
) -> None:
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed|Bad user name or password"):
        async with aiomqtt.Client(stack.mqtt_host, stack.mqtt_port, username=user, password=password):
            pass


@pytest.fixture
def refused(mosquitto: SafeMosquitto, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An API and a worker with a wrong password: their folder, and the address of the API."""
    port = free_port()
    environment = {**mosquitto.environment_of("server"), "MQTT_URL": mosquitto.url("server", "wr%3Aong")}
    parts = [compute(tmp_path / "api", port, environment), workers(tmp_path / "host", 1, environment)]
    for part in parts:
        part.environment["CL_DATA"] = str(tmp_path / "data")
        part.start()
    try:
        yield tmp_path, f"http://127.0.0.1:{port}"
    finally:
        for part in parts:
            part.stop()


def test_servers_that_the_broker_refuses_say_so_once_and_work(refused: tuple[Path, str]) -> None:
    folder, url = refused
    logs = [folder / "api" / "log", folder / "host" / "log"]
    with httpx.Client(verify=False, base_url=url) as http:
        assert wait_until(lambda: answers(http), 30)
        job_id = str(http.post("/jobs/hash", files={"file": ("a", b"words")}).json()["job_id"])
        assert wait_until(lambda: http.get(f"/jobs/{job_id}").json()["status"] == "completed", 30)
        # What was not told is kept for whoever can tell it.
        with sqlite3.connect(folder / "data" / "jobs.sqlite") as database:
            told = database.execute("SELECT json_extract(job, '$.status') FROM outbox ORDER BY seq").fetchall()
        database.close()
        assert told == [("queued",), ("processing",), ("completed",)]
        assert wait_until(lambda: all("refuses us" in log.read_text() for log in logs), 30)
    for log in logs:
        text = log.read_text()
        assert text.count("refuses us: Not authorized") == 1
        assert "lost the broker" not in text
        assert "wr:ong" not in text
        assert "wr%3Aong" not in text
    arguments = [argument for process in psutil.Process().children(recursive=True) for argument in process.cmdline()]
    assert any("--slot" in argument for argument in arguments)
    assert not any("wr:ong" in argument or "wr%3Aong" in argument for argument in arguments)


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
