"""The event loop of what has one of its own: the command line, and the client without async."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import Future
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
    Addresses = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]


class EventLoop(asyncio.SelectorEventLoop):
    """The usual one, but that it ends, and its process too, while a name is looked up.

    Nobody can stop getaddrinfo(3), which waits for half a minute and more where a name server is silent, and the usual
    loop waits for the thread that it has for it.

    Attributes:
        names: those that are looked up just now, also where nobody waits for it any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Addresses:
        """As `socket.getaddrinfo`, in a thread that can be abandoned. An IP address needs no thread."""
        name = host.decode() if isinstance(host, bytes) else str(host)
        with contextlib.suppress(ValueError):
            return socket.getaddrinfo(str(ip_address(name)), port, family, type, proto, flags)
        answer: Future[Addresses] = Future()
        answer.set_running_or_notify_cancel()

        def look_up() -> None:
            try:
                answer.set_result(socket.getaddrinfo(host, port, family, type, proto, flags))
            except Exception as error:
                answer.set_exception(error)
            finally:
                self.names.remove(name)

        self.names.append(name)
        threading.Thread(target=look_up, name=f"look up {name}", daemon=True).start()
        return await asyncio.wrap_future(answer)

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        """As always; without waiting at the end of the process, where Python 3.12.0 has no thread to wait in."""
        with contextlib.suppress(RuntimeError):
            await super().shutdown_default_executor(*timeout)
