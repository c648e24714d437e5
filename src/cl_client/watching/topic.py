"""The messages of a topic of the broker, one after the other."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import AsyncGenerator
from typing import Final

from cl_client.errors import InvalidParameterError, ServerUnreachableError
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_client.watching.topic_message import TopicMessage

logger = logging.getLogger(__name__)

MOST: Final = 10_000
"""Messages that wait for a slow reader."""


async def messages(broker: Broker, topic: str) -> AsyncGenerator[TopicMessage]:
    """The messages of a topic, which may have the wildcards of MQTT: what is retained first, then what comes.

    An outage is bridged: what is retained comes anew after it. A reader that is too slow misses the oldest of more
    than 10,000 messages.

    Raises:
        InvalidParameterError: it is no topic.
        ServerUnreachableError: there is no broker, or it refuses the topic.
    """
    _check(topic)
    inbox = _Inbox(f"MQTT broker {broker.host}:{broker.port}")
    subscription = subscribe(broker, Listener(inbox.message, inbox.up, inbox.down))
    try:
        subscription.add(topic)
        while True:
            yield await inbox.next()
    finally:
        await subscription.close()


class _Inbox:
    """What came and was not read yet."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._messages: collections.deque[TopicMessage] = collections.deque(maxlen=MOST)
        self._news = asyncio.Event()
        self._was_up = False
        self._trouble: str | None = None

    def message(self, topic: str, payload: bytes) -> None:
        if len(self._messages) == MOST:
            logger.warning("the oldest message of %s is lost: its reader is too slow", topic)
        self._messages.append(TopicMessage(topic, payload))
        self._news.set()

    def up(self, _: object) -> None:
        self._was_up = True

    def down(self, reason: str) -> None:
        text = f"{self._broker} is not reachable ({reason})"
        if self._was_up:
            logger.warning("%s: messages may be missed until it is", text)
        else:
            self._trouble = text
        self._news.set()

    async def next(self) -> TopicMessage:
        while not self._messages:
            if self._trouble is not None:
                raise ServerUnreachableError(self._trouble, hint="MQTT_URL or mqtt_url says where the broker is")
            self._news.clear()
            await self._news.wait()
        return self._messages.popleft()


def _check(topic: str) -> None:
    """MQTT 5 §4.7."""
    levels = topic.split("/")
    is_one = bool(topic) and "\0" not in topic and len(topic.encode()) < 1 << 16 and "#" not in topic[:-1]
    if not is_one or any(("+" in level or "#" in level) and len(level) > 1 for level in levels):
        raise InvalidParameterError(f"{topic!r} is no topic of MQTT: + stands for one level, and # for all that follow")
