"""One MQTT session, from CONNECT to its end. The only module that touches aiomqtt.

Each workaround has a comment, and was measured with aiomqtt 2.5.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final, Self, TypeVar

import aiomqtt
from aiomqtt import ProtocolVersion
from aiomqtt.exceptions import MqttConnectError
from attrs import frozen
from paho.mqtt import client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cl_client.http.error_translation import refused_certificate

Version = ProtocolVersion
V5: Final = ProtocolVersion.V5
V311: Final = ProtocolVersion.V311
QOS: Final = 1

CONNECT_TIMEOUT: Final = 5.0
CLOSE_TIMEOUT: Final = 2.0

# CONNACK codes that another attempt would only get again: MQTT 3.1.1 §3.2.2.3 and MQTT 5 §3.2.2.2.
_REFUSED_FOR_GOOD: Final = {4, 5, 134, 135}
_VERSION_REFUSED: Final = {1, 132}
_SUBSCRIPTION_REFUSED: Final = 0x80

# paho logs each broken connection as an error. Here that is what exceptions are for.
_UNHEARD: Final = logging.getLogger("cl_client.paho")
_UNHEARD.setLevel(logging.CRITICAL)

Answer = TypeVar("Answer")


class SessionError(Exception):
    """It could not be made, or it has ended; one line that says why."""


class RefusedError(SessionError):
    """The broker knows us and will not have us, now or later."""


class UnspokenError(SessionError):
    """The broker does not speak this version of MQTT, or hung up instead of saying so."""


@frozen(kw_only=True)
class Endpoint:
    """Where to connect, and as whom.

    Attributes:
        keepalive: seconds without a word after which the other end is looked for.
        tls: `None` for a plain connection.
    """

    host: str
    port: int
    keepalive: int
    tls: ssl.SSLContext | None
    username: str | None
    password: str | None


class Session:
    """A session that stands."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    async def subscribe(self, topics: Sequence[str]) -> Sequence[str]:
        """Subscribe to all of them in one packet.

        Returns:
            Those that the broker refuses.

        Raises:
            SessionError: the session ends before the answer.
        """
        codes = await self._client.unless_ended(self._client.subscribe([(topic, QOS) for topic in topics]))
        return [topic for topic, code in zip(topics, codes, strict=False) if _number(code) >= _SUBSCRIPTION_REFUSED]

    async def unsubscribe(self, topics: Sequence[str]) -> None:
        """Hear no more of them; raises as `subscribe`."""
        await self._client.unless_ended(self._client.unsubscribe(list(topics)))

    async def until(self, event: asyncio.Event) -> None:
        """Wait for something else than the end of the session, which raises `SessionError`."""
        await self._client.unless_ended(event.wait())


@contextlib.asynccontextmanager
async def session(
    endpoint: Endpoint, version: ProtocolVersion, message: Callable[[str, bytes], None]
) -> AsyncGenerator[Session]:
    """Connect, and disconnect at the end of the block.

    A clean session and a random client id: what was missed while there was none is not the broker's to keep (brokers
    drop, and embedded ones forget).

    Args:
        endpoint: the broker.
        version: `V5` or `V311`.
        message: called at once with topic and payload of each message; may not raise or block.

    Raises:
        SessionError: there is none, or it ended.
    """
    # A new client for each attempt: a used one returns from __aenter__ without a CONNACK.
    client = _Client(
        endpoint.host,
        endpoint.port,
        protocol=version,
        queue_type=_queue_of(message),
        timeout=CONNECT_TIMEOUT,
        logger=_UNHEARD,
        keepalive=endpoint.keepalive,
        tls_context=endpoint.tls,
        username=endpoint.username,
        password=endpoint.password,
    )
    try:
        await _look_up(endpoint)
        await client.enter()
        try:
            yield Session(client)
        finally:
            await client.leave()
    except MqttConnectError as error:
        kind = RefusedError if _number(error.rc) in _REFUSED_FOR_GOOD else SessionError
        raise (UnspokenError if _number(error.rc) in _VERSION_REFUSED else kind)(str(error)) from error
    except _ClosedEarlyError as error:
        raise UnspokenError(str(error)) from error
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        if (refused := refused_certificate(error)) is not None:
            raise SessionError(
                f"its certificate is not trusted: {refused.verify_message}; "
                "MQTT_CA_FILE or COMPUTE_CA_FILE names its CA"
            ) from error
        raise SessionError(re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__) from error


