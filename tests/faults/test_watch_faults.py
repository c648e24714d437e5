"""What else may happen to a watch: races, bursts, callbacks that misbehave, a loop that stands still, cancelling."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest
from attrs import evolve

from cl_client import ClientClosedError, ComputeClient, ComputeClientConfig
from cl_client.model import JobState
from cl_client.watching import mqtt_connection
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_client.watching.watcher import Watcher
from cl_server.embedded import LocalStack
from tests.faults.proxy import fault_proxy
from tests.faults.test_watching import open_files, until
from tests.integration.client.test_trouble import host_and_port
from tests.publisher import as_server, publish_all
from tests.states import FakeServer, job, message


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts to connect follow at once."""
    monkeypatch.setattr(mqtt_connection, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(mqtt_connection, "LONGEST_DELAY", 0.05)


def client_through(compute_port: int, mqtt_port: int) -> ComputeClient:
    return ComputeClient(f"http://127.0.0.1:{compute_port}", mqtt_broker="127.0.0.1", mqtt_port=mqtt_port)


async def test_an_end_before_the_subscription_stands_is_heard(local_stack: LocalStack):
    stack = local_stack
    async with fault_proxy(stack.mqtt_host, stack.mqtt_port) as events:
        events.hold_answers()
        client = ComputeClient(stack.compute_url, mqtt_broker="127.0.0.1", mqtt_port=events.port)
        async with client, ComputeClient(stack.compute_url, mqtt_port=9) as other:
            job = await client.hash.compute(b"x")
            waiting = asyncio.create_task(job.wait())
            await other.wait_for_job(job.job_id, poll_interval=0.01)
            events.release()
            assert (await waiting).status == "completed"


async def test_an_end_between_the_subscription_and_the_answer_is_heard_once(local_stack: LocalStack):
    stack = local_stack
    heard: list[str] = []
    async with fault_proxy(*host_and_port(stack.compute_url)) as http:
        async with client_through(http.port, stack.mqtt_port) as client, ComputeClient(stack.compute_url) as other:
            await client.hash.compute(b"the connection to the broker is made", wait=True)
            job = await other.hash.compute(b"x")
            http.hold_answers()
            watch = client.jobs.watcher.watch(job.job_id, on_complete=lambda end: heard.append(end.status))
            await other.wait_for_job(job.job_id, poll_interval=0.01)
            http.release()
            await watch.end()
    assert heard == ["completed"]


async def test_an_answer_from_before_the_end_does_not_undo_it():
    server, ends = FakeServer(), list[str]()
    server.jobs["a"] = job(status="processing", at=1)
    watcher = Watcher(server.fetch, None)
    server.open.clear()
    watch = watcher.watch("a", on_complete=lambda end: ends.append(end.status))
    await server.question.wait()
    watcher.receive("t", message(job(status="completed", at=2)))
    server.open.set()
    await watch.end()
    await until(lambda: server.open.is_set() and len(asyncio.all_tasks()) == 1)
    assert (watch.state.status if watch.state else None, ends) == ("completed", ["completed"])
    await watcher.close()


async def test_a_watch_that_is_dropped_while_its_job_is_told_of_disturbs_no_other():
    server = FakeServer()
    server.jobs["a"] = job()
    watcher = Watcher(server.fetch, None)
    first = watcher.watch("a", mirror=lambda _: watcher.unwatch(second.id))
    second = watcher.watch("a")
    third = watcher.watch("a")
    watcher.deliver(job(status="completed", at=2))
    assert [(await watch.end()).status for watch in (first, third)] == ["completed"] * 2
    await watcher.close()


async def test_messages_of_strangers_and_retained_ones_are_no_news(idle_stack: LocalStack):
    stack = idle_stack
    async with as_server(stack) as publisher:
        stale = message(job("of-old", status="completed"))
        await publisher.publish("inference/events", stale, qos=1, retain=True)
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            mine = await client.hash.compute(b"x", on_complete=lambda end: pytest.fail(end.status))
            await until(lambda: client.jobs.watcher._online)
            for payload in (b"{", b"x" * 9_000_000, json.dumps({"job_id": mine.job_id, "status": "resting"}).encode()):
                await publisher.publish("inference/events", payload, qos=1)
            await until(lambda: client.jobs.watcher.ignored == 2 and mine.status == "resting")
            assert not mine.done()
        await publisher.publish("inference/events", b"", qos=1, retain=True)


async def test_a_burst_of_twenty_thousand_loses_no_end(usual_mosquitto: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_AFTER", (1.0, 2.0))
    server, ends = FakeServer(), Counter[str]()
    names = [str(n) for n in range(2_000)]
    server.jobs = {name: job(name) for name in names}

    def connect(watcher: Watcher) -> mqtt_connection.Subscription:
        place = Broker(host="127.0.0.1", port=usual_mosquitto)
        return subscribe(place, Listener(watcher.receive, watcher.online, watcher.offline))

    watcher = Watcher(server.fetch, connect)
    watches = [watcher.watch(name, on_complete=lambda end: ends.update([end.job_id])) for name in names]
    await until(lambda: all(watch.state for watch in watches))
    steps = [job(status="processing", progress=10 * n, at=2 + n) for n in range(9)] + [job(status="completed", at=99)]
    payloads = [message(evolve(step, job_id=name)) for step in steps for name in names]
    server.jobs = {name: job(name, status="completed", at=99) for name in names}
    await asyncio.to_thread(publish_all, usual_mosquitto, payloads)
    await asyncio.gather(*(watch.end() for watch in watches))
    assert ends == Counter(names)
    assert watcher.watched == 0
    await watcher.close()


async def test_ten_thousand_watches_each_hear_one_end():
    server, ends, tasks = FakeServer(), Counter[str](), len(asyncio.all_tasks())
    names = [str(n) for n in range(10_000)]
    server.jobs = {name: job(name) for name in names}
    watcher = Watcher(server.fetch, None)
    watches = [watcher.watch(name, on_complete=lambda end: ends.update([end.job_id])) for name in names]
    for at in (2, 2, 3):
        for name in names:
            watcher.receive("t", message(job(name, status="completed", at=at)))
    await asyncio.gather(*(watch.end() for watch in watches))
    assert (ends, watcher.watched) == (Counter(names), 0)
    await until(lambda: len(asyncio.all_tasks()) == tasks)
    await watcher.close()


async def test_both_channels_down_together_are_outlasted(idle_stack: LocalStack):
    stack = idle_stack
    async with (
        fault_proxy(*host_and_port(stack.compute_url)) as http,
        fault_proxy(stack.mqtt_host, stack.mqtt_port) as events,
        client_through(http.port, events.port) as client,
        ComputeClient(stack.compute_url, mqtt_port=9) as other,
    ):
        heard: list[str] = []
        job = await client.hash.compute(b"x", on_complete=lambda end: heard.append(end.status))
        await until(lambda: client.jobs.watcher._online)
        await http.stop()
        await events.stop()
        await until(lambda: not client.jobs.watcher._online)
        await other.jobs.cancel(job.job_id)
        await http.start()
        await events.start()
        await until(lambda: heard == ["cancelled"])


async def test_a_loop_that_stands_still_loses_its_connection_and_no_job(
    idle_stack: LocalStack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """With a keepalive of 1 s the broker hangs up (MQTT 5 §3.1.2.10); what it says after that is lost.

    It may after 1.5 s. mosquitto looks every 5 s: the loop stands still for longer than that.
    """
    monkeypatch.setattr(ComputeClientConfig, "MQTT_KEEPALIVE", 1)
    stack = idle_stack
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        job = await client.hash.compute(b"x")
        watch = job.follow()
        await until(lambda: client.jobs.watcher._online)

        def cancel_meanwhile() -> httpx.Response:
            time.sleep(7)
            return httpx.post(f"{stack.compute_url}/jobs/{job.job_id}/cancel")

        cancelling = asyncio.create_task(asyncio.to_thread(cancel_meanwhile))
        await asyncio.sleep(0)
        time.sleep(8)  # noqa: ASYNC251 (this is the fault)
        assert (await watch.end()).status == "cancelled"
        assert (await cancelling).is_success
    assert "following jobs over HTTP instead" in caplog.text


async def test_a_callback_that_blocks_delays_the_others_and_loses_nothing():
    server, heard = FakeServer(), list[str]()
    server.jobs = {name: job(name) for name in "ab"}
    watcher = Watcher(server.fetch, None)

    def block(_: JobState) -> None:
        time.sleep(0.05)

    watches = [watcher.watch("a", block, block), watcher.watch("b", on_complete=lambda end: heard.append(end.job_id))]
    for name in "ab":
        watcher.receive("t", message(job(name, status="completed", at=2)))
    await asyncio.gather(*(watch.end() for watch in watches))
    assert heard == ["b"]
    await watcher.close()


Step = Callable[[ComputeClient], Awaitable[object]]


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.hash.compute(b"x", wait=True),
        lambda client: client.wait_for_workers(["nothing"]),
        lambda client: client.workers.wait_for("nothing"),
        lambda client: anext(client.jobs.list()),
    ],
    ids=["submit", "wait_for_workers", "wait_for", "list"],
)
async def test_a_call_that_is_cancelled_at_any_await_leaves_nothing_behind(idle_stack: LocalStack, call: Step):
    stack, files = idle_stack, 0
    tasks = len(asyncio.all_tasks())
    for moment in range(24):
        client = ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port)
        calling = asyncio.ensure_future(call(client))
        for _ in range(moment * 2):
            await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        assert client.jobs.watcher.watched == 0
        await client.close()
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        files = files or open_files()
    assert open_files() <= files + 2


def test_a_watch_from_another_loop_or_thread_is_refused(idle_stack: LocalStack):
    stack = idle_stack
    client = ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port)
    refusals: list[str] = []

    async def elsewhere() -> None:
        for call in (client.subscribe_job_updates, client.workers.subscribe):
            try:
                call(lambda *_: None) if call == client.workers.subscribe else call("a")
            except ClientClosedError as error:
                refusals.append(str(error))

    async def here() -> None:
        client.subscribe_job_updates("a")
        client.workers.subscribe(lambda *_: None)
        thread = threading.Thread(target=asyncio.run, args=[elsewhere()])
        thread.start()
        await asyncio.to_thread(thread.join)
        await client.close()

    asyncio.run(here())
    assert len(refusals) == 2
    assert all("another event loop" in refusal for refusal in refusals)


async def test_a_broker_that_is_told_to_stop_is_outwaited():
    with LocalStack(workers=0) as stack:
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            job = await client.hash.compute(b"x")
            watch = job.follow()
            await until(lambda: client.jobs.watcher._online)
            await asyncio.to_thread(stack.restart, "broker")
            await until(lambda: client.jobs.watcher._online)
            await client.jobs.cancel(job.job_id)
            assert (await watch.end()).status == "cancelled"
