"""Who a command is run as: by its options, by the environment, by the session of an earlier login, or as a guest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from cl_client.accounts.session_store import SessionStore
from cl_client.cli.help.options import GlobalOptions
from cl_client.config.addresses import without_secrets
from cl_client.config.servers import Credentials, ServerConfig
from cl_client.errors import AuthenticationError, InvalidParameterError
from cl_client.session import SessionManager


@contextlib.asynccontextmanager
async def signed_in(
    options: GlobalOptions, config: ServerConfig, username: str | None, *, accounts: bool
) -> AsyncGenerator[SessionManager | None]:
    """The session of a user who is logged in, or `None` for a guest.

    Options go before the environment, and `CL_TOKEN` before a name. A password is used for this command alone.
    The session of an earlier login does not count for a program that has no accounts.

    Args:
        options: of the run.
        config: where the servers are.
        username: the user to run as, if one is named.
        accounts: whether the program has any.

    Raises:
        AuthenticationError: the password is wrong, or the named user is not logged in.
        InvalidParameterError: there is a password and no name.
    """
    found = Credentials.from_env()
    password = options.password or found.password
    by_option = options.username is not None or options.password is not None
    if options.password is not None and username is None:
        raise InvalidParameterError("whose password is it? give --username too")
    if options.no_auth:
        yield None
    elif found.token is not None and not by_option:
        async with SessionManager(config, keep=False) as session:
            session.use(found.token)
            yield session
    elif username is not None and password is not None:
        async with SessionManager(config, keep=False) as session:
            await session.login(username, password)
            yield session
    elif accounts and await _is_kept(config, username):
        async with SessionManager(config, username=username) as session:
            yield session
    elif username is not None:
        raise AuthenticationError(
            f"{username} is not logged in at {without_secrets(config.auth_url)}, and there is no password"
        )
    else:
        yield None


async def _is_kept(config: ServerConfig, username: str | None) -> bool:
    """Whether there is a session to take up; a guest's command need not make one to find out."""
    return await asyncio.to_thread(SessionStore().load, config.auth_url.rstrip("/"), username) is not None
