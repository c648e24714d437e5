"""What a message of the broker says, whole or short, and what is no event at all."""

import asyncio
import json

import pytest

from cl_client.watching.watcher import Watcher
from tests.states import FakeServer, job, message


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


async def test_progress_of_a_job_of_which_nothing_is_known_makes_it_ask(server: FakeServer, watcher: Watcher):
    server.jobs = {"a": job(), "b": job("b")}
    watcher.online()
    first = watcher.watch("a")
    watcher.receive("t", message(job(status="completed", at=2)))
    await first.end()
    second = watcher.watch("b")
    short = {"job_id": "b", "event_type": "processing", "timestamp": 2, "progress": 10}
    watcher.receive("t", json.dumps(short).encode())
    await asyncio.wait_for(server.question.wait(), 30)
    while second.state is None:
        await asyncio.sleep(0)
    watcher.receive("t", json.dumps({**short, "timestamp": 3, "progress": 20}).encode())
    assert second.state.progress == 20
