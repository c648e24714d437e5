"""How many events of a broker reach ten thousand watches in a second, against a bare aiomqtt loop that only parses.

In the same version of MQTT, which is the broker's to choose: in MQTT 5, paho makes an object for the properties of each
message, empty as they are here, and that is half of the time. Ours speaks MQTT 5 where it can, and is also told against
a loop in 3.1.1, which is aiomqtt's default and has no properties.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import aiomqtt

from cl_api.compute.models import JobResponse
from cl_client.watching import mqtt_connection
from cl_client.watching.watcher import Watcher
from cl_server.stack import broker
from tests.bench.figure import Figure
from tests.ports import free_port
from tests.publisher import publish_all

WATCHES = 10_000
EVENTS = 20_000
ROUNDS = 5
TOPIC = "inference/events"
V5, V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311
VERSIONS = {V5: "MQTT 5", V311: "MQTT 3.1.1"}
# Which of ours against which loop.
PAIRS = {(V5, V5): 0.8, (V311, V311): 0.8, (V5, V311): None}

Rates: TypeAlias = dict[aiomqtt.ProtocolVersion, float]


def figures() -> Iterator[Figure]:
    mosquitto = broker.find_mosquitto()
    if mosquitto is None:
        raise SystemExit("the figure of events needs mosquitto, and there is none on PATH")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder:
        file = Path(folder, "mosquitto.conf")
        # All of them may wait: what is measured is who takes them out, and what is dropped would count for neither.
        file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        process = subprocess.Popen([mosquitto, "-c", str(file)], stderr=subprocess.DEVNULL)
        try:
            while not broker.answers(port):
                time.sleep(0.01)
            ours, loops = asyncio.run(_events_per_second(port))
        finally:
            process.terminate()
            process.wait()
    for (one, other), bound in PAIRS.items():
        name = f"events, ours in {VERSIONS[one]} / bare aiomqtt loop in {VERSIONS[other]}"
        detail = f"{ours[one]:.0f} / {loops[other]:.0f} events/s to {WATCHES} watches"
        yield Figure(name, ours[one] / loops[other], bound, at_least=True, detail=detail)


async def _events_per_second(port: int) -> tuple[Rates, Rates]:
    """Of ours, and of the loops."""
    ours: dict[aiomqtt.ProtocolVersion, list[float]] = {version: [] for version in VERSIONS}
    loops: dict[aiomqtt.ProtocolVersion, list[float]] = {version: [] for version in VERSIONS}
    payloads = [_event(number) for number in range(EVENTS)]
    for _ in range(ROUNDS):
        for version in VERSIONS:
            ours[version].append(EVENTS / await _watched(port, payloads, version))
            loops[version].append(EVENTS / await _parsed(port, payloads, version))
    return _medians(ours), _medians(loops)


def _medians(rates: dict[aiomqtt.ProtocolVersion, list[float]]) -> Rates:
    return {version: statistics.median(measured) for version, measured in rates.items()}


async def _watched(port: int, payloads: list[bytes], version: aiomqtt.ProtocolVersion) -> float:
    """Seconds until the last watch has heard its last event."""
    stands, all_heard = asyncio.Event(), asyncio.Event()
    asked = heard = 0

    def never(_: str) -> asyncio.Future[JobResponse]:
        nonlocal asked
        asked += 1
        return asyncio.get_running_loop().create_future()

    # As if the broker had said that it does not speak MQTT 5.
    mqtt_connection._OLDER.discard(("127.0.0.1", port))
    if version is V311:
        mqtt_connection._OLDER.add(("127.0.0.1", port))

    def connect(watcher: Watcher) -> mqtt_connection.Subscription:
        def up(topics: Sequence[str]) -> None:
            watcher.online(topics)
            stands.set()

        place = mqtt_connection.Broker(host="127.0.0.1", port=port)
        return mqtt_connection.subscribe(place, mqtt_connection.Listener(watcher.receive, up, watcher.offline))

    def hear(_: JobResponse) -> None:
        nonlocal heard
        heard += 1
        if heard == EVENTS:
            all_heard.set()

    watcher = Watcher(never, connect)
    for number in range(WATCHES):
        watcher.watch(f"job-{number}", mirror=hear)
    await stands.wait()
    # Each watch asks the server once at its beginning, which is not what is measured here.
    while asked < WATCHES:
        await asyncio.sleep(0)
    start = time.perf_counter()
    publishing = asyncio.create_task(asyncio.to_thread(publish_all, port, payloads))
    await all_heard.wait()
    seconds = time.perf_counter() - start
    await publishing
    await watcher.close()
    return seconds


async def _parsed(port: int, payloads: list[bytes], version: aiomqtt.ProtocolVersion) -> float:
    """Seconds until a loop as aiomqtt's documentation has it has seen the last event."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
        await client.subscribe(TOPIC, qos=1)
        start = time.perf_counter()
        publishing = asyncio.create_task(asyncio.to_thread(publish_all, port, payloads))
        seen = 0
        async for message in client.messages:
            json.loads(bytes(message.payload))
            seen += 1
            if seen == len(payloads):
                break
        seconds = time.perf_counter() - start
        await publishing
    return seconds


def _event(number: int) -> bytes:
    job = JobResponse(
        job_id=f"job-{number % WATCHES}",
        task_type="hash",
        status="processing",
        params={"algorithm": "all"},
        progress=number * 100 // EVENTS,
        created_at=1,
        started_at=1,
        updated_at=number + 1,
    )
    return json.dumps({**job.to_dict(), "event_type": "processing", "timestamp": number + 1}).encode()
