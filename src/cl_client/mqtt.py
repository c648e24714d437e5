"""The connection to the MQTT broker: kept up, and silent about everything but messages, up and down.

The only module that touches aiomqtt. What it works around was measured with aiomqtt 2.5.1 and is said at each place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import Final, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from attrs import frozen
from paho.mqtt import client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cl_client.errors import InvalidParameterError

CONNECT_TIMEOUT: Final = 5.0
CLOSE_TIMEOUT: Final = 2.0
FIRST_DELAY: Final = 0.2
LONGEST_DELAY: Final = 30.0
STABLE_AFTER: Final = 10.0

# CONNACK codes that another attempt would only get again: MQTT 3.1.1 §3.2.2.3 and MQTT 5 §3.2.2.2.
_REFUSED_FOR_GOOD: Final = {4, 5, 134, 135}
_SUBSCRIPTION_REFUSED: Final = 0x80

# paho logs each broken connection as an error. Here that is what `down` is for.
_UNHEARD: Final = logging.getLogger("cl_client.paho")
_UNHEARD.setLevel(logging.CRITICAL)


@frozen
class Listener:
    """What a `Connection` tells. None of the three may raise or block.

    Attributes:
        message: topic and payload, in the order of arrival.
        up: the subscription stands: from now on nothing is missed.
        down: it does not stand any more, or could not be made, and why. Called once for each attempt.
    """

    message: Callable[[str, bytes], None]
    up: Callable[[], None]
    down: Callable[[str], None]


class Connection:
    """Subscribes to a topic at QoS 1 and stays subscribed until it is closed.

    A clean session and a random client id each time: what was missed while it was down is not the broker's to keep
    (brokers drop, and embedded ones forget); whoever listens asks the server again when `up` is called.
    """

    def __init__(
        self,
        host: str,
        port: int,
        topic: str,
        listener: Listener,
        *,
        keepalive: int,
        tls: ssl.SSLContext | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.host: str = host
        self.port: int = port
        self._topic = topic
        self._listener = listener
        self._keepalive = keepalive
        self._tls = tls
        self._username = username
        self._password = password
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected(), name="cl_client mqtt")

    async def close(self) -> None:
        """Leave the broker, within 2 seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT)

    async def _stay_connected(self) -> None:
        attempt = 0
        loop = asyncio.get_running_loop()
        while True:
            stood_since: float | None = None
            try:
                async with self._session() as client:
                    stood_since = loop.time()
                    self._listener.up()
                    # Messages went to the listener already (see _queue_of); this loop only notices the end.
                    async for _ in client.messages:
                        pass
            except MqttConnectError as error:
                self._listener.down(str(error))
                if _code(error) in _REFUSED_FOR_GOOD:
                    return
            except Exception as error:  # whatever it is, the next attempt may stand
                self._listener.down(re.sub(r"^\[Errno \d+\] ", "", str(error)) or type(error).__name__)
            if stood_since is not None and loop.time() - stood_since > STABLE_AFTER:
                attempt = 0
            # Full jitter: a thousand clients of a broker that restarts do not come back in one moment.
            await asyncio.sleep(random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * (1 << attempt))))  # noqa: S311
            attempt = min(attempt + 1, 16)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncGenerator[aiomqtt.Client]:
        # A new client for each attempt: a used one returns from __aenter__ without a CONNACK.
        client = _Client(
            self.host,
            self.port,
            queue_type=_queue_of(self._listener.message),
            timeout=CONNECT_TIMEOUT,
            logger=_UNHEARD,
            keepalive=self._keepalive,
            tls_context=self._tls,
            username=self._username,
            password=self._password,
        )
        await client.enter()
        try:
            await client.listen_to(self._topic)
            yield client
        finally:
            await client.leave()


def trust(ca_file: str | None) -> ssl.SSLContext:
    """TLS that trusts these certificates, or those of the system (`SSL_CERT_FILE` is heard).

    Raises:
        InvalidParameterError: the file is not there, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one too
        raise InvalidParameterError(f"cannot trust {ca_file}: {error.strerror or error}") from error


class _Client(aiomqtt.Client):
    async def enter(self) -> None:
        """`__aenter__`, without what it leaves behind: cancelled or timed out, it keeps its socket and a task."""
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The thread that connects cannot be cancelled, and what it opens has to be closed while there is a loop.
            await asyncio.wait([entering], timeout=CLOSE_TIMEOUT)
            if not entering.done():
                entering.add_done_callback(self._abandon)
            elif not entering.cancelled() and entering.exception() is None:
                await self.leave()
            raise
        except aiomqtt.MqttError:
            self._client.disconnect()
            raise

    async def listen_to(self, topic: str) -> None:
        """`subscribe` at QoS 1, without waiting out the timeout when the connection breaks before the SUBACK."""
        asking = asyncio.ensure_future(self.subscribe(topic, qos=1))
        try:
            await asyncio.wait((asking, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not asking.done():
                asking.cancel()
        if asking.cancelled() or not asking.done():
            raise aiomqtt.MqttError("closed before the subscription stood")
        if any(isinstance(code, int) and code >= _SUBSCRIPTION_REFUSED for code in asking.result()):
            raise aiomqtt.MqttError(f"the broker refuses a subscription to {topic}")

    def _on_disconnect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        # aiomqtt hears nothing of a connection that breaks before its CONNACK, and waits out the timeout.
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError(f"closed before it stood: {reason_code}"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done() and not self._disconnected.cancelled():
            # Looked at, so that asyncio does not report it as forgotten.
            self._disconnected.exception()

    async def leave(self) -> None:
        """`__aexit__`, within a bound, and whatever is left of the connection."""
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            await asyncio.wait_for(self.__aexit__(None, None, None), CLOSE_TIMEOUT)

    def _abandon(self, entering: asyncio.Future[Self]) -> None:
        if not entering.cancelled():
            entering.exception()
        self._client.disconnect()


def _queue_of(message: Callable[[str, bytes], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue that hands each message on at once and keeps none.

    Three times the throughput of `async for`, which costs a task for each message, and no backlog to lose.
    """

    class Funnel(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            message(item.topic.value, item.payload)

    return Funnel


def _code(error: MqttConnectError) -> int | None:
    value = getattr(error.rc, "value", error.rc)
    return value if isinstance(value, int) else None
