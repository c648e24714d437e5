"""The loop of a sync client: whose thread does what, and how it ends."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from cl_client.errors import ClientClosedError, ComputeClientError
from cl_client.loops.portal import Portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.stop()
    assert not threads()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cl_client sync"]


async def answer(value: object) -> object:
    await asyncio.sleep(0)
    return value


async def forever(begun: Callable[[], object], ended: Callable[[], object] = lambda: None) -> None:
    try:
        begun()
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        ended()


def test_there_is_no_thread_until_something_is_asked(portal: Portal):
    assert not threads()
    assert portal.run(answer(1)) == 1
    assert len(threads()) == 1


async def test_it_runs_where_a_loop_runs_already(portal: Portal):
    assert portal.run(answer("in a notebook")) == "in a notebook"


def test_an_error_is_raised_to_who_waits(portal: Portal):
    async def fail() -> None:
        raise ComputeClientError("no")

    with pytest.raises(ComputeClientError, match="no"):
        portal.run(fail())


def test_ctrl_c_cancels_what_is_waited_for_and_lets_it_clean_up(portal: Portal):
    ended: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        portal.run(forever(lambda: os.kill(os.getpid(), signal.SIGINT), lambda: ended.append(True)))
    assert ended == [True]
    assert portal.run(answer("and goes on")) == "and goes on"


def test_who_waits_while_it_is_stopped_hears_that(portal: Portal):
    begun, heard = threading.Event(), list[Exception]()

    def wait() -> None:
        try:
            portal.run(forever(begun.set))
        except ClientClosedError as error:
            heard.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    begun.wait()
    portal.stop()
    waiting.join()
    assert [str(error) for error in heard] == ["this client was closed in the meantime"]
    with pytest.raises(ClientClosedError, match="make a new one"):
        portal.run(answer(1))


def test_a_callback_may_call_and_may_not_wait(portal: Portal):
    async def callback() -> str:
        assert portal.call(lambda: "called") == "called"
        return str(portal.run(answer("waited")))

    with pytest.raises(ComputeClientError, match="a callback runs in the thread"):
        portal.run(callback())


def test_leaving_an_iteration_ends_the_generator(portal: Portal):
    ended: list[bool] = []

    async def numbers() -> AsyncGenerator[int]:
        try:
            for number in range(5):
                await asyncio.sleep(0)
                yield number
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    assert list(portal.iterate(numbers())) == [0, 1, 2, 3, 4]
    for number in portal.iterate(numbers()):
        assert number == 0
        break
    assert ended == [True, True]


def test_a_context_ends_with_its_block_and_the_thread_with_it():
    told: list[str] = []

    @contextlib.asynccontextmanager
    async def context() -> AsyncGenerator[None]:
        try:
            yield
        except ZeroDivisionError:
            told.append("divided")
            raise
        finally:
            await asyncio.sleep(0)
            told.append("left")

    with pytest.raises(ZeroDivisionError), Portal().entered(context()):
        raise ZeroDivisionError
    assert told == ["divided", "left"]
    assert not threads()


def test_one_that_nobody_stopped_ends_when_it_is_collected():
    portal = Portal()
    portal.run(answer(1))
    [thread] = threads()
    del portal
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


def test_a_callback_that_ends_its_thread_ends_the_client(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    async def leave() -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        portal.run(leave())
    for thread in threads():
        thread.join()
    with pytest.raises(ClientClosedError):
        portal.run(answer(1))


PORTAL = """
import asyncio, atexit, contextlib, threading
from cl_client.loops import portal

async def numbers():
    yield 1
    yield 2

@contextlib.asynccontextmanager
async def context():
    try:
        yield
    finally:
        await asyncio.sleep(0)
        print("left")

def block():
    threading.Event().wait()

@contextlib.asynccontextmanager
async def trap():
    try:
        yield
    finally:
        block()

async def entrapped():
    async with trap():
        await asyncio.sleep(1000)

async def left_alone():
    task = asyncio.create_task(entrapped())
    await asyncio.sleep(0)
    return task
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("iteration = portal.Portal().iterate(numbers()); print(next(iteration))", "1\n"),
        ("kept = portal.Portal().entered(context()); kept.__enter__()", "left\n"),
        ("home = portal.Portal(); home.call(int); atexit.register(lambda: print(home.call(int)))", "0\n"),
        ("home = portal.Portal(); home.call(threading.Thread(target=home.call, args=[block], daemon=True).start)", ""),
        ("kept = portal.Portal().entered(trap()); kept.__enter__()", ""),
        ("home = portal.Portal(); task = home.run(left_alone())", ""),
    ],
    ids=[
        "an iteration",
        "a block",
        "an end of the program's own",
        "a callback that never returns",
        "a block that never ends",
        "a task that cannot be cancelled",
    ],
)
def test_a_process_ends_whatever_it_left_open(program: str, said: str):
    program = f"{PORTAL}\nportal.PATIENCE = 0.2\n{program}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, said, "")


def test_a_child_process_is_told_that_the_thread_is_not_its_own():
    program = """
import asyncio, os, sys
from cl_client.errors import ClientClosedError
from cl_client.loops.portal import Portal

portal = Portal()
portal.run(asyncio.sleep(0))
if (child := os.fork()) == 0:
    portal.stop()
    try:
        portal.run(asyncio.sleep(0))
    except ClientClosedError as error:
        os._exit(7 if "another process (fork)" in str(error) else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
portal.run(asyncio.sleep(0))
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
