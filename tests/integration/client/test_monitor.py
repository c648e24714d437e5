"""Jobs and workers are followed by who submitted nothing."""

import asyncio
import signal
from collections.abc import AsyncGenerator

import pytest

from cl_client import (
    ClientClosedError,
    ComputeClient,
    ComputeClientConfig,
    MQTTJobMonitor,
    ServerConfig,
    WorkerCapability,
    WorkerUnavailableError,
)
from cl_client.jobs.collection import JobResponse
from cl_server.embedded import LocalStack
from tests.faults.proxy import fault_proxy
from tests.faults.test_watching import until
from tests.integration.client.conftest import Caller
from tests.publisher import as_server

Heard = asyncio.Queue[tuple[str, WorkerCapability | None]]
WORKER = b'{"id": "%s", "capabilities": ["%s"], "idle_count": 1, "timestamp": 1}'


@pytest.fixture
async def monitor(stack: LocalStack) -> AsyncGenerator[MQTTJobMonitor]:
    config = ServerConfig(compute_url=stack.compute_url)
    async with MQTTJobMonitor(stack.mqtt_host, stack.mqtt_port, server_config=config) as monitor:
        yield monitor


async def test_a_job_of_another_client_is_followed_by_callbacks_of_both_kinds(
    caller: Caller, every_client: ComputeClient
):
    words: list[str] = []
    ended: asyncio.Future[JobResponse] = asyncio.get_running_loop().create_future()

    async def on_complete(state: JobResponse) -> None:
        ended.set_result(state)

    stack = caller.stack
    config = ServerConfig(compute_url=stack.compute_url)
    signature = caller.signature()
    job = await every_client.hash.compute(b"x")
    async with MQTTJobMonitor(
        stack.mqtt_host, stack.mqtt_port, auth_provider=signature, server_config=config
    ) as monitor:
        dropped = monitor.subscribe_job_updates(job.job_id, on_complete=lambda _: pytest.fail("it was dropped"))
        monitor.subscribe_job_updates(job.job_id, lambda state: words.append(state.status), on_complete)
        monitor.unsubscribe(dropped)
        assert (await ended).task_output is not None
        await until(lambda: words[-1:] == ["completed"])


async def test_workers_are_known_and_waited_for(monitor: MQTTJobMonitor):
    assert await monitor.wait_for_capability("hash")
    await until(lambda: len(monitor.get_worker_capabilities()) == 2)
    assert all("hash" in worker.capabilities for worker in monitor.get_worker_capabilities().values())
    with pytest.raises(WorkerUnavailableError, match=r"no worker for nothing after 0\.05 s"):
        await monitor.wait_for_capability("nothing", timeout=0.05)


async def test_who_comes_late_hears_of_the_workers_that_are_there(monitor: MQTTJobMonitor):
    first, second = Heard(), Heard()
    monitor.subscribe_worker_updates(lambda *update: first.put_nowait(update))
    there = {(await first.get())[0], (await first.get())[0]}
    name = monitor.subscribe_worker_updates(lambda *update: second.put_nowait(update))
    assert {(await second.get())[0], (await second.get())[0]} == there
    monitor.unsubscribe(name)


async def test_a_worker_that_is_killed_is_gone_and_the_next_one_comes():
    with LocalStack(workers=1) as stack:
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            heard = Heard()

            async def tell(worker_id: str, worker: WorkerCapability | None) -> None:
                heard.put_nowait((worker_id, worker))

            client.workers.subscribe(tell)
            first, can = await heard.get()
            assert can is not None
            stack.kill("w0", signal.SIGKILL)
            assert await heard.get() == (first, None)
            assert await client.wait_for_workers(["hash"])
            assert (await client.get_capabilities()).num_workers == 1


