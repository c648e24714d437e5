"""The process of the compute API."""

import socket
import tempfile

import uvicorn

from cl_server import leftovers, log
from cl_server.app import create_app
from cl_server.capabilities import Capabilities
from cl_server.database import open_database
from cl_server.doorbell import Ringer
from cl_server.events import Events, Relay, connection
from cl_server.migrations import migrate
from cl_server.repository import SqlJobRepository
from cl_server.settings import Settings, prepare
from cl_server.storage import LocalFileStorage

HOST = "127.0.0.1"
# Longer than the idle time of common clients, so that they do not send into a connection that we close.
KEEP_ALIVE = 75


def run(port: int = 8002, fd: int | None = None) -> None:
    """Serve until SIGTERM, on a socket that the parent passed on or on a port of the loopback interface."""
    log.configure("compute")
    settings = Settings.from_env()
    prepare(settings.data)
    spool = settings.data / "spool"
    spool.mkdir(exist_ok=True)
    # Uploads are spooled next to where they go: /tmp may be memory.
    tempfile.tempdir = str(spool)
    engine = open_database(settings.database)
    migrate(engine)
    broker = connection(settings, "compute")
    capabilities = Capabilities()
    if broker is not None:
        capabilities.listen(broker)
        broker.start()
    ringer = Ringer(settings.workers)
    relay = Relay(Events(broker))
    repository = SqlJobRepository(engine, on_event=relay, on_wake=ringer.ring)
    relay.follow(repository)
    storage = LocalFileStorage(settings.data)
    lock = leftovers.sweep(settings.data, repository, storage)

    def close() -> None:
        if broker is not None:
            broker.stop()
        relay.stop()
        ringer.close()
        engine.dispose()
        lock.close()

    app = create_app(
        repository,
        storage,
        capabilities,
        max_upload=settings.max_upload,
        on_shutdown=close,
    )
    config = uvicorn.Config(
        app,
        host=HOST,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
        ws="none",
    )
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(config).run(sockets)
