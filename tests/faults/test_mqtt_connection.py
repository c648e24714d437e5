"""The connection to the broker: shared, in the version that the broker speaks, and made again whatever breaks it."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Callable

import aiomqtt
import pytest
from amqtt.broker import Broker as AmqttBroker
from attrs import frozen

from cl_client import ComputeClient, ServerConfig
from cl_client.watching import mqtt_connection
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_client.watching.mqtt_session import V5, Endpoint, session
from cl_server.embedded import LocalStack
from tests.conftest import GetStack
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.test_watching import until
from tests.ports import free_port
from tests.states import job, message


@pytest.fixture(autouse=True)
def quick_and_knowing_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow at once, and no broker is remembered from other tests."""
    monkeypatch.setattr(mqtt_connection, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(mqtt_connection, "LONGEST_DELAY", 0.05)
    mqtt_connection._OLDER.clear()


@frozen
class Ear:
    """What one listener heard."""

    messages: list[tuple[str, bytes]]
    ups: list[list[str]]
    downs: list[str]

    def listener(self) -> Listener:
        return Listener(
            lambda *heard: self.messages.append(heard), lambda topics: self.ups.append([*topics]), self.downs.append
        )


def ear() -> Ear:
    return Ear([], [], [])


def version(greeting: bytes) -> int:
    """The protocol level of a CONNECT: 5, or 4 for MQTT 3.1.1 (§3.1.2.2)."""
    return greeting[greeting.index(b"MQTT") + 4]


def speaks_five(greeting: bytes) -> bool:
    return version(greeting) == 5


@pytest.fixture
async def proxy(usual_mosquitto: int) -> AsyncGenerator[FaultProxy]:
    async with fault_proxy("127.0.0.1", usual_mosquitto) as proxy:
        yield proxy


async def publish(port: int, topic: str, payload: bytes = b"x") -> None:
    async with aiomqtt.Client("127.0.0.1", port) as publisher:
        await publisher.publish(topic, payload, qos=1)


async def test_all_clients_of_a_loop_share_a_connection_and_one_that_closes_disturbs_no_other(
    usual_mosquitto: int, proxy: FaultProxy
):
    place = Broker(host="127.0.0.1", port=proxy.port)
    ears = [ear(), ear(), ear()]
    first, second, third = (subscribe(place, one.listener()) for one in ears)
    first.add("t/+")
    second.add("t/a")
    third.add("t/a")
    await until(lambda: all(one.ups for one in ears))
    await first.close()
    await second.close()
    await publish(usual_mosquitto, "t/a")
    # Perhaps twice: the broker may not have heard yet that nobody listens to `t/+` any more.
    await until(lambda: ("t/a", b"x") in ears[2].messages)
    assert (ears[0].messages, ears[1].messages) == ([], [])
    assert proxy.connections == 1
    await third.close()
    assert not any(mqtt_connection._CONNECTIONS.values())


async def test_other_credentials_are_another_connection(proxy: FaultProxy):
    heard = ear()
    ours = [
        subscribe(Broker(host="127.0.0.1", port=proxy.port, username=name), heard.listener()) for name in ("a", "b")
    ]
    for one in ours:
        one.add("t")
    await until(lambda: len(heard.ups) == 2)
    assert proxy.connections == 2
    for one in ours:
        await one.close()


async def test_clients_share_and_the_last_one_leaves(idle_stack: LocalStack, proxy: FaultProxy):
    stack = idle_stack
    clients = [ComputeClient(stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=proxy.port) for _ in range(5)]
    for client in clients:
        client.jobs.watcher.start()
        client.workers.start()
    await until(lambda: proxy.connections == 1)
    for client in clients:
        await client.close()
    assert not any(mqtt_connection._CONNECTIONS.values())
    assert proxy.connections == 1


async def test_each_loop_has_a_connection_of_its_own(proxy: FaultProxy):
    place, heard = Broker(host="127.0.0.1", port=proxy.port), ear()

    async def listen_once() -> None:
        subscription = subscribe(place, heard.listener())
        subscription.add("t")
        while len(heard.ups) < 2:
            await asyncio.sleep(0.01)
        await subscription.close()

    subscription = subscribe(place, heard.listener())
    subscription.add("t")
    await asyncio.to_thread(asyncio.run, listen_once())
    await subscription.close()
    assert proxy.connections == 2


async def test_a_broker_is_spoken_to_in_mqtt_five(proxy: FaultProxy):
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
    subscription.add("t")
    await until(lambda: heard.ups == [["t"]])
    assert [version(greeting) for greeting in proxy.greetings] == [5]
    await subscription.close()


@pytest.mark.parametrize("refusal", ["code 132", "hangs up"])
async def test_a_broker_that_refuses_mqtt_five_is_spoken_to_in_three_and_remembered(
    usual_mosquitto: int, stacks: GetStack, refusal: str
):
    older = refusal == "code 132"
    port = stacks("amqtt").mqtt_port if older else usual_mosquitto
    async with fault_proxy("127.0.0.1", port, turns_away=lambda said: not older and speaks_five(said)) as proxy:
        heard = ear()
        for _ in range(2):
            subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
            subscription.add("t")
            await until(lambda: bool(heard.ups))
            heard.ups.clear()
            await subscription.close()
        assert [version(greeting) for greeting in proxy.greetings] == [5, 4, 4]
        assert heard.downs == []


async def test_a_broker_that_learned_mqtt_five_is_spoken_to_in_it(proxy: FaultProxy):
    mqtt_connection._OLDER.add(("127.0.0.1", proxy.port))
    proxy._turns_away = lambda said: not speaks_five(said)
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
    subscription.add("t")
    await until(lambda: bool(heard.ups))
    assert [version(greeting) for greeting in proxy.greetings] == [4, 5]
    await subscription.close()


@pytest.mark.parametrize("politely", [True, False], ids=["FIN", "RST"])
@pytest.mark.parametrize("cut", [0, 1, 3, 12, 15, 40])
async def test_a_connection_that_breaks_at_any_byte_is_made_again(usual_mosquitto: int, cut: int, politely: bool):
    """0: before CONNACK; 1, 3: in the middle of it; then before, in the middle of and after SUBACK."""
    place = ("127.0.0.1", usual_mosquitto)
    async with fault_proxy(*place, cut=cut, politely=politely) as proxy:
        heard = ear()
        subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
        subscription.add("t")
        # Long enough for the subscription to stand, and to be cut in the middle of a message.
        while not heard.downs:
            await publish(usual_mosquitto, "t", bytes(100))
        proxy.whole()
        heard.ups.clear()
        await until(lambda: bool(heard.ups))
        heard.messages.clear()
        # What stood may have been made before the cuts ended: again, until it is heard.
        async with asyncio.timeout(30):
            while ("t", b"whole") not in heard.messages:
                await publish(usual_mosquitto, "t", b"whole")
        await subscription.close()


@pytest.mark.parametrize("fault", [FaultProxy.reset, FaultProxy.end], ids=["RST", "FIN"])
async def test_an_idle_connection_that_breaks_is_made_again(proxy: FaultProxy, fault: Callable[[FaultProxy], None]):
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
    subscription.add("t")
    await until(lambda: len(heard.ups) == 1)
    fault(proxy)
    await until(lambda: len(heard.ups) == 2)
    assert len(heard.downs) == 1
    await subscription.close()


@pytest.mark.parametrize("fault", [FaultProxy.black_hole, FaultProxy.hold_answers, FaultProxy.lose_requests])
async def test_a_silence_in_one_or_both_directions_is_noticed(
    usual_mosquitto: int, proxy: FaultProxy, fault: Callable[[FaultProxy], None]
):
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port, keepalive=1), heard.listener())
    subscription.add("t")
    await until(lambda: len(heard.ups) == 1)
    fault(proxy)
    await until(lambda: bool(heard.downs))
    proxy.release()
    await until(lambda: len(heard.ups) == 2)
    await subscription.close()


