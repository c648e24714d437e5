"""Who a command is run as: by its options, by the environment, by the session of an earlier login, or as a guest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from cl_client.accounts.session_store import SessionStore
from cl_client.cli.help.options import GlobalOptions
from cl_client.config.addresses import without_secrets
from cl_client.config.servers import Credentials, ServerConfig
from cl_client.errors import AuthenticationError, InvalidParameterError

if TYPE_CHECKING:
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
    token = None if by_option else found.token
    login = None if username is None or password is None else (username, password)
    if options.no_auth:
        yield None
    elif token is not None or login is not None or (accounts and await _is_kept(config, username)):
        # It imports all that speaks with the auth server: a guest's command need not.
        from cl_client.session import SessionManager

        keep = token is None and login is None
        async with SessionManager(config, username=username if keep else None, keep=keep) as session:
            if token is not None:
                session.use(token)
            elif login is not None:
                await session.login(*login)
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
