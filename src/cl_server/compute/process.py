"""The process of the compute API."""

import tempfile
from contextlib import ExitStack
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector
from pydantic import JsonValue

from cl_ml_tools.discovery import discover_tasks
from cl_server import log
from cl_server.compute.app import create_app
from cl_server.compute.job_metrics import JobMetrics
from cl_server.files.local import open_storage
from cl_server.http.availability import Availability
from cl_server.http.health import Health
from cl_server.http.serve import HOST, serve
from cl_server.http.tokens import Verifier
from cl_server.http.trusted_keys import AuthServerKeys, KeyFile, KeySourceError
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.doorbell import Ringer
from cl_server.messaging.events import Events, Relay, connection
from cl_server.messaging.mqtt import Connection
from cl_server.messaging.reminders import Reminders
from cl_server.migrations import migrate
from cl_server.page.auth_server import AuthServer
from cl_server.queue import orphaned_files
from cl_server.queue.backlog import backlog_of
from cl_server.queue.overview import overview_of
from cl_server.queue.quota import Quota
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.retention import Retention
from cl_server.queue.shared_guest_mode import open_guest_mode
from cl_server.queue.tables import ask, open_database
from cl_server.settings import Settings, prepare


def run(port: int = 8002, fd: int | None = None, host: str = HOST) -> None:
    """Serve until SIGTERM, on a socket that the parent passed on or on a port of `host`."""
    log.configure("compute")
    settings = Settings.from_env()
    prepare(settings.data)
    spool = settings.data / "spool"
    spool.mkdir(exist_ok=True)
    # Uploads are spooled next to where they go: /tmp may be memory.
    tempfile.tempdir = str(spool)
    verifier = make_verifier(settings)
    storage = open_storage(settings.data, settings.storage_url, "compute")
    # A wrong bucket or key is found out now; one that does not answer may come.
    storage.check_settings()
    with ExitStack() as opened:
        engine = open_database(settings.database)
        opened.callback(engine.dispose)
        migrate(engine)
        guest_mode = opened.enter_context(open_guest_mode(settings, engine))
        if verifier is None and not guest_mode.on:
            raise KeySourceError("guest mode is off and there is no auth server: no user could use this server")
        broker = connection(settings, "compute")
        capabilities = Capabilities()
        ringer = Ringer(settings.workers)
        opened.callback(ringer.close)
        events = Events(broker, guest_mode)
        relay = Relay(events, on_lost=partial(orphaned_files.clear_attempts, storage))
        # After the broker had time to deliver pending messages.
        opened.callback(relay.stop)
        operation = settings.operation
        quota = Quota(engine, operation.quota_bytes, operation.quota_jobs, sizes=storage)
        repository = SqlJobRepository(engine, on_moment=relay.moment, on_wake=ringer.ring, quota=quota)
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        JobMetrics(registry, repository, capabilities, discover_tasks().keys(), backlog_of(engine))
        if broker is not None:
            capabilities.listen(broker)
            broker.start()
            opened.callback(broker.stop)
        relay.follow(repository)
        database = Availability("database", partial(ask, engine))
        files = Availability("file storage", storage.check)
        # A folder can be unavailable too: an unplugged disk, a lost mount.
        for needed in (files,) if settings.database_url is None else (database, files):
            needed.start()
            opened.callback(needed.stop)
        if settings.storage_url is None:
            opened.enter_context(orphaned_files.sweep(settings.data, repository, storage))
        else:
            orphaned_files.sweep_shared(repository, storage)
        retention = Retention(engine, settings.data, repository, storage, operation.retention_days)
        retention.start()
        opened.callback(retention.stop)

        def details() -> dict[str, JsonValue]:
            return {"broker": word_for(broker), "workers": capabilities.summary().num_workers}

        state = Health(
            lambda: relay.sound,
            details,
            database_answers=lambda: database.answers,
            storage_answers=lambda: files.answers,
        )
        app = create_app(
            repository,
            storage,
            capabilities,
            guest_mode,
            verifier,
            max_upload=settings.max_upload,
            names=settings.names,
            operation=operation,
            quota=quota,
            state=state,
            registry=registry,
            on_asked=None if broker is None else Reminders(repository, events.publish).asked,
            # uvicorn ends the process by the signal that it got: what follows `serve` may never run.
            on_shutdown=opened.close,
            overview=overview_of(engine) if operation.page else None,
            listen=partial(connection, settings, "page"),
            auth_server=None if settings.auth_url is None else AuthServer(settings.auth_url),
        )
        serve(app, state, host=host, port=port, fd=fd, drain=operation.drain)


def word_for(broker: Connection | None) -> str:
    """How it stands with the broker."""
    if broker is None:
        return "none"
    return "connected" if broker.connected else "away"


def make_verifier(settings: Settings) -> Verifier | None:
    """The verifier of tokens, if a source of keys is configured. Raises `KeySourceError`."""
    if settings.auth_key is not None:
        return Verifier(KeyFile(settings.auth_key), settings.audience)
    if settings.auth_url is not None:
        return Verifier(AuthServerKeys(settings.auth_url), settings.audience)
    return None