async def test_a_broker_that_takes_the_connection_and_says_nothing_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("cl_client.watching.mqtt_session.CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        heard = ear()
        subscription = subscribe(Broker(host="127.0.0.1", port=silent.getsockname()[1]), heard.listener())
        subscription.add("t")
        await until(lambda: heard.downs == ["Operation timed out"])
        await subscription.close()


@pytest.mark.parametrize("connecting", [False, True], ids=["connected", "while a thread connects"])
@pytest.mark.parametrize("whose_end", ["the session's", "the loop's"])
def test_waiting_for_a_silent_broker_is_given_up_at_once_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, whose_end: str, connecting: bool
):
    monkeypatch.setattr("cl_client.watching.mqtt_session.CLOSE_TIMEOUT", 100)
    monkeypatch.setattr("cl_client.watching.mqtt_session.CONNECT_TIMEOUT", 100)
    connect, goes_on = aiomqtt.Client._client_connect, threading.Event()

    def slowly(client: aiomqtt.Client) -> None:
        connect(client)
        goes_on.wait()

    if connecting:
        monkeypatch.setattr(aiomqtt.Client, "_client_connect", slowly)

    async def give_up() -> socket.socket:
        subscription = subscribe(Broker(host="127.0.0.1", port=silent.getsockname()[1]), ear().listener())
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(silent)
        assert b"MQTT" in await loop.sock_recv(connection, 100)
        threading.Timer(0.1, goes_on.set).start()
        if whose_end == "the session's":
            await subscription.close()
        return connection

    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        with asyncio.run(give_up()) as connection:
            connection.setblocking(True)
            assert connection.makefile("rb").read()[:1] == b"\xe0", "no DISCONNECT (MQTT 5 §3.14)"
    assert caplog.messages == []