async def test_waiting_for_workers_hears_of_them_from_the_broker(
    idle_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
):
    """Nothing but news wakes it here; that the server has heard it too may take another one."""
    monkeypatch.setattr(ComputeClientConfig, "FIRST_POLL_INTERVAL", 60.0)
    stack = idle_stack
    async with (
        ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client,
        as_server(stack) as broker,
    ):
        waiting = asyncio.create_task(client.wait_for_workers(["painting"]))
        idle = 0
        while not waiting.done():
            idle += 1
            word = WORKER.replace(b'_count": 1', b'_count": %d' % idle) % (b"new", b"painting")
            await broker.publish("inference/workers/new", word, qos=1, retain=True)
            await asyncio.sleep(0.01)
        assert await waiting
        await broker.publish("inference/workers/new", b"", qos=1, retain=True)


async def test_a_worker_that_went_while_the_broker_was_away_is_found_out(
    idle_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ComputeClientConfig, "WORKER_SILENCE", 0.2)
    stack = idle_stack
    async with as_server(stack) as broker:
        for name in (b"stays", b"goes"):
            await broker.publish(f"inference/workers/{name.decode()}", WORKER % (name, b"x"), qos=1, retain=True)
        async with (
            fault_proxy(stack.mqtt_host, stack.mqtt_port) as proxy,
            ComputeClient(stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=proxy.port) as client,
        ):
            heard = Heard()
            client.workers.subscribe(lambda *update: heard.put_nowait(update))
            assert {(await heard.get())[0], (await heard.get())[0]} == {"stays", "goes"}
            proxy.hold_answers()
            await broker.publish("inference/workers/goes", b"", qos=1, retain=True)
            proxy.release()
            proxy.reset()
            assert await heard.get() == ("goes", None)
            assert client.workers.known.keys() == {"stays"}
        await broker.publish("inference/workers/stays", b"", qos=1, retain=True)


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"id": "a", "capabilities": 3, "idle_count": 1, "timestamp": 1}',
        b'{"id": "a", "capabilities": [1], "idle_count": 1, "timestamp": 1}',
        b'{"id": "a", "capabilities": [], "idle_count": "x", "timestamp": 1}',
        b"[" * 100_000,
    ],
)
async def test_words_that_are_none_are_counted_and_ignored(payload: bytes):
    async with ComputeClient("http://127.0.0.1:9", mqtt_broker="127.0.0.1", mqtt_port=9) as client:
        client.workers.receive("inference/workers/a", payload)
        assert (client.workers.ignored, dict(client.workers.known)) == (1, {})


async def test_a_callback_that_is_slow_or_raises_hears_the_latest_of_each_worker(caplog: pytest.LogCaptureFixture):
    async with ComputeClient("http://127.0.0.1:9", mqtt_broker="127.0.0.1", mqtt_port=9) as client:
        heard: list[tuple[str, list[str] | None]] = []
        go_on = asyncio.Event()

        async def slow(worker_id: str, worker: WorkerCapability | None) -> None:
            heard.append((worker_id, None if worker is None else worker.capabilities))
            await go_on.wait()
            raise ZeroDivisionError

        client.workers.subscribe(slow)
        client.workers.receive("inference/workers/a", WORKER % (b"a", b"first"))
        await until(lambda: bool(heard))
        for n in range(100):
            client.workers.receive("inference/workers/a", WORKER % (b"a", b"%d" % n))
        client.workers.receive("inference/workers/b", WORKER % (b"b", b"x"))
        client.workers.receive("inference/workers/b", b"")
        go_on.set()
        await until(lambda: len(heard) == 3)
        assert heard == [("a", ["first"]), ("a", ["99"]), ("b", None)]
        await until(lambda: caplog.text.count("failed") == 3)


async def test_a_closed_monitor_says_so(monitor: MQTTJobMonitor):
    await monitor.close()
    with pytest.raises(ClientClosedError):
        monitor.subscribe_worker_updates(print)
    with pytest.raises(ClientClosedError):
        monitor.subscribe_job_updates("a")
