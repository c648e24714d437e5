"""The three streams of a process, also where they were closed before it began, or lead where nothing fits any more."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from typing import Final, TextIO

from cl_client.errors import ComputeClientError

_STREAMS: Final = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def open_all() -> None:
    """Open those that were closed (`>&-`): they lead nowhere, and no other file gets their number."""
    for number, name, mode in _STREAMS:
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            try:
                os.fstat(number)
            except OSError:
                os.dup2(nowhere, number)
                os.close(nowhere)
                nowhere = number
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))


def put(text: str) -> None:
    """Write a text on stdout.

    Raises:
        BrokenPipeError: the reader has enough.
        ComputeClientError: it does not get there.
    """
    with _written():
        sys.stdout.write(text)


class Binary:
    """stdout, for bytes; raises as `put`."""

    def write(self, data: bytes, /) -> int:
        with _written():
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        return len(data)


def flush() -> None:
    """Have all that was written on stdout get there now; raises as `put`."""
    with _written():
        sys.stdout.flush()


@contextlib.contextmanager
def _written() -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon(sys.stdout)
        raise ComputeClientError(f"cannot write the output: {error.strerror or error}") from error


def abandon(stream: TextIO) -> None:
    """Have a stream lead nowhere: what is in its buffer would fail again, at exit at the latest."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        # It is none of the system's (a test's, a notebook's): nothing is written at exit either.
        return
    with contextlib.suppress(OSError):
        stream.flush()