async def test_a_subscription_whose_answer_never_comes_is_tried_again(
    usual_mosquitto: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cl_client.watching.mqtt_session.CONNECT_TIMEOUT", 0.3)
    async with fault_proxy("127.0.0.1", usual_mosquitto) as proxy:
        heard = ear()
        subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
        subscription.add("first")
        await until(lambda: bool(heard.ups))
        proxy.hold_answers()
        subscription.add("second")
        await until(lambda: bool(heard.downs))
        proxy.release()
        await until(lambda: sorted(heard.ups[-1]) == ["first", "second"])
        await subscription.close()


async def test_a_connection_that_breaks_under_a_write_troubles_no_other(usual_mosquitto: int):
    """Its number was given to the loop, which found it closed, or found the socket that had it next."""
    uncaught: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: uncaught.append(context))
    endpoint = Endpoint(host="127.0.0.1", port=usual_mosquitto, keepalive=5, tls=None, username=None, password=None)
    async with session(endpoint, V5, lambda topic, payload: None) as broken:
        paho = broken._client._client
        paho.publish("inference/events", b"{}")
        paho._sock_close()
    assert uncaught == []


async def test_who_joins_a_connection_in_trouble_hears_of_it():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = Broker(host="127.0.0.1", port=nobody.getsockname()[1])
        first, second = ear(), ear()
        ours = [subscribe(place, first.listener())]
        await until(lambda: bool(first.downs))
        ours.append(subscribe(place, second.listener()))
        await until(lambda: "refused" in second.downs[0] if second.downs else False)
        for one in ours:
            await one.close()


def assigned_id(connack: bytes) -> str:
    """The client id that the broker chose (MQTT 5 §3.2.2.3.7), in the properties of a CONNACK."""
    properties = connack[5:]
    at = properties.index(0x12)
    length = int.from_bytes(properties[at + 1 : at + 3])
    return properties[at + 3 : at + 3 + length].decode()


async def test_a_client_id_that_somebody_else_takes_is_given_up_for_a_new_one(usual_mosquitto: int, proxy: FaultProxy):
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=proxy.port), heard.listener())
    subscription.add("t")
    await until(lambda: len(heard.ups) == 1)
    thief = aiomqtt.Client(
        "127.0.0.1",
        usual_mosquitto,
        identifier=assigned_id(proxy.answers[0]),
        protocol=aiomqtt.ProtocolVersion.V5,
    )
    async with thief:
        await until(lambda: len(heard.ups) == 2)
        assert len(heard.downs) == 1
        await thief.publish("t", b"both are there", qos=1)
        await until(lambda: heard.messages == [("t", b"both are there")])
    await subscription.close()


async def test_a_refused_subscription_is_told_and_the_others_stand():
    port = free_port()
    amqtt = AmqttBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
                "amqtt.plugins.topic_checking.TopicTabooPlugin": {},
            },
        }
    )
    await amqtt.start()
    heard = ear()
    subscription = subscribe(Broker(host="127.0.0.1", port=port), heard.listener())
    subscription.add("prohibited")
    subscription.add("allowed")
    await until(lambda: bool(heard.ups) and bool(heard.downs))
    assert heard.ups == [["allowed"]]
    assert heard.downs == ["the broker refuses a subscription to prohibited"]
    await subscription.close()
    await amqtt.shutdown()


async def test_jobs_with_topics_of_their_own_are_heard_and_left_at_their_end(usual_mosquitto: int):
    config = ServerConfig(
        compute_url="http://127.0.0.1:9",
        mqtt_host="127.0.0.1",
        mqtt_port=usual_mosquitto,
        mqtt_events="status/{job_id}/now",
    )
    async with ComputeClient(server_config=config) as client:
        watcher = client.jobs.watcher
        watches = [watcher.watch(str(n)) for n in range(2_500)]
        odd = watcher.watch("a+b#c")
        connection = next(iter(mqtt_connection._CONNECTIONS[asyncio.get_running_loop()].values()))
        await until(lambda: not connection._wanted and watcher._online)
        await publish(usual_mosquitto, "status/2499/now", message(job("2499", status="completed")))
        assert (await watches[-1].end()).status == "completed"
        for watch in watches:
            watcher.unwatch(watch.id)
        await until(lambda: not connection._topics and not connection._unwanted)
        watcher.unwatch(odd.id)


async def test_a_job_with_a_topic_of_its_own_is_asked_for_when_it_stands(local_stack: LocalStack, usual_mosquitto: int):
    stack = local_stack
    config = ServerConfig(
        compute_url=stack.compute_url,
        mqtt_host="127.0.0.1",
        mqtt_port=usual_mosquitto,
        mqtt_events="nobody/publishes/{job_id}",
    )
    async with ComputeClient(server_config=config) as client:
        done = await asyncio.gather(*(client.hash.compute(bytes([n]), wait=True) for n in range(20)))
    assert {one.status for one in done} == {"completed"}
