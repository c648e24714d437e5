"""What tells the broker of a stack something, as its servers do."""

import aiomqtt

from cl_server.embedded import LocalStack


def as_server(stack: LocalStack) -> aiomqtt.Client:
    """A connection that may publish."""
    broker = stack.broker_address()
    return aiomqtt.Client(broker.host, broker.port, username=broker.username, password=broker.password)
