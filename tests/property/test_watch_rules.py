"""Whatever the broker does to the events, each watch hears one end, and time never runs backwards."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cl_client.watching.watcher import Watcher
from tests.states import FakeServer, job, message

HISTORY = [
    job(status="queued", at=1),
    job(status="processing", at=2),
    *(job(status="processing", progress=p, at=2 + p) for p in (10, 20, 40, 80)),
    job(status="completed", progress=100, at=100),
]

deliveries = st.lists(
    st.tuples(st.sampled_from(range(len(HISTORY))), st.sampled_from(["event", "answer", "online", "offline"])),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(deliveries)
def test_lost_doubled_and_reordered_events_give_one_end_and_no_step_back(sequence: list[tuple[int, str]]):
    async def run() -> None:
        server = FakeServer()
        server.jobs["a"] = HISTORY[0]
        watcher = Watcher(server.fetch, None)
        seen: list[tuple[int | None, str]] = []
        ends: list[str] = []
        watch = watcher.watch(
            "a",
            on_progress=lambda state: seen.append((state.updated_at, state.status)),
            on_complete=lambda state: ends.append(state.status),
        )
        for index, how in sequence:
            match how:
                case "event":
                    watcher.receive("t", message(HISTORY[index]))
                case "answer":
                    watcher.deliver(HISTORY[index])
                case "online":
                    watcher.online()
                case _:
                    watcher.offline("gone")
            await asyncio.sleep(0)
        server.jobs["a"] = HISTORY[-1]
        watcher.online()
        await asyncio.wait_for(watch.end(), 30)
        assert ends == ["completed"]
        times = [at for at, _ in seen]
        assert times == sorted(times, key=lambda at: at or 0)
        assert [word for _, word in seen].count("completed") == 1
        await watcher.close()

    asyncio.run(run())


@given(st.binary(max_size=200))
def test_no_message_raises(payload: bytes):
    async def run() -> None:
        Watcher(FakeServer().fetch, None).receive("inference/events", payload)

    asyncio.run(run())
