"""Jobs are watched to their end while broker, server and network do their worst."""

import asyncio
import contextlib
import signal
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from cl_client import ComputeClient
from cl_client.config import ComputeClientConfig
from cl_client.model import JobState
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_server.embedded import LocalStack
from tests.conftest import KINDS, require
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.integration.client.test_trouble import host_and_port
from tests.integration.server.freeze import freeze
from tests.media.photo import corners, encoded


@pytest.fixture
async def events(stack: LocalStack) -> AsyncGenerator[asyncio.Queue[bytes]]:
    """All that the broker says, heard by somebody else than the client."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    up = asyncio.Event()
    listener = Listener(lambda _, payload: heard.put_nowait(payload), lambda _: up.set(), print)
    subscription = subscribe(Broker(host=stack.mqtt_host, port=stack.mqtt_port, keepalive=11), listener)
    subscription.add("inference/events")
    await up.wait()
    yield heard
    await subscription.close()


@pytest.mark.parametrize("broker_is_up", [True, False])
async def test_a_job_that_ends_before_the_post_returns_is_heard_once(
    stack: LocalStack, events: asyncio.Queue[bytes], broker_is_up: bool
):
    async with fault_proxy(*host_and_port(stack.compute_url)) as proxy:
        port = stack.mqtt_port if broker_is_up else 9
        async with ComputeClient(f"http://127.0.0.1:{proxy.port}", mqtt_broker="127.0.0.1", mqtt_port=port) as client:
            await client.hash.compute(b"the connection to the broker is made", wait=True)
            while not events.empty():
                events.get_nowait()
            heard: list[str] = []
            proxy.hold_answers()
            submitted = asyncio.create_task(
                client.hash.compute(b"quick", on_complete=lambda state: heard.append(state.status), wait=True)
            )
            while b'"completed"' not in await events.get():
                pass
            assert not submitted.done()
            proxy.release()
            job = await submitted
            assert heard == ["completed"]
            assert job.output.sha256 is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_broker_that_is_killed_under_fifty_jobs_loses_none(kind: str):
    require(kind)
    with LocalStack(workers=2, broker=kind) as stack:
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            await client.hash.compute(b"the connection to the broker is made", wait=True)
            ends: Counter[str] = Counter()
            outputs: dict[str, object] = {}
            all_ended = asyncio.Event()

            def on_complete(state: JobState) -> None:
                ends[state.job_id] += 1
                outputs[state.job_id] = state.task_output
                if len(ends) == 50:
                    all_ended.set()

            # They begin when all are there, and all are not over before the first one is heard of.
            await asyncio.to_thread(freeze, stack, "w0", "w1")
            photo = encoded(corners(800, 600))
            jobs = [await client.image_conversion.convert(photo, "webp", on_complete=on_complete) for _ in range(50)]
            first_broker = stack.pids()["broker"]
            for worker in ("w0", "w1"):
                stack.kill(worker, signal.SIGCONT)
            await until(lambda: bool(ends))
            assert len(ends) < 50
            await asyncio.to_thread(stack.restart, "broker", signal.SIGKILL)
            await all_ended.wait()
            assert stack.pids()["broker"] != first_broker
            # A late second word would come with what the broker and the server still have to say.
            await client.hash.compute(b"one more", wait=True)
            assert ends == Counter({job.job_id: 1 for job in jobs})
            assert all(isinstance(output, dict) for output in outputs.values())
            assert client.jobs.watcher.watched == 0


async def test_a_broker_that_is_down_is_said_once_and_stops_nothing(
    local_stack: LocalStack, caplog: pytest.LogCaptureFixture
):
    async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=9) as client:
        for n in range(3):
            await client.hash.compute(str(n).encode(), wait=True)
    assert caplog.text.count("MQTT broker 127.0.0.1:9 is not reachable") == 1


async def test_a_broker_of_another_server_does_not_keep_a_job_waiting(local_stack: LocalStack):
    with LocalStack(workers=0, broker="amqtt") as other:
        async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=other.mqtt_port) as client:
            for n in range(3):
                await client.hash.compute(str(n).encode(), wait=True, timeout=20)


async def test_a_broker_that_comes_late_takes_over(local_stack: LocalStack, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "cl_client")
    proxy = FaultProxy(local_stack.mqtt_host, local_stack.mqtt_port)
    await proxy.start()
    await proxy.stop()
    async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=proxy.port) as client:
        await client.hash.compute(b"before", wait=True)
        await proxy.start()
        while "sends events of jobs" not in caplog.text:
            await asyncio.sleep(0.01)
        await client.hash.compute(b"after", wait=True)
    await proxy.stop()


async def test_a_broker_that_swallows_everything_is_outwaited(local_stack: LocalStack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_AFTER", (0.3, 0.5))
    async with fault_proxy(local_stack.mqtt_host, local_stack.mqtt_port) as proxy:
        async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=proxy.port) as client:
            await client.hash.compute(b"before", wait=True)
            proxy.black_hole()
            for n in range(5):
                assert (await client.hash.compute(str(n).encode(), wait=True)).done()


async def test_a_broker_that_never_says_hello_is_left_behind_in_time(local_stack: LocalStack):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=port) as client:
            assert (await client.hash.compute(b"x", wait=True)).done()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_hundred_broken_connections_leave_nothing_behind(
    local_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cl_client.watching.mqtt_connection.FIRST_DELAY", 0.0)
    tasks, files = len(asyncio.all_tasks()), 0
    async with fault_proxy(local_stack.mqtt_host, local_stack.mqtt_port) as proxy:
        async with ComputeClient(local_stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=proxy.port) as client:
            for n in range(100):
                client.jobs.watcher.start()
                made = proxy.connections
                while proxy.connections == made:
                    proxy.reset()
                    await asyncio.sleep(0.001)
                if n == 20:
                    files = open_files()
            assert (await client.hash.compute(b"x", wait=True)).done()
            assert open_files() <= files + 10
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("moment", range(8))
async def test_closing_at_any_moment_of_connecting_leaves_nothing_behind(local_stack: LocalStack, moment: int):
    tasks = len(asyncio.all_tasks())
    client = ComputeClient(local_stack.compute_url, mqtt_broker=local_stack.mqtt_host, mqtt_port=local_stack.mqtt_port)
    client.jobs.watcher.start()
    for _ in range(moment * 3):
        await asyncio.sleep(0)
    await client.close()
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def test_a_server_that_restarts_under_a_watch_is_outwaited(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with LocalStack(workers=1) as stack:
        async with fault_proxy(*host_and_port(stack.compute_url)) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            async with ComputeClient(url, mqtt_broker="127.0.0.1", mqtt_port=9) as client:
                job = await client.hash.compute(b"x")
                await proxy.stop()
                waiting = asyncio.create_task(job.wait())
                await until(lambda: "still trying" in caplog.text)
                with contextlib.suppress(OSError):
                    await proxy.start()
                await waiting
                assert job.status == "completed"
    assert caplog.text.count("still trying") == 1
