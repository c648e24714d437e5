"""Watching beside a broker that tells, is silent, comes or goes."""

import asyncio
import logging

import pytest

from cl_client.config import ComputeClientConfig
from cl_client.watching.watcher import Watcher
from tests.states import FakeServer, job, message


async def test_a_broker_that_tells_of_our_jobs_is_given_a_moment_before_the_server_is_asked(
    server: FakeServer, watcher: Watcher
):
    server.jobs = {"a": job(), "b": job("b", status="completed", at=2)}
    watcher.online()
    first = watcher.watch("a")
    watcher.receive("t", message(job(status="completed", at=2)))
    quick, silent = watcher.watch("c"), watcher.watch("b")
    for _ in range(10):
        await asyncio.sleep(0)
    watcher.receive("t", message(job("c", status="completed")))
    assert [(await watch.end()).status for watch in (first, quick, silent)] == ["completed"] * 3
    assert server.asked == {"b": 1}


async def test_a_job_that_the_broker_told_of_before_its_watch_is_not_asked_for(
    server: FakeServer, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ComputeClientConfig, "FIRST_POLL_INTERVAL", 0.0)
    watcher.online()
    watcher.receive("t", message(job(status="processing", at=2)))
    watcher.receive("t", message(job(at=1)))
    watch = watcher.watch("a")
    assert watch.state is not None
    assert watch.state.status == "processing"
    for _ in range(10):
        await asyncio.sleep(0)
    watcher.receive("t", message(job(status="completed", at=3)))
    await watch.end()
    assert server.asked == {}


async def test_what_the_broker_told_before_it_was_lost_is_not_relied_on(server: FakeServer, watcher: Watcher):
    watcher.online()
    watcher.receive("t", message(job(status="processing", at=2)))
    watcher.offline("gone")
    server.jobs["a"] = job(status="completed", at=3)
    watch = watcher.watch("a")
    assert watch.state is None
    assert (await watch.end()).status == "completed"


async def test_when_the_subscription_stands_every_job_is_asked_for(server: FakeServer, watcher: Watcher):
    server.jobs = {name: job(name) for name in "abc"}
    watches = [watcher.watch(name) for name in "abc"]
    for watch in watches:
        await anext(watch.states())
    server.jobs = {name: job(name, status="completed", at=2) for name in "abc"}
    watcher.online()
    assert [(await watch.end()).job_id for watch in watches] == ["a", "b", "c"]


async def test_without_a_broker_it_is_said_once_and_the_server_is_asked(
    server: FakeServer, watcher: Watcher, caplog: pytest.LogCaptureFixture
):
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    for _ in range(3):
        watcher.offline("connection refused")
    await anext(watch.states())
    server.jobs["a"] = job(status="completed", at=2)
    assert (await watch.end()).status == "completed"
    assert caplog.text.count("over HTTP instead") == 1


async def test_when_the_broker_is_lost_every_job_is_asked_for_soon(server: FakeServer, watcher: Watcher):
    watcher.online()
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    await anext(watch.states())
    server.jobs["a"] = job(status="completed", at=2)
    watcher.offline("gone")
    assert (await watch.end()).status == "completed"


async def test_a_broker_that_comes_and_goes_is_one_warning(
    server: FakeServer, watcher: Watcher, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO, "cl_client"):
        for _ in range(3):
            watcher.offline("gone")
            watcher.online()
    levels = [record.levelname for record in caplog.records if "over HTTP instead" in record.message]
    assert levels == ["WARNING", "INFO", "INFO"]


async def test_a_silent_job_is_asked_for_though_the_broker_stands(
    server: FakeServer, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_AFTER", (0.02, 0.03))
    watcher.online()
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    await anext(watch.states())
    watcher.receive("t", message(job(status="processing", at=2)))
    server.jobs["a"] = job(status="completed", at=3)
    assert (await watch.end()).status == "completed"


async def test_a_broker_that_never_told_of_our_jobs_is_not_relied_on(server: FakeServer, watcher: Watcher):
    watcher.online()
    watcher.receive("t", message(job("of somebody else", status="processing")))
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    await anext(watch.states())
    server.jobs["a"] = job(status="completed", at=2)
    async with asyncio.timeout(ComputeClientConfig.SWEEP_AFTER[0] / 2):
        assert (await watch.end()).status == "completed"


async def test_a_job_that_talks_is_left_alone(server: FakeServer, watcher: Watcher, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_AFTER", (0.2, 0.2))
    watcher.online()
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    await anext(watch.states())
    watcher.receive("t", message(job(status="processing", progress=1, at=1)))
    server.question.clear()
    await server.question.wait()  # this was due before the broker had proven itself
    asked = server.asked["a"]
    loop = asyncio.get_running_loop()
    until, at = loop.time() + 0.5, 2
    while loop.time() < until:
        watcher.receive("t", message(job(status="processing", progress=at % 100, at=at)))
        at += 1
        await asyncio.sleep(0.02)
    assert server.asked["a"] == asked


async def test_silent_jobs_are_asked_for_in_moments_that_they_share(
    server: FakeServer, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_AFTER", (0.3, 0.9))
    monkeypatch.setattr(ComputeClientConfig, "SWEEP_STEP", 0.25)
    names = [f"job {number}" for number in range(200)]
    server.jobs = {name: job(name) for name in names}
    watcher.online()
    for name in names:
        watcher.watch(name)
        watcher.receive("t", message(job(name, status="processing", at=2)))
    loop = asyncio.get_running_loop()
    moments = set[float]()
    while min(server.asked[name] for name in names) < 2:
        server.question.clear()
        await server.question.wait()
        if all(server.asked[name] for name in names):
            moments.add(round(loop.time(), 3))
    # Between 0.3 and 0.9 s there are three moments that are 0.25 s apart, and a fourth where one is rounded up.
    assert len(moments) <= 2 * 4
