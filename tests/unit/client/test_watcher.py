"""The registry: what it makes of states, in whatever order and from wherever they come."""

import asyncio

import pytest

from cl_client import errors
from cl_client.watching.watcher import Watcher
from tests.states import FakeServer, job, message


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


async def test_an_event_that_comes_after_the_end_and_is_older_changes_nothing(server: FakeServer, watcher: Watcher):
    watcher.receive("t", message(job(status="completed", at=3)))
    watcher.receive("t", message(job(at=1)))
    assert (await watcher.watch("a").end()).status == "completed"
    assert server.asked == {}


async def test_a_job_that_was_tried_again_is_not_at_its_end(server: FakeServer, watcher: Watcher):
    watcher.receive("t", message(job(status="failed")))
    watcher.receive("t", message(job(status="queued", at=2)))
    watch = watcher.watch("a")
    assert not watch.ended
    watcher.receive("t", message(job(status="completed", at=3)))
    assert (await watch.end()).status == "completed"


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
