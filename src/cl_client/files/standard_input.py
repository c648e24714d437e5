"""What comes on stdin, as it is sent."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Final

_PIECE: Final = 1 << 20


async def standard_input() -> AsyncIterator[bytes]:
    """The pieces of stdin, each as it comes.

    Each is read in a thread that can be abandoned: where a terminal or a silent pipe gives nothing, Ctrl-C ends the
    process all the same.

    Raises:
        OSError: it cannot be read.
    """
    while piece := await asyncio.wrap_future(_read()):
        yield piece


def _read() -> Future[bytes]:
    answer: Future[bytes] = Future()
    answer.set_running_or_notify_cancel()

    def read() -> None:
        try:
            answer.set_result(_piece())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=read, name="read stdin", daemon=True).start()
    return answer


def _piece() -> bytes:
    try:
        # Not through the buffer: Python waits for its lock at exit.
        return os.read(sys.stdin.fileno(), _PIECE)
    except ValueError as error:
        raise OSError(f"stdin: {error}") from None
