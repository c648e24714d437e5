"""The event loop that something began in, and has to stay in."""

from __future__ import annotations

import asyncio

from cl_client.errors import ClientClosedError


class HomeLoop:
    """Refuses work that comes from another loop (another thread, a second `asyncio.run`), or after the end.

    Attributes:
        closed: whether that was the end.
    """

    def __init__(self) -> None:
        self.closed: bool = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Let work go on; the first one decides which loop is home.

        Raises:
            ClientClosedError: it may not.
        """
        loop = asyncio.get_running_loop()
        if self.closed:
            raise ClientClosedError("this client is closed: make a new one")
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("this client began in another event loop: make one client for each loop")
