"""The process of the auth server, and its setup."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, ProcessCollector
from sqlalchemy import Engine

from cl_server import log
from cl_server.auth.app import create_app
from cl_server.auth.keys import KeyRing
from cl_server.auth.migrations import migrate
from cl_server.auth.passwords import Passwords
from cl_server.auth.users import UserRepository
from cl_server.http.health import Health
from cl_server.http.serve import HOST, serve
from cl_server.queue.tables import open_database
from cl_server.settings import Settings, prepare

FIRST_ADMIN = "admin"

Tell = Callable[[str, str], None]


class NoSuchUserError(Exception):
    """There is no user with this name. The message is one line."""


def run(port: int, fd: int | None, tell: Tell, host: str = HOST) -> None:
    """Serve until SIGTERM. `tell` is called with the name and the password of the first admin, when it is created."""
    log.configure("auth")
    settings = Settings.from_env()
    with _opened(settings) as (engine, ring):
        users, passwords = UserRepository(engine), Passwords(weak=settings.operation.weak_passwords)
        make_first_admin(users, passwords, tell)
        if settings.operation.weak_passwords:
            logging.getLogger(__name__).warning(
                "CL_WEAK_PASSWORDS is on: users can have passwords that anybody can guess"
            )
        registry, state = CollectorRegistry(), Health()
        ProcessCollector(registry=registry)
        app = create_app(
            users,
            ring,
            passwords,
            audience=settings.audience,
            lifetime=settings.token_lifetime,
            names=settings.names,
            operation=settings.operation,
            state=state,
            registry=registry,
            on_shutdown=engine.dispose,
        )
        serve(app, state, host=host, port=port, fd=fd, drain=settings.operation.drain)


def initialise(tell: Tell) -> None:
    """Create the files of the server and the first admin, and stop."""
    with _opened(Settings.from_env()) as (engine, _):
        passwords = Passwords()
        make_first_admin(UserRepository(engine), passwords, tell)
        passwords.close()


def rotate_key() -> str:
    """Sign with a new key from now on, in a server that runs too; returns its id."""
    settings = Settings.from_env()
    prepare(settings.data)
    return _ring(settings).rotate().kid


def reset_password(username: str) -> str:
    """Set a new random password, which only the caller gets. The server can be running.

    Earlier tokens can't be refreshed. Raises `NoSuchUserError`.
    """
    with _opened(Settings.from_env()) as (engine, _):
        users, passwords = UserRepository(engine), Passwords()
        user = users.by_name(username)
        if user is None:
            raise NoSuchUserError(f"there is no user {username!r}")
        password = secrets.token_urlsafe(18)
        users.update(user.id, password_hash=asyncio.run(passwords.hash(password)))
        passwords.close()
    return password


def make_first_admin(users: UserRepository, passwords: Passwords, tell: Tell) -> None:
    """If there are no users, create an admin with a random password, which only `tell` gets."""
    if users.list(limit=1):
        return
    password = secrets.token_urlsafe(18)
    hashed = asyncio.run(passwords.hash(password))
    users.add_first(FIRST_ADMIN, hashed, lambda: tell(FIRST_ADMIN, password))


@contextmanager
def _opened(settings: Settings) -> Generator[tuple[Engine, KeyRing]]:
    prepare(settings.data)
    prepare(settings.auth)
    ring = _ring(settings)
    engine = open_database(settings.auth / "users.sqlite")
    try:
        migrate(engine)
        yield engine, ring
    finally:
        engine.dispose()


def _ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.auth / "keys", verify_for=settings.token_lifetime)
