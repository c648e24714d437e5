"""Runs an application until SIGTERM."""

import socket

import uvicorn
from fastapi import FastAPI

HOST = "127.0.0.1"
# Longer than the idle time of common clients, so that they do not send into a connection that we close.
KEEP_ALIVE = 75


def serve(app: FastAPI, *, port: int, fd: int | None, host: str = HOST) -> None:
    """Serve on a socket that the parent passed on, or on a port of `host`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever is on this machine could name any address in X-Forwarded-For, and so get around limits.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
        ws="none",
    )
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(config).run(sockets)
