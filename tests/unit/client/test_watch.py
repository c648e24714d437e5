"""One listener: what it hears, and what its callbacks may do."""

import asyncio

import pytest

from cl_client.model import JobState
from cl_client.watching.watcher import Watcher
from tests.states import FakeServer, job, message


async def test_every_watch_of_a_job_hears_the_end(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    watches = [watcher.watch("a") for _ in range(3)]
    watcher.deliver(job(status="completed", at=2))
    assert [(await watch.end()).status for watch in watches] == ["completed"] * 3


async def test_an_end_is_heard_once_however_often_it_is_told(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    heard: list[str] = []
    watch = watcher.watch("a", on_complete=lambda state: heard.append(state.status))
    for _ in range(3):
        watcher.receive("t", message(job(status="completed", at=2)))
    watcher.deliver(job(status="processing", at=3))
    await watch.end()
    assert heard == ["completed"]


async def test_a_second_watch_begins_with_what_is_known(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(status="processing", progress=10)
    first = watcher.watch("a")
    await anext(first.states())
    second = watcher.watch("a")
    assert (await anext(second.states())).progress == 10


async def test_a_slow_callback_hears_the_latest_and_the_end(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    busy, seen = asyncio.Event(), list[int]()

    async def slow(state: JobState) -> None:
        seen.append(state.progress)
        await busy.wait()

    watch = watcher.watch("a", on_progress=slow)
    watcher.deliver(job(status="processing", progress=1, at=2))
    while not seen:
        await asyncio.sleep(0)
    for progress in range(2, 90):
        watcher.deliver(job(status="processing", progress=progress, at=2))
    watcher.deliver(job(status="completed", progress=100, at=3))
    busy.set()
    await watch.end()
    assert seen == [1, 100]


async def test_a_callback_that_raises_is_logged_and_the_end_still_comes(
    server: FakeServer, watcher: Watcher, caplog: pytest.LogCaptureFixture
):
    server.jobs["a"] = job(status="completed")
    ends: list[str] = []

    def broken(state: JobState) -> None:
        raise ZeroDivisionError(state.job_id)

    watch = watcher.watch("a", on_progress=broken, on_complete=lambda state: ends.append(state.job_id))
    await watch.end()
    assert ends == ["a"]
    assert "a callback for job a failed" in caplog.text


async def test_a_callback_may_stop_its_own_watch(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    done = asyncio.Event()
    seen: list[int] = []

    async def once(state: JobState) -> None:
        seen.append(state.progress)
        watcher.unwatch(watch.id)
        await asyncio.sleep(0)
        done.set()

    watch = watcher.watch("a", on_progress=once)
    watcher.deliver(job(status="processing", progress=1, at=2))
    await done.wait()
    watcher.deliver(job(status="completed", progress=100, at=3))
    await asyncio.sleep(0)
    assert seen == [1]


async def test_stopping_twice_or_a_stranger_is_no_error(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    watch = watcher.watch("a", on_progress=print)
    watcher.unwatch(watch.id)
    watcher.unwatch(watch.id)
    watcher.unwatch("watch-nobody")
    assert watcher.watched == 0
