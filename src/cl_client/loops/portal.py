"""What the generated sync classes stand on: an event loop in a thread of its own, and calls that are handed to it.

Because the loop is not the caller's, this works where another one runs already, as in a notebook.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Generic, ParamSpec, Protocol, Self, TypeVar, cast

from attrs import frozen

from cl_client.errors import ClientClosedError, ComputeClientError, InvalidParameterError
from cl_client.loops.event_loop import EventLoop

PATIENCE: Final = 5.0
"""Seconds for which the end of the process waits for a thread that a callback keeps busy."""

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")
Held = TypeVar("Held", covariant=True)


class Portal:
    """A thread with an event loop, which begins with the first call and ends with `stop`.

    Any thread may call, several at once too, but for this one: a callback runs in it, and would wait for itself.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._home: _Home | None = None
        self._process = os.getpid()
        self._block = contextlib.ExitStack()
        self._patience: float | None = None
        self.closed: bool = False

    def run(self, work: Coroutine[object, object, Value]) -> Value:
        """Have a coroutine run to its end there, and wait for it. Ctrl-C cancels it, and waits until that is done.

        Raises:
            ClientClosedError: the client is closed, also meanwhile, or began in another process.
            ComputeClientError: it is called in a callback.
        """
        call = _Call(work)
        try:
            self._begin(call)
            self._outlast(call.ended.wait)
        except BaseException as interrupt:
            # Ctrl-C: the coroutine cleans up before the caller continues. A second Ctrl-C doesn't wait.
            if call.abandon():
                self._outlast(call.ended.wait)
            for note in call.notes():
                interrupt.add_note(note)
            raise
        return call.result()

    def call(self, function: Callable[[], Value]) -> Value:
        """Call a function there, where it finds a running loop. A callback may do so too: nothing is waited for."""
        if self._is_here():
            return function()

        async def called() -> Value:
            return function()

        return self.run(called())

    def iterate(self, source: AsyncGenerator[Value]) -> Generator[Value]:
        """The items of an async generator, which runs when the next one is requested."""

        async def following() -> Value:
            return await anext(source)

        async def end() -> None:
            await source.aclose()

        try:
            while True:
                try:
                    item = self.run(following())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            # Where that cannot be waited for, the loop does it when the generator is collected, or at its own end.
            with contextlib.suppress(ComputeClientError):
                self.run(end())

    @contextlib.contextmanager
    def entered(self, manager: AbstractAsyncContextManager[Value]) -> Generator[Value]:
        """What an async context manager gives, until the block ends, or the process; then the thread ends too."""
        with self._block:
            self._block.callback(self.stop)
            value = self.run(manager.__aenter__())

            def leave(
                kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
            ) -> bool | None:
                return self.run(manager.__aexit__(kind, error, trace))

            self._block.push(leave)
            yield value

    def stop(self) -> None:
        """End the thread. Running calls are cancelled, and raise `ClientClosedError`."""
        if os.getpid() != self._process:
            return  # The thread is the parent's.
        with self._turn:
            self.closed = True
            home = self._home
        if home is not None:
            home.end()
            if not self._is_here():
                self._outlast(home.ended)

    def end_with_process(self) -> None:
        """Close open clients at exit. Later, the thread doesn't run, and a call would wait forever."""
        self._patience = PATIENCE
        if self._home is not None and os.getpid() == self._process and self._home.answers(PATIENCE):
            with contextlib.suppress(ClientClosedError):
                self._block.close()
            self.stop()
        self.closed = True

    def _outlast(self, ended: Callable[[float | None], bool]) -> None:
        """Wait as long as it takes; at the end of the process, no longer than the loop goes round."""
        while not ended(self._patience):
            if not (self._home and self._home.answers(PATIENCE)):
                return

    def _begin(self, call: _Call[Value]) -> None:
        if os.getpid() != self._process:
            raise ClientClosedError("this client began in another process (fork): make one client for each process")
        if self._is_here():
            raise ComputeClientError(
                "a callback runs in the thread that does the client's work, and cannot wait for it there",
                hint="hand it to another thread, or wait for it after the call that has the callback",
            )
        with self._turn:
            if self.closed or not (self._home is None or self._home.thread.is_alive()):
                raise ClientClosedError("this client is closed: make a new one")
            if self._home is None:
                self._home = _Home.begun()
                # A client that wasn't closed ends when it is collected, or with the process.
                weakref.finalize(self, self._home.end).atexit = False
                _BEGUN.add(self)
            call.begin(self._home.loop)

    def _is_here(self) -> bool:
        return self._home is not None and threading.current_thread() is self._home.thread