async def _look_up(endpoint: Endpoint) -> None:
    """Find the broker's name, where that can be given up: paho does it in a thread that one has to wait for."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await asyncio.get_running_loop().getaddrinfo(endpoint.host, endpoint.port)
    except TimeoutError:
        raise SessionError(f"the look-up of {endpoint.host} takes too long") from None


class _ClosedEarlyError(aiomqtt.MqttError):
    """The connection was closed before its CONNACK."""


class _Client(aiomqtt.Client):
    _opened = False
    """Whether the thread that connects has done so."""
    _unwanted = False
    """Whether that was given up meanwhile."""

    async def enter(self) -> None:
        """`__aenter__`, without what it leaves behind: cancelled or timed out, it keeps its socket and a task."""
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The thread that connects cannot be cancelled, and what it opens has to be closed while there is a loop.
            entering.add_done_callback(self._abandon)
            self._unwanted = True
            if self._opened:
                entering.cancel()
            await asyncio.wait([entering], timeout=CLOSE_TIMEOUT)
            raise
        except aiomqtt.MqttError:
            self._client.disconnect()
            raise

    async def unless_ended(self, answer: Awaitable[Answer]) -> Answer:
        """Wait for an answer, without waiting out the timeout when the connection breaks before it."""
        waiting = asyncio.ensure_future(answer)
        try:
            await asyncio.wait((waiting, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not waiting.done():
                waiting.cancel()
            waiting.add_done_callback(_look_at)
        if waiting.done() and not waiting.cancelled():
            return waiting.result()
        why = self._disconnected.exception() if self._disconnected.done() else None
        raise aiomqtt.MqttError(f"the connection is lost: {why or 'closed by the broker'}")

    def _client_connect(self) -> None:
        super()._client_connect()
        # Each side says first and looks then, so that one of them sees the other.
        self._opened = True
        if self._unwanted:
            raise ConnectionAbortedError

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
            self._connected.set_exception(_ClosedEarlyError(f"closed before it stood: {reason_code}"))
        if self._connected.cancelled():
            # No caller waits for it, and aiomqtt would raise it while paho closes.
            return
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done():
            _look_at(self._disconnected)

    def _on_socket_register_write(self, client: mqtt.Client, userdata: object, sock: socket.socket) -> None:
        # aiomqtt hands the loop the number alone: of a socket that is closed before the loop comes to it, the number is
        # nobody's, which is an error that nobody catches, or by then another's.
        del userdata

        def write() -> None:
            try:
                client.loop_write()
            # As aiomqtt does: any error ends the connection.
            except Exception as error:
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def watch() -> None:
            if sock.fileno() != -1:
                self._loop.add_writer(sock, write)

        self._loop.call_soon_threadsafe(watch)

    async def leave(self) -> None:
        """`__aexit__`, within a bound, and whatever is left of the connection."""
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            await asyncio.wait_for(self.__aexit__(None, None, None), CLOSE_TIMEOUT)

    def _abandon(self, entering: asyncio.Future[Self]) -> None:
        _look_at(entering)
        self._client.disconnect()
        # At once: the loop may not come to it any more.
        self._client.loop_write()


def _look_at(ended: asyncio.Future[Answer]) -> None:
    """Look at its error, so that asyncio does not report it as forgotten."""
    if not ended.cancelled():
        ended.exception()


def _queue_of(message: Callable[[str, bytes], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue that hands each message on at once and keeps none.

    Three times the throughput of `async for`, which costs a task for each message, and no backlog to lose.
    """

    class Funnel(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            message(item.topic.value, item.payload)

    return Funnel


def _number(code: object) -> int:
    """The number of a reason code, which is an object of paho's or a plain one; 0 where there is none."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0
