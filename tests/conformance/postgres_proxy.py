"""A TCP proxy before PostgreSQL that falls silent, or loses the answers to commits."""

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

# In the message in which a client asks for it, and nowhere else in what we send.
COMMIT = b"COMMIT"


class PostgresProxy:
    """Runs in a thread of its own. `silent`: nothing passes; `lose`: of so many commits the answer is lost."""

    def __init__(self, url: str) -> None:
        self._folder = Path(parse_qs(urlsplit(url).query)["host"][0])
        self._database = urlsplit(url).path
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)
        self.silent = False
        self.lose = 0
        self.lost = 0
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self.silent = False
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}{self._database}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        await asyncio.sleep(0)
        # A connection that was accepted in the last moment has a task only now.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            # What was aborted is closed in the next step of the loop.
            await asyncio.sleep(0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._stop.is_set():
                raise asyncio.CancelledError
            await self._heard()
            theirs, ours = await asyncio.open_unix_connection(self._folder / ".s.PGSQL.5432")
        except BaseException:
            writer.transport.abort()
            raise
        cut = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(1 << 16):
                await self._heard()
                if self.lose > 0 and COMMIT in data:
                    self.lose -= 1
                    self.lost += 1
                    cut.set()
                ours.write(data)
            ours.write_eof()

        async def down() -> None:
            while data := await theirs.read(1 << 16):
                await self._heard()
                if cut.is_set():
                    writer.transport.abort()
                    return
                writer.write(data)
            writer.close()

        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(up(), down())
        finally:
            for one in (writer, ours):
                one.transport.abort()

    async def _heard(self) -> None:
        while self.silent:
            await asyncio.sleep(0.02)