@frozen
class _Home:
    """A thread whose loop runs."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    _end: asyncio.Event

    @classmethod
    def begun(cls) -> Self:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        thread = threading.Thread(target=_live, args=(started,), name="cl_client sync", daemon=True)
        thread.start()
        return cls(thread, *started.result())

    def end(self) -> None:
        with contextlib.suppress(RuntimeError):  # It has ended.
            self.loop.call_soon_threadsafe(self._end.set)

    def ended(self, timeout: float | None) -> bool:
        """Whether the thread ends within this number of seconds. `None` waits without a limit."""
        self.thread.join(timeout)
        return not self.thread.is_alive()

    def answers(self, timeout: float) -> bool:
        """Whether the loop responds within this number of seconds."""
        answered = threading.Event()
        with contextlib.suppress(RuntimeError):  # It has ended.
            self.loop.call_soon_threadsafe(answered.set)
            return answered.wait(timeout)
        return False


_BEGUN: Final = weakref.WeakSet[Portal]()


@atexit.register
def _end_all() -> None:
    with contextlib.ExitStack() as all_of_them:
        for portal in _BEGUN:
            all_of_them.callback(portal.end_with_process)


def _live(started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    try:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            end = asyncio.Event()
            started.set_result((runner.get_loop(), end))
            runner.run(_until(end))
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def _until(end: asyncio.Event) -> None:
    await end.wait()


class _Call(Generic[Value]):
    """A coroutine that one thread waits for while another one runs it."""

    def __init__(self, work: Coroutine[object, object, Value]) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Value] | None = None
        self.ended: threading.Event = threading.Event()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.call_soon_threadsafe(self._start)

    def abandon(self) -> bool:
        """Cancel it; tells whether it is still to end."""
        if self._loop is None:
            self._work.close()
            return False
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:  # The loop has ended, and all its tasks with it.
            return False
        return True

    def result(self) -> Value:
        """What it returned or raised."""
        if self._task is None or not self._task.done():
            raise ClientClosedError("this client was closed in the meantime")
        try:
            return self._task.result()
        except asyncio.CancelledError:
            raise ClientClosedError("this client was closed in the meantime") from None

    def notes(self) -> list[str]:
        """The notes of its cancellation, such as the id of the job that keeps running."""
        if self._task is None or not self._task.cancelled():
            return []
        try:
            self._task.result()
        except asyncio.CancelledError as cancelled:
            return list(getattr(cancelled, "__notes__", ()))
        return []

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work, name="cl_client sync call")
        self._task.add_done_callback(lambda _: self.ended.set())

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # It was interrupted before it was handed over.
            self._work.close()
            self.ended.set()


class Twin(Generic[Held]):
    """A sync object that does what its async one does, and is equal to another one of the same.

    Attributes:
        portal: the thread of the client.
        twin: the async object. What it alone can do goes `portal.run(...)`.
    """

    def __init__(self, portal: Portal, twin: Held) -> None:
        self.portal: Portal = portal
        self.twin: Held = twin

    def __repr__(self) -> str:
        return repr(self.twin)

    def _repr_html_(self) -> str | None:
        return cast("str | None", getattr(self.twin, "_repr_html_", lambda: None)())

    def _repr_png_(self) -> bytes | None:
        return cast("bytes | None", getattr(self.twin, "_repr_png_", lambda: None)())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Twin) and self.twin == cast("Twin[object]", other).twin

    def __hash__(self) -> int:
        return hash(self.twin)


class _Closable(Protocol):
    async def __aenter__(self) -> object: ...
    async def close(self) -> None: ...


Opened = TypeVar("Opened", bound=_Closable, covariant=True)


class Door(Twin[Opened]):
    """A twin that users make and close. It owns the thread."""

    _is_owner: bool = False

    def __init__(self, portal: Portal, twin: Opened) -> None:
        super().__init__(portal, twin)
        self._is_owner = True

    def __enter__(self) -> Self:
        try:
            self.portal.run(self.twin.__aenter__())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        """Close the async one, and end the thread where it is ours. Once more is no harm."""
        try:
            with contextlib.suppress(ClientClosedError):
                self.portal.run(self.twin.close())
        finally:
            if self._is_owner:
                self.portal.stop()


AnyDoor = TypeVar("AnyDoor", bound=Door[_Closable])


def behind(kind: type[AnyDoor], portal: Portal, twin: _Closable) -> AnyDoor:
    """The sync object of one that was made inside a thread that another door has."""
    door = kind.__new__(kind)
    door.portal, door.twin = portal, twin
    return door


def unwrapped(twins: Iterable[Twin[Value]]) -> tuple[Portal, list[Value]]:
    """The async objects of sync ones, and the thread of them all.

    Raises:
        InvalidParameterError: they are of several clients.
    """
    every = list(twins)
    portals = {twin.portal for twin in every}
    if len(portals) > 1:
        raise InvalidParameterError("these belong to several clients: pass those of one client at a time")
    return portals.pop() if portals else Portal(), [twin.twin for twin in every]


def awaitable_method(method: Callable[..., Twin[Value]]) -> Callable[..., Awaitable[Value]]:
    """The async one of a sync method; a function of the caller's runs in threads."""
    if isinstance(method, functools.partial):
        inner = awaitable_method(cast("Callable[..., Twin[Value]]", method.func))
        return functools.partial(inner, *method.args, **method.keywords)
    owner: object = getattr(method, "__self__", None)
    if isinstance(owner, Twin):
        twin = cast("Twin[object]", owner).twin
        return cast("Callable[..., Awaitable[Value]]", getattr(twin, method.__name__))

    async def called(*arguments: object, **named: object) -> Value:
        return (await asyncio.to_thread(method, *arguments, **named)).twin

    return called


def in_thread(function: Callable[Arguments, Value]) -> Callable[Arguments, Awaitable[Value]]:
    """A function of the caller's to be awaited: it runs in a thread, where it may use the client."""

    @functools.wraps(function)
    async def called(*arguments: Arguments.args, **named: Arguments.kwargs) -> Value:
        return await asyncio.to_thread(function, *arguments, **named)

    return called
