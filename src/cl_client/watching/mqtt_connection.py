"""The connection to the MQTT broker: kept up, and shared by all who listen to the same broker in one event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Final, Self, TypeVar

from attrs import field, frozen

from cl_client.config.defaults import ComputeClientConfig
from cl_client.config.servers import ServerConfig
from cl_client.errors import InvalidParameterError
from cl_client.http.auth import AuthProvider
from cl_client.http.options import Trust, context_of
from cl_client.watching.mqtt_session import (
    CLOSE_TIMEOUT,
    V5,
    V311,
    Endpoint,
    RefusedError,
    Session,
    UnspokenError,
    Version,
    session,
)

FIRST_DELAY: Final = 0.2
LONGEST_DELAY: Final = 30.0
STABLE_AFTER: Final = 10.0
TOPICS_AT_ONCE: Final = 1_000
"""10,000 subscriptions take 3.5 s one by one, and 0.14 s like this."""

# Brokers that did not speak MQTT 5 when they were last asked, by host and port.
_OLDER: Final[set[tuple[str, int]]] = set()

Value = TypeVar("Value")


@frozen
class BearerToken:
    """The token that a provider signs requests with now."""

    provider: AuthProvider = field(eq=id)

    def __call__(self) -> str | None:
        scheme, _, token = self.provider.get_headers().get("Authorization", "").partition(" ")
        return token if scheme == "Bearer" else None


@frozen(kw_only=True)
class Broker:
    """A broker, and who we are to it. Who says the same of it shares one connection.

    Attributes:
        tls: whether to speak TLS.
        ca_file: certificates (PEM) to trust; those of the system (`SSL_CERT_FILE` is heard) when not given.
        context: of the program, where no file is for the broker alone.
        cert_file: our own certificate (PEM), for a broker that wants one.
        key_file: its key, where that is not in the same file.
        token: gives a password that changes; asked at each attempt, and goes before `password`.
    """

    host: str
    port: int
    keepalive: int = 10
    tls: bool = False
    ca_file: str | None = None
    context: ssl.SSLContext | None = field(default=None, eq=id)
    cert_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: BearerToken | None = None

    @classmethod
    def of(cls, config: ServerConfig, auth: AuthProvider | None, trust: Trust | None = None) -> Self:
        """The broker that a configuration names; `trust` is what the servers are trusted by."""
        own = config.mqtt_ca_file or config.mqtt_cert_file
        return cls(
            host=config.mqtt_host,
            port=config.mqtt_port,
            keepalive=ComputeClientConfig.MQTT_KEEPALIVE,
            tls=config.mqtt_tls,
            ca_file=config.mqtt_ca_file or (os.fspath(trust) if isinstance(trust, str | os.PathLike) else None),
            context=trust if isinstance(trust, ssl.SSLContext) and not own else None,
            cert_file=config.mqtt_cert_file,
            key_file=config.mqtt_key_file,
            username=config.mqtt_username,
            password=config.mqtt_password,
            token=BearerToken(auth) if config.mqtt_jwt and auth is not None else None,
        )

    def trust(self) -> ssl.SSLContext | None:
        """TLS as this broker wants it.

        Raises:
            InvalidParameterError: a file is not there, or is not what it should be.
        """
        if not self.tls:
            return None
        context = self.context or context_of(self.ca_file)
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise InvalidParameterError(f"cannot use {self.cert_file}: {error.strerror or error}") from error
        return context


@frozen
class Listener:
    """What a connection tells. None of the three may raise or block.

    Attributes:
        message: topic and payload, in the order of arrival.
        up: subscriptions to these topics stand: from now on nothing is missed. Retained messages may come before.
        down: none stands any more, or could not be made, and why. Called once for each attempt.
    """

    message: Callable[[str, bytes], None]
    up: Callable[[Sequence[str]], None]
    down: Callable[[str], None]


class Subscription:
    """The part of one listener in a connection: its topics, which may have the wildcards of MQTT."""

    def __init__(self, connection: Connection, listener: Listener) -> None:
        self.listener: Listener = listener
        self._connection = connection
        self._topics: set[str] = set()

    @property
    def broker(self) -> Broker:
        return self._connection.broker

    def add(self, topic: str) -> None:
        """Listen to a topic, at QoS 1; retained messages come anew."""
        self._topics.add(topic)
        self._connection.add(topic, self)

    def remove(self, topic: str) -> None:
        """Stop listening to a topic."""
        if topic in self._topics:
            self._topics.remove(topic)
            self._connection.remove(topic, self)

    async def close(self) -> None:
        """Stop listening. The last one to go closes the connection, within 2 seconds."""
        for topic in list(self._topics):
            self.remove(topic)
        await self._connection.leave(self)


class Connection:
    """A connection that is restored when it breaks, while there are subscriptions. `subscribe` returns one."""

    def __init__(self, broker: Broker) -> None:
        self.broker: Broker = broker
        self._tls = broker.trust()
        self._subscriptions: set[Subscription] = set()
        self._topics: dict[str, set[Subscription]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        # What the broker is still to be told: topics, each with those who wait for its SUBACK, and topics to leave.
        self._wanted: dict[str, set[Subscription]] = {}
        self._unwanted: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._trouble: str | None = None
        self._task: asyncio.Task[None] | None = None

    def join(self, listener: Listener) -> Subscription:
        """Take in one who listens; begins to connect where that was given up."""
        subscription = Subscription(self, listener)
        self._subscriptions.add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._stay_connected(), name="cl_client mqtt")
        elif self._trouble is not None:
            asyncio.get_running_loop().call_soon(listener.down, self._trouble)
        return subscription

    async def leave(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        if self._subscriptions:
            return
        _forget(self)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT)

    def add(self, topic: str, subscription: Subscription) -> None:
        self._topics.setdefault(topic, set()).add(subscription)
        if "+" in topic or "#" in topic:
            self._patterns[topic] = _pattern(topic)
        self._unwanted.pop(topic, None)
        self._wanted.setdefault(topic, set()).add(subscription)
        self._changed.set()

    def remove(self, topic: str, subscription: Subscription) -> None:
        self._topics[topic].discard(subscription)
        if self._topics[topic]:
            return
        del self._topics[topic]
        self._patterns.pop(topic, None)
        self._wanted.pop(topic, None)
        self._unwanted[topic] = None
        self._changed.set()

    async def _stay_connected(self) -> None:
        attempt = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._connect()
            except RefusedError as error:
                self._tell_down(str(error))
                # A token may be a better one the next time; a password stays the same.
                if self.broker.token is None:
                    return
            except Exception as error:  # whatever it is, the next attempt may stand
                self._tell_down(str(error) or type(error).__name__)
            if loop.time() - began > STABLE_AFTER:
                attempt = 0
            # Full jitter: a thousand clients of a broker that restarts do not come back in one moment.
            await asyncio.sleep(random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * (1 << attempt))))  # noqa: S311 (no secret)
            attempt = min(attempt + 1, 16)

    async def _connect(self) -> None:
        """Hold a session for as long as it lasts, in MQTT 5 where the broker speaks it, else in 3.1.1."""
        place = (self.broker.host, self.broker.port)
        if place not in _OLDER:
            try:
                await self._hold(V5)
            except UnspokenError:
                _OLDER.add(place)
        try:
            await self._hold(V311)
        except UnspokenError:
            # It was not the version, or it is another broker by now.
            _OLDER.discard(place)
            raise

    async def _hold(self, version: Version) -> None:
        async with session(self._endpoint(), version, self._receive) as broker:
            self._trouble = None
            self._wanted = {topic: set(waiting) for topic, waiting in self._topics.items()}
            self._unwanted = {}
            while True:
                self._changed.clear()
                await self._catch_up(broker)
                await broker.until(self._changed)

    async def _catch_up(self, broker: Session) -> None:
        """Bring the broker to what is wanted now."""
        while self._wanted or self._unwanted:
            if gone := _take(self._unwanted):
                await broker.unsubscribe(list(gone))
            if new := _take(self._wanted):
                self._tell_up(new, await broker.subscribe(list(new)))

    def _endpoint(self) -> Endpoint:
        broker = self.broker
        token = broker.token() if broker.token is not None else None
        return Endpoint(
            host=broker.host,
            port=broker.port,
            keepalive=broker.keepalive,
            tls=self._tls,
            # MQTT 3.1.1 §3.1.2.9 has no password without a user.
            username=broker.username or ("jwt" if token is not None else None),
            password=broker.password if token is None else token,
        )

    def _receive(self, topic: str, payload: bytes) -> None:
        for subscription in tuple(self._topics.get(topic, ())):
            subscription.listener.message(topic, payload)
        for filter, pattern in tuple(self._patterns.items()):
            if pattern.fullmatch(topic):
                for subscription in tuple(self._topics.get(filter, ())):
                    subscription.listener.message(topic, payload)

    def _tell_up(self, topics: dict[str, set[Subscription]], refused: Sequence[str]) -> None:
        standing: dict[Subscription, list[str]] = {}
        for topic in topics.keys() - set(refused):
            for subscription in topics[topic] & self._subscriptions:
                standing.setdefault(subscription, []).append(topic)
        for subscription, its_topics in standing.items():
            subscription.listener.up(its_topics)
        for topic in refused[:1]:
            for subscription in topics[topic] & self._subscriptions:
                subscription.listener.down(f"the broker refuses a subscription to {topic}")

    def _tell_down(self, reason: str) -> None:
        self._trouble = reason
        for subscription in tuple(self._subscriptions):
            subscription.listener.down(reason)


_CONNECTIONS: Final[dict[asyncio.AbstractEventLoop, dict[Broker, Connection]]] = {}


def subscribe(broker: Broker, listener: Listener) -> Subscription:
    """Listen to a broker, over the connection that this event loop has with it, or a new one.

    Raises:
        InvalidParameterError: the files for TLS cannot be used.
    """
    for loop in [loop for loop in _CONNECTIONS if loop.is_closed()]:
        del _CONNECTIONS[loop]
    connections = _CONNECTIONS.setdefault(asyncio.get_running_loop(), {})
    connection = connections.get(broker)
    if connection is None:
        connection = connections[broker] = Connection(broker)
    return connection.join(listener)


def _forget(connection: Connection) -> None:
    connections = _CONNECTIONS.get(asyncio.get_running_loop(), {})
    if connections.get(connection.broker) is connection:
        del connections[connection.broker]


def _take(topics: dict[str, Value]) -> dict[str, Value]:
    """Take as many of them as fit into one packet."""
    return {topic: topics.pop(topic) for topic in list(itertools.islice(topics, TOPICS_AT_ONCE))}


def _pattern(filter: str) -> re.Pattern[str]:
    """A topic filter (MQTT 5 §4.7.1) as a pattern."""
    text = re.escape(filter).replace(r"\+", "[^/]*").replace(r"/\#", "(?:/.*)?").replace(r"\#", ".*")
    return re.compile(text, re.DOTALL)
