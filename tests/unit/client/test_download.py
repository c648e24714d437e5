"""What writes a download: threads, which nobody can cancel, and which let go of the file before it is closed."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence

import pytest

from cl_client.files.download import PIECE, _write


async def pieces(number: int) -> AsyncGenerator[bytes]:
    for _ in range(number):
        yield bytes(PIECE)


def heard(received: int) -> None: ...


def refused(received: int) -> None:
    raise ZeroDivisionError


class Disk:
    """One that takes its time."""

    def __init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.under_way = 0

    def write(self, pieces: Sequence[bytes]) -> None:
        self.under_way += 1
        self.begun.set()
        self.goes_on.wait()
        self.under_way -= 1


@pytest.mark.parametrize(
    ("number", "told", "error"),
    [(0, heard, asyncio.CancelledError), (3, heard, asyncio.CancelledError), (1, refused, ZeroDivisionError)],
    ids=["cancelled at its end", "cancelled on its way", "ended by a callback"],
)
async def test_the_file_is_let_go_before_a_download_ends(
    number: int, told: Callable[[int], None], error: type[BaseException]
):
    disk = Disk()
    writing = asyncio.ensure_future(_write(pieces(number), disk.write, told))
    await asyncio.to_thread(disk.begun.wait)
    for _ in range(3):
        if error is asyncio.CancelledError:
            writing.cancel()
        await asyncio.sleep(0)
    assert not writing.done()
    disk.goes_on.set()
    with pytest.raises(error):
        await writing
    assert disk.under_way == 0


async def test_what_came_before_a_cut_is_kept():
    async def cut() -> AsyncGenerator[bytes]:
        yield b"before"
        raise ConnectionResetError

    kept: list[bytes] = []
    with pytest.raises(ConnectionResetError):
        await _write(cut(), kept.extend, heard)
    assert kept == [b"before"]
