"""Runs an application until SIGTERM."""

import socket
import threading
from types import FrameType

import uvicorn
from anyio import to_thread
from fastapi import FastAPI

from cl_server.http.connection_limit import BoundedProtocol, BoundedSocket, ConnectionLimit
from cl_server.http.health import Health

HOST = "127.0.0.1"
# Longer than the idle time of common clients, so that they do not send into a connection that we close.
KEEP_ALIVE = 75


class Server(uvicorn.Server):
    """Keeps serving for `drain` seconds after the first signal, and reports that in `health`, so that load balancers
    stop sending requests before the socket is closed. A second signal ends the wait."""

    def __init__(self, config: uvicorn.Config, health: Health, drain: float, threads: int) -> None:
        super().__init__(config)
        self._threads = threads
        self._health = health
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn in the event loop."""
        to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by uvicorn in the main thread, between two instructions of the running code."""
        if self._drain <= 0 or self._health.draining:
            self._health.draining = True
            super().handle_exit(sig, frame)
            return
        self._health.draining = True
        timer = threading.Timer(self._drain, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()


def serve(app: FastAPI, health: Health, *, port: int, fd: int | None, host: str = HOST, drain: float = 0) -> None:
    """Serve on a socket that the parent passed on, or on a port of `host`. `drain` is in seconds."""
    bound = ConnectionLimit.of_process()

    class Limited(BoundedProtocol):
        limit = bound

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Not the other installed libraries, because the tests of hostile requests ran with these.
        http=Limited,
        loop="asyncio",
        # Otherwise, every program of this machine could name any address in X-Forwarded-For, and so get around limits.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
        ws="none",
    )
    listening = config.bind_socket().detach() if fd is None else fd
    Server(config, health, drain, bound.threads).run([BoundedSocket.of(listening, bound)])
