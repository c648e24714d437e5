"""Clients that listen to topics of the broker, whatever those are about."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from cl_client.loops.closing import Closing
from cl_client.watching.topic_message import TopicMessage

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Broker


class Listening(Closing):
    """A client with a broker."""

    @abstractmethod
    def _broker(self) -> Broker: ...

    async def listen(self, topic: str) -> AsyncGenerator[TopicMessage]:
        """Iterate over the messages of an MQTT topic: retained ones first, and then each message as it arrives.

        Args:
            topic: The topic, such as `store/status`. `+` stands for one level, and `#` at the end for all that follow.

        Raises:
            InvalidParameterError: The topic is invalid.
            ServerUnreachableError: The broker isn't reachable. Later outages don't end the iteration.
        """
        # aiomqtt takes 100 ms to import: only who listens pays for it.
        from cl_client.watching.topic import messages

        async with contextlib.aclosing(messages(self._broker(), topic)) as heard:
            async for message in heard:
                yield message
