"""The test server on a real socket."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from tests.codegen_server.app import create_app


@contextlib.contextmanager
def running_server(app: ASGIApp | None = None) -> Iterator[str]:
    """Start the test server, or another app, on a free port; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app or create_app(), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    # The socket listens already: a request that comes before uvicorn is ready waits in its queue.
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
