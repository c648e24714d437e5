"""Work side by side, but not all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import TypeVar, cast

from cl_client.errors import InvalidParameterError

Result = TypeVar("Result")


async def in_parallel(
    works: Iterable[Callable[[], Coroutine[object, object, Result]]], concurrency: int, *, ordered: bool = False
) -> AsyncGenerator[Result]:
    """Run each work, so many at once, and give what they return.

    The first error ends it; so does leaving the loop. What is under way then is cancelled, and has ended.

    Args:
        works: read only as far as there is room.
        concurrency: works under way at once, those included that wait for their turn to be given.
        ordered: in the order of `works`, rather than as they end.

    Raises:
        InvalidParameterError: `concurrency` is less than 1.
    """
    if not isinstance(cast("object", concurrency), int) or concurrency < 1:
        raise InvalidParameterError(f"concurrency is {concurrency!r}, and has to be at least 1")
    under_way: list[asyncio.Task[Result]] = []
    remaining = iter(works)
    try:
        while True:
            for work in remaining:
                under_way.append(asyncio.create_task(work()))
                if len(under_way) >= concurrency:
                    break
            if not under_way:
                return
            first = under_way[:1] if ordered else under_way
            done, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in under_way if task in done]:
                under_way.remove(task)
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
