#!/usr/bin/env bash
# amqtt 0.12.1 keeps two connections of one client id alive.
#
# MQTT 3.1.1 says of CONNECT: "If the ClientId represents a Client already connected to the Server then the Server MUST
# disconnect the existing Client" [MQTT-3.1.4-2]. Two clients that share an id by mistake find out by that.
# Seen: the broker accepts the second connection, closes nothing, and answers the PINGREQ of both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check amqtt==0.12.1
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import contextlib
import logging
import socket

from amqtt.broker import Broker

logging.disable(logging.CRITICAL)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
SETTINGS = {
    "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{PORT}"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}
# MQTT 3.1.1, clean session, keep alive of 60 s, client id "same".
CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04same"
PINGREQ = b"\xc0\x00"


async def read(reader, size):
    """The next bytes; `silent` where none come within 3 s, `closed` where the broker hangs up."""
    try:
        return (await asyncio.wait_for(reader.readexactly(size), 3)).hex()
    except TimeoutError:
        return "silent"
    except asyncio.IncompleteReadError:
        return "closed"


async def main():
    broker = Broker(SETTINGS)
    await broker.start()
    first, to_first = await asyncio.open_connection("127.0.0.1", PORT)
    to_first.write(CONNECT)
    print("CONNACK of the first:", await read(first, 4))
    second, to_second = await asyncio.open_connection("127.0.0.1", PORT)
    to_second.write(CONNECT)
    print("CONNACK of the second:", await read(second, 4))
    print("the first then:", await read(first, 1))
    for name, reader, writer in (("first", first, to_first), ("second", second, to_second)):
        writer.write(PINGREQ)
        print(f"PINGRESP of the {name}:", await read(reader, 2))
        writer.close()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(broker.shutdown(), 5)


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo 'changed'; exit 1; }
CONNACK of the first: 20020000
CONNACK of the second: 20020000
the first then: silent
PINGRESP of the first: d000
PINGRESP of the second: d000
SEEN
