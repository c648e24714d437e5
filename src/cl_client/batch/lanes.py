"""The default number of files at the same time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final, TypeVar

from cl_client.http.file_source import is_url
from cl_client.http.upload import FileInput, Upload

Result = TypeVar("Result")

SMALL: Final = 64 * 1024
"""Bytes of a file that goes to the server together with others: many of them share what each would cost."""
MOST: Final = 64
"""Files at once. With more small ones, requests are not larger."""
MOST_LARGE: Final = 16
"""Files at once that are not small. They keep the workers of a server with two cores at work; with 8, these run out of
jobs."""


class Lanes:
    """Lets small files pass by large ones.

    Args:
        concurrency: files at once, of whatever size; when not given, `MOST`, of which `MOST_LARGE` are not small.
        is_together: whether the server takes small files together; where it does not, there are no more of them.
    """

    def __init__(self, concurrency: int | None, *, is_together: bool) -> None:
        most = MOST if is_together else MOST_LARGE
        self.concurrency: int = most if concurrency is None else concurrency
        self._large: asyncio.Semaphore | None = asyncio.Semaphore(MOST_LARGE) if concurrency is None else None

    def taken(
        self, source: FileInput | None, work: Callable[[], Coroutine[object, object, Result]]
    ) -> Callable[[], Coroutine[object, object, Result]]:
        """The work on a file, in its lane."""
        if self._large is None or _is_small(source):
            return work
        return functools.partial(_within, self._large, work)


async def _within(lane: asyncio.Semaphore, work: Callable[[], Coroutine[object, object, Result]]) -> Result:
    async with lane:
        return await work()


def _is_small(source: FileInput | None) -> bool:
    """Whether a file is known to be small; what cannot be read fails soon."""
    match source:
        case None:
            return True
        case bytes() | bytearray() | memoryview():
            return len(source) <= SMALL
        case Upload():
            return source.fits(SMALL)
        case str() | Path() if not is_url(source):
            try:
                return Path(source).stat().st_size <= SMALL
            except (OSError, ValueError):
                return True
        case _:
            return False
