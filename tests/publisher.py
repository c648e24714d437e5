"""What tells a broker something, as the servers do."""

import socket

import aiomqtt

from cl_server.embedded import LocalStack
from cl_server.stack.broker import CONNECT


def as_server(stack: LocalStack) -> aiomqtt.Client:
    """A connection that may publish."""
    broker = stack.broker_address()
    return aiomqtt.Client(broker.host, broker.port, username=broker.username, password=broker.password)


def publish_all(port: int, payloads: list[bytes]) -> None:
    """Publish in one breath, as no client library does, and wait until the broker has acknowledged all of it."""
    topic = b"\x00\x10inference/events"
    packets: list[bytes] = []
    for number, payload in enumerate(payloads):
        body = topic + (number % 65_535 + 1).to_bytes(2) + payload
        # PUBLISH at QoS 1, and its length in two bytes of seven bits each (MQTT 3.1.1 §2.2.3).
        packets.append(bytes((0x32, len(body) & 127 | 128, len(body) >> 7)) + body)
    with socket.create_connection(("127.0.0.1", port), 30) as publisher:
        publisher.sendall(CONNECT + b"".join(packets))
        missing = 4 + 4 * len(packets)
        while missing:
            missing -= len(publisher.recv(missing))
