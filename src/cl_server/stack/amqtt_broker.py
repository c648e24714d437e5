"""`python -m cl_server.stack.amqtt_broker PORT`: the process of the broker that pip brings.

The password with which the servers may publish is in `CL_BROKER_PASSWORD`.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from amqtt.broker import Broker

from cl_server import log
from cl_server.stack import parent_watchdog

# The shutdown of amqtt waits forever for a peer that never sent CONNECT.
SHUTDOWN = 1.0


def main(argv: list[str]) -> None:
    """Serve MQTT 3.1.1 on a port of the loopback interface until SIGTERM."""
    log.configure("broker")
    # It logs every packet, and logs disconnects as warnings.
    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    parent_watchdog.hold()
    if not asyncio.run(serve(int(argv[0]))):
        os._exit(0)


async def serve(port: int) -> bool:
    """Run the broker; `False` when it could not be shut down in time."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"cl_server.stack.amqtt_access.Password": {}, "cl_server.stack.amqtt_access.ServersTell": {}},
        }
    )
    await broker.start()
    await stop.wait()
    shutdown = asyncio.ensure_future(broker.shutdown())
    await asyncio.wait({shutdown}, timeout=SHUTDOWN)
    if not shutdown.done():
        return False
    with contextlib.suppress(Exception):
        await shutdown
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
