"""Topics of the broker that are about anything but jobs, such as those of a store."""

import contextlib

import aiomqtt
import pytest

from cl_client import ComputeClient, TopicMessage
from cl_client.errors import InvalidParameterError, ResponseError, ServerUnreachableError
from cl_client.runtime import ServerClient
from cl_client.sync import ComputeClient as SyncComputeClient
from tests.ports import free_port

NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize("kind", [ServerClient, ComputeClient])
async def test_what_is_retained_comes_first_and_then_what_is_new(usual_mosquitto: int, kind: type[ServerClient]):
    topic = f"store/{kind.__name__}/status"
    async with (
        aiomqtt.Client("127.0.0.1", usual_mosquitto) as broker,
        kind(NOWHERE, mqtt_url=f"mqtt://127.0.0.1:{usual_mosquitto}") as client,
    ):
        await broker.publish(f"{topic}/1", b'{"entity_id": 1}', qos=1, retain=True)
        async with contextlib.aclosing(client.listen(f"{topic}/+")) as messages:
            first = await anext(messages)
            assert (first.topic, first.json()) == (f"{topic}/1", {"entity_id": 1})
            await broker.publish(f"{topic}/2", b"no object", qos=1)
            with pytest.raises(ResponseError, match="not a JSON object"):
                (await anext(messages)).json()
            await broker.publish(f"{topic}/1", b"", qos=1, retain=True)
            assert await anext(messages) == TopicMessage(f"{topic}/1", b"")


def test_without_asyncio_it_is_a_generator(usual_mosquitto: int):
    with SyncComputeClient(NOWHERE, mqtt_url=f"mqtt://127.0.0.1:{usual_mosquitto}") as client:
        messages = client.listen("$SYS/broker/version")
        assert b"mosquitto" in next(messages).payload
        messages.close()


async def test_a_broker_that_is_away_is_an_error_and_no_silence():
    async with ServerClient(NOWHERE, mqtt_url=f"mqtt://127.0.0.1:{free_port()}") as client:
        with pytest.raises(ServerUnreachableError, match="MQTT broker"):
            await anext(client.listen("store/status"))


@pytest.mark.parametrize("topic", ["", "a/#/b", "a+/b", "#b", "a\0"])
async def test_what_is_no_topic_is_refused(topic: str):
    async with ServerClient(NOWHERE) as client:
        with pytest.raises(InvalidParameterError, match="is no topic"):
            await anext(client.listen(topic))
