"""Watching: what the registry makes of states, in whatever order and from wherever they come."""

import asyncio
import json
import logging
from collections import defaultdict

import pytest

from cl_api.compute.models import JobResponse
from cl_client import errors
from cl_client.config import ComputeClientConfig
from cl_client.watcher import Watcher


def job(job_id: str = "a", status: str = "queued", progress: int = 0, at: int = 1, **more: object) -> JobResponse:
    fields = {
        "job_id": job_id,
        "task_type": "hash",
        "status": status,
        "progress": progress,
        "params": {},
        "task_output": {"sha256": "00"} if status == "completed" else None,
        "error_message": "no" if status == "failed" else None,
        "priority": 5,
        "created_at": 1,
        "updated_at": at,
        "started_at": None,
        "completed_at": None,
    }
    return JobResponse.from_dict({**fields, **more})


def message(state: JobResponse, **more: object) -> bytes:
    return json.dumps({**state.to_dict(), "event_type": state.status, "timestamp": 1, **more}).encode()


class FakeServer:
    """Answers `fetch` from a dict, or raises what it was told to; counts the questions."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobResponse] = {}
        self.troubles: list[Exception] = []
        self.asked: dict[str, int] = defaultdict(int)
        self.open = asyncio.Event()
        self.open.set()
        self.question = asyncio.Event()

    async def fetch(self, job_id: str) -> JobResponse:
        self.asked[job_id] += 1
        self.question.set()
        answer = self.jobs.get(job_id)
        await self.open.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        if answer is None:
            raise errors.JobNotFoundError(f"no job {job_id}", status=404, job_id=job_id)
        return answer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def watcher(server: FakeServer):
    watcher = Watcher(server.fetch, None)
    yield watcher
    await watcher.close()


async def test_the_end_is_heard_from_the_server_when_no_event_comes(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(status="completed")
    assert (await watcher.watch("a").end()).task_output == {"sha256": "00"}
    assert watcher.watched == 0


async def test_the_end_is_heard_from_an_event(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    watcher.receive("t", message(job(status="completed", at=2)))
    assert (await watch.end()).status == "completed"


async def test_an_end_before_the_watch_is_heard_without_asking(server: FakeServer, watcher: Watcher):
    watcher.receive("t", message(job(status="completed")))
    assert (await watcher.watch("a").end()).status == "completed"
    assert server.asked == {}


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


async def test_a_job_that_the_broker_told_of_before_its_watch_is_not_asked_for(server: FakeServer, watcher: Watcher):
    watcher.online()
    watcher.receive("t", message(job(status="processing", at=2)))
    watcher.receive("t", message(job(at=1)))
    watch = watcher.watch("a")
    assert watch.state is not None
    assert watch.state.status == "processing"
    await asyncio.sleep(ComputeClientConfig.FIRST_POLL_INTERVAL * 2)
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


async def test_an_event_that_comes_after_the_end_and_is_older_changes_nothing(server: FakeServer, watcher: Watcher):
    watcher.receive("t", message(job(status="completed", at=3)))
    watcher.receive("t", message(job(at=1)))
    assert (await watcher.watch("a").end()).status == "completed"
    assert server.asked == {}


async def test_progress_of_a_job_of_which_nothing_is_known_makes_it_ask(server: FakeServer, watcher: Watcher):
    server.jobs = {"a": job(), "b": job("b")}
    watcher.online()
    first = watcher.watch("a")
    watcher.receive("t", message(job(status="completed", at=2)))
    await first.end()
    second = watcher.watch("b")
    short = {"job_id": "b", "event_type": "processing", "timestamp": 2, "progress": 10}
    watcher.receive("t", json.dumps(short).encode())
    await asyncio.wait_for(server.question.wait(), 5)
    while second.state is None:
        await asyncio.sleep(0)
    watcher.receive("t", json.dumps({**short, "timestamp": 3, "progress": 20}).encode())
    assert second.state.progress == 20


async def test_a_job_that_was_tried_again_is_not_at_its_end(server: FakeServer, watcher: Watcher):
    watcher.receive("t", message(job(status="failed")))
    watcher.receive("t", message(job(status="queued", at=2)))
    watch = watcher.watch("a")
    assert not watch.ended
    watcher.receive("t", message(job(status="completed", at=3)))
    assert (await watch.end()).status == "completed"


async def test_an_end_is_heard_once_however_often_it_is_told(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    heard: list[str] = []
    watch = watcher.watch("a", on_complete=lambda state: heard.append(state.status))
    for _ in range(3):
        watcher.receive("t", message(job(status="completed", at=2)))
    watcher.deliver(job(status="processing", at=3))
    await watch.end()
    assert heard == ["completed"]


async def test_a_late_answer_of_the_server_does_not_undo_an_event(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(status="queued", at=1)
    server.open.clear()
    seen: list[tuple[str, int]] = []
    watch = watcher.watch("a", on_progress=lambda state: seen.append((state.status, state.progress)))
    await server.question.wait()
    watcher.receive("t", message(job(status="processing", progress=40, at=2)))
    server.open.set()
    await asyncio.sleep(0.01)
    watcher.receive("t", message(job(status="completed", progress=100, at=3)))
    await watch.end()
    assert seen == [("processing", 40), ("completed", 100)]


async def test_progress_without_times_never_goes_back(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(status="processing", progress=50, at=0)
    watch = watcher.watch("a")
    watcher.deliver(job(status="processing", progress=50, at=0))
    watcher.deliver(job(status="processing", progress=20, at=0))
    watcher.deliver(job(status="queued", progress=90, at=0))
    assert watch.state is not None
    assert (watch.state.status, watch.state.progress) == ("processing", 50)


async def test_a_short_event_of_the_end_makes_it_ask_for_the_output(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    await server.question.wait()
    server.jobs["a"] = job(status="completed", at=2)
    watcher.receive("t", b'{"job_id": "a", "event_type": "completed", "progress": 100, "timestamp": 2}')
    assert (await watch.end()).task_output == {"sha256": "00"}


async def test_a_short_event_while_the_question_is_out_makes_it_ask_again(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    server.open.clear()
    watch = watcher.watch("a")
    await server.question.wait()
    watcher.receive("t", b'{"job_id": "a", "event_type": "completed", "progress": 100, "timestamp": 2}')
    await asyncio.sleep(0)
    server.jobs["a"] = job(status="completed", at=2)
    server.open.set()
    assert (await watch.end()).status == "completed"
    assert server.asked["a"] == 2


async def test_a_short_event_of_progress_moves_what_is_known(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(at=1)
    watcher.online()
    watch = watcher.watch("a")
    states = watch.states()
    await anext(states)
    watcher.receive("t", b'{"job_id": "a", "event_type": "in_progress", "progress": 30, "timestamp": 5}')
    moved = await anext(states)
    assert (moved.status, moved.progress, moved.updated_at) == ("processing", 30, 5)


@pytest.mark.parametrize(("word", "means"), [("error", "failed"), ("in_progress", "processing"), ("paused", "paused")])
async def test_words_of_other_servers_are_understood_or_kept(
    server: FakeServer, watcher: Watcher, word: str, means: str
):
    server.jobs["a"] = job()
    watch = watcher.watch("a")
    watcher.receive("t", message(job(status=word, at=2, error_message="no")))
    assert watch.state is not None
    assert watch.state.status == means
    assert watch.ended == (means == "failed")


async def test_every_watch_of_a_job_hears_the_end(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    watches = [watcher.watch("a") for _ in range(3)]
    watcher.deliver(job(status="completed", at=2))
    assert [(await watch.end()).status for watch in watches] == ["completed"] * 3


async def test_a_second_watch_begins_with_what_is_known(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job(status="processing", progress=10)
    first = watcher.watch("a")
    await anext(first.states())
    second = watcher.watch("a")
    assert (await anext(second.states())).progress == 10


async def test_a_slow_callback_hears_the_latest_and_the_end(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    busy, seen = asyncio.Event(), list[int]()

    async def slow(state: JobResponse) -> None:
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

    def broken(state: JobResponse) -> None:
        raise ZeroDivisionError(state.job_id)

    watch = watcher.watch("a", on_progress=broken, on_complete=lambda state: ends.append(state.job_id))
    await watch.end()
    assert ends == ["a"]
    assert "a callback for job a failed" in caplog.text


async def test_a_callback_may_stop_its_own_watch(server: FakeServer, watcher: Watcher):
    server.jobs["a"] = job()
    done = asyncio.Event()
    seen: list[int] = []

    async def once(state: JobResponse) -> None:
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


async def test_a_job_that_is_gone_ends_its_watch(server: FakeServer, watcher: Watcher):
    watch = watcher.watch("a", on_complete=print)
    with pytest.raises(errors.JobNotFoundError):
        await watch.end()


@pytest.mark.parametrize(
    "trouble",
    [
        errors.ServerUnreachableError("down"),
        errors.RequestTimeoutError("slow"),
        errors.ServerError("500", status=500),
        errors.RateLimitError("429", status=429),
    ],
)
async def test_trouble_of_the_server_is_said_once_and_outlasted(
    server: FakeServer, watcher: Watcher, caplog: pytest.LogCaptureFixture, trouble: Exception
):
    server.jobs["a"] = job(status="completed")
    if isinstance(trouble, errors.RateLimitError):
        trouble.retry_after = 0.0
    server.troubles = [trouble] * 3
    assert (await watcher.watch("a").end()).status == "completed"
    assert caplog.text.count("still trying") == 1
    assert server.asked["a"] == 4


async def test_a_server_that_refuses_ends_the_watch(server: FakeServer, watcher: Watcher):
    server.troubles = [errors.AuthenticationError("no token", status=401)]
    with pytest.raises(errors.AuthenticationError):
        await watcher.watch("a").end()


async def test_closing_ends_every_watch_with_an_error(server: FakeServer):
    watcher = Watcher(server.fetch, None)
    server.jobs["a"] = job()
    server.open.clear()
    watch = watcher.watch("a")
    await server.question.wait()
    await watcher.close()
    with pytest.raises(errors.ClientClosedError, match="while job a ran"):
        await watch.end()
    with pytest.raises(errors.ClientClosedError):
        watcher.watch("a")


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


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"job_id": 1, "status": "queued"}',
        b'{"job_id": "a"}',
        b'{"job_id": "a", "status": null}',
        b"[" * 100_000,
        b" " * (8 * 1024 * 1024 + 1),
    ],
)
async def test_messages_that_are_no_events_are_counted_and_ignored(watcher: Watcher, payload: bytes):
    watcher.receive("t", payload)
    assert watcher.ignored == 1


@pytest.mark.parametrize("broken", [{"params": 3}, {"progress": "x"}, {"task_output": [1]}, {"created_at": None}])
async def test_a_whole_event_of_the_wrong_shape_is_no_more_than_a_hint(
    server: FakeServer, watcher: Watcher, broken: dict[str, object]
):
    server.jobs["a"] = job(status="completed", at=2)
    watch = watcher.watch("a")
    watcher.receive("t", message(job(status="completed", at=2), **broken))
    assert (await watch.end()).status == "completed"
