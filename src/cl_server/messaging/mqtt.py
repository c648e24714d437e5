"""One MQTT connection of a server process: a thread of paho, which reconnects automatically."""

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cl_server.broker_address import BrokerAddress

QOS = 1
KEEPALIVE = 15
# A job has a handful of events. During an outage of the broker, clients find the rest over HTTP.
QUEUED = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """The callbacks for messages of a topic, and for each time it is subscribed."""

    on_message: Callable[[str, bytes], None]
    on_connect: Callable[[], None]


class Connection:
    """Publishes from any thread. During an outage of the broker, messages wait in a bounded queue."""

    def __init__(self, broker: BrokerAddress, client_id: str) -> None:
        self._broker = broker
        self._subscriptions: dict[str, Subscription] = {}
        self._on_connect: list[Callable[[], None]] = []
        self._connected = threading.Event()
        self._unsent: MQTTMessageInfo | None = None
        self._dropping = False
        self._complaint: str | None = None
        # MQTT 3.1.1: amqtt refuses version 5.
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv311)
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if (context := broker.trust()) is not None:
            self._client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType] (paho may lack ssl)
        self._client.max_queued_messages_set(QUEUED)
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._connect
        self._client.on_connect_fail = self._unreachable
        self._client.on_disconnect = self._disconnect
        self._client.on_message = self._message

    def last_will(self, topic: str) -> None:
        """Make the broker clear a retained topic when this process ends. Call before `start` (MQTT 3.1.1 §3.1.2.5)."""
        self._client.will_set(topic, b"", QOS, retain=True)

    def when_connected(self, callback: Callable[[], None]) -> None:
        """Call back on every connect, in paho's thread."""
        self._on_connect.append(callback)

    def subscribe(self, topic: str, on_message: Callable[[str, bytes], None], on_connect: Callable[[], None]) -> None:
        """Subscribe on every connect."""
        self._subscriptions[topic] = Subscription(on_message, on_connect)

    def start(self) -> None:
        """Connect in the background, and try until it succeeds."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE)
        self._client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected.is_set()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> MQTTMessageInfo:
        """Queue a message. Never blocks, and raises no error during an outage of the broker. See `dropped`."""
        info = self._client.publish(topic, payload, QOS, retain)
        if not dropped(info):
            self._dropping = False
            self._unsent = info
        elif not self._dropping:
            log.warning("the broker is unreachable and the queue is full: messages are dropped")
            self._dropping = True
        return info

    def stop(self, timeout: float = 1.0) -> None:
        """Deliver what was published, for at most `timeout` seconds, and disconnect."""
        if self._unsent is not None and self._connected.is_set():
            try:
                self._unsent.wait_for_publish(timeout)
            except (RuntimeError, ValueError):
                log.info("the last message could not be delivered")
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(
        self, client: Client, data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del data, flags, properties
        if reason.is_failure:
            self._complain(f"the broker at {self._broker.host}:{self._broker.port} refuses us: {reason}")
            return
        self._complaint = None
        for topic, subscription in self._subscriptions.items():
            subscription.on_connect()
            client.subscribe(topic, QOS)
        for callback in self._on_connect:
            callback()
        self._connected.set()

    def _disconnect(
        self, client: Client, data: object, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, data, flags, properties
        lost = self._connected.is_set()
        self._connected.clear()
        if lost and reason.is_failure:
            self._complain(f"lost the broker ({reason}); connecting again")

    def _unreachable(self, client: Client, data: object) -> None:
        del client, data
        # paho calls this while it handles the error, and does not pass it on.
        error = sys.exception()
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        self._complain(f"the broker at {self._broker.host}:{self._broker.port} cannot be reached: {reason}")

    def _complain(self, said: str) -> None:
        """Once, however often it is tried."""
        if said != self._complaint:
            log.warning("%s", said)
            self._complaint = said

    def _message(self, client: Client, data: object, message: MQTTMessage) -> None:
        del client, data
        for subscription in self._subscriptions.values():
            subscription.on_message(message.topic, bytes(message.payload))


def dropped(info: MQTTMessageInfo) -> bool:
    """Whether a message wasn't queued, because the broker has been unavailable for too long."""
    return info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
