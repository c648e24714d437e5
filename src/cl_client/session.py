"""A session: a user who is logged in, with a token that is refreshed before it expires."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, Self, Unpack

from attrs import evolve

from cl_api.auth.models import TokenResponse, UserResponse
from cl_client.accounts.auth_client import AuthClient
from cl_client.accounts.session_store import Session, SessionStore
from cl_client.accounts.token import EARLY, Token
from cl_client.client import ComputeClient
from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ComputeClientConfig
from cl_client.config.servers import Credentials, ServerConfig
from cl_client.errors import (
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ComputeClientError,
    InvalidParameterError,
    PermissionError,
    ServerUnreachableError,
    ValidationError,
)
from cl_client.http.auth import JWTAuthProvider
from cl_client.http.options import HttpOptions
from cl_client.loops.closing import Closing

logger = logging.getLogger(__name__)

AFTER_TROUBLE: Final = 10.0
"""Seconds without requests to an auth server that didn't answer, while the token is still valid."""
FAREWELL: Final = 2.0
"""Seconds that `close` waits for a running refresh."""

_HOW: Final = "`cl-client login`, or `SessionManager.login`"
_REFUSED: Final = (AuthenticationError, PermissionError, BadRequestError, ValidationError)


class SessionManager(Closing):
    """Logs in, refreshes the token, and creates clients that use it. For one event loop.

    As an async context manager, it restores the session that an earlier process stored, and closes its clients at the
    end. Before a login, it is the session of a guest.

    Args:
        server_config: Addresses of the servers. Default: the environment.
        username: User whose stored session to restore. Default: the user who logged in last.
        keep: Whether to store the token for later processes: in the keyring of the system with the extra `[keyring]`,
            otherwise in a file that only this user can read. Passwords are never stored.
        store: Where to store the token, if not in the default place.
        clock: Returns the seconds since the epoch.
        http: Options for the requests of the session and its clients. See `HttpOptions`.
    """

    def __init__(
        self,
        server_config: ServerConfig | None = None,
        *,
        username: str | None = None,
        keep: bool = True,
        store: SessionStore | None = None,
        clock: Callable[[], float] = time.time,
        **http: Unpack[HttpOptions],
    ) -> None:
        self._config = server_config or ServerConfig.from_env()
        self._http = http
        self.auth: AuthClient = AuthClient(
            server_config=self._config, timeout=ComputeClientConfig.SESSION_TIMEOUT, **http
        )
        """The client of the auth server. Admins manage users with it."""
        self._username = username
        self._store = (store or SessionStore()) if keep else None
        self._clock = clock
        self._session: Session | None = None
        self._user: UserResponse | None = None
        self._share = EARLY[1]
        self._flight: asyncio.Task[None] | None = None
        self._left_alone_until = 0.0
        self._clients: list[ComputeClient] = []
        self._obstacle: ComputeClientError | None = None
        self.kept_in: str | None = None
        """A description of where `login` stored the token. `None` if it isn't stored."""

    def __repr__(self) -> str:
        return f"<SessionManager {without_secrets(self.auth.base_url)}, {self.username or 'guest'}>"

    @property
    def username(self) -> str | None:
        """The name that the user logged in with. `None` for a guest."""
        return None if self._session is None else self._session.username

    async def restore(self) -> bool:
        """Restore the stored session, if there is one.

        Returns:
            Whether a user is logged in now.

        Raises:
            ComputeClientError: The session can't be read (a locked keyring, a damaged file).
        """
        if self._store is not None:
            kept = await asyncio.to_thread(self._store.load, self.auth.base_url, self._username)
            if kept is not None:
                self._take(kept)
        return self._session is not None

    async def login(self, username: str | None = None, password: str | None = None) -> TokenResponse:
        """Log in, and store the token.

        Args:
            username: Name of the user. Default: `CL_USERNAME`.
            password: Password of the user. Default: `CL_PASSWORD`.

        Raises:
            AuthenticationError: The name or the password is wrong, or the account is inactive.
            RateLimitError: There were too many attempts.
            ServerUnreachableError: The auth server doesn't answer.
            InvalidParameterError: The name or the password is neither an argument nor in the environment.
        """
        found = Credentials.from_env()
        username, password = username or found.username, password or found.password
        if not username or not password:
            raise InvalidParameterError(
                "a login needs a name and a password: give them, or set CL_USERNAME, CL_PASSWORD"
            )
        answer = await self.auth.login(username, password)
        now = self._clock()
        session = Session(
            auth_url=self.auth.base_url,
            username=username,
            token=Token.received(answer.access_token, answer.expires_in, now),
            logged_in_at=now,
        )
        self._take(session)
        await self._keep(session)
        return answer

    def use(self, token: str) -> None:
        """Use a token in this process only. It is sent unchanged, and not refreshed."""
        self._take(
            Session(
                auth_url=self.auth.base_url,
                username="the token",
                token=Token(token, self._clock(), None),
                logged_in_at=self._clock(),
            )
        )

    async def logout(self) -> None:
        """Delete the token, here and in the store. There is no request, because the server has no sessions."""
        self._expect_known()
        session, self._session, self._user, self.kept_in = self._session, None, None, None
        if session is not None and self._store is not None:
            await asyncio.to_thread(self._store.forget, session)

    def is_authenticated(self) -> bool:
        """Whether a user is logged in. The token itself may have expired.

        Raises:
            ComputeClientError: The stored session can't be read. `login` starts a new one.
        """
        self._expect_known()
        return self._session is not None

    def get_token(self) -> str:
        """Get the current token without refreshing it.

        Raises:
            AuthenticationError: No user is logged in.
        """
        return self._logged_in().token.text

    async def get_valid_token(self) -> str:
        """Get the current token, refreshed if less than a minute is left (or half of a short lifetime).

        After 50 to 60 % of its lifetime, the token is refreshed in the background, and this method returns the current
        one. If the auth server doesn't answer, it also returns the current token, and the receiver decides about it.

        Raises:
            AuthenticationError: No user is logged in, or the session has expired.
        """
        token = self._logged_in().token
        now = self._clock()
        if token.is_ending(now):
            if not self._in_trouble():
                try:
                    await self.refresh()
                except AuthenticationError:
                    raise
                except ComputeClientError as error:
                    logger.debug("the old token is used, because of: %s", error)
        elif token.is_due(now, self._share) and not self._in_trouble():
            self._begin_refresh()
        return self.get_token()

    async def refresh(self) -> None:
        """Refresh the token. Concurrent calls share one request, even if one of them is cancelled.

        Raises:
            AuthenticationError: No user is logged in, or the session has expired.
            ComputeClientError: The auth server can't be reached.
        """
        flight = self._begin_refresh()
        try:
            await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled():
                raise ClientClosedError("the session was closed while its token was refreshed") from None
            raise

    async def get_current_user(self) -> UserResponse | None:
        """Get the user from the auth server, once for each token. `None` for a guest.

        Raises:
            AuthenticationError: The session has expired.
            ServerUnreachableError: The auth server doesn't answer.
        """
        if not self.is_authenticated():
            return None
        token = await self.get_valid_token()
        if self._user is None:
            self._user = await self.auth.get_current_user(token)
        return self._user

    def create_compute_client(self) -> ComputeClient:
        """Create a client that sends the current token of this session with every request.

        It sends no token if no user is logged in. The session closes the client.
        """
        client = ComputeClient(server_config=self._config, auth_provider=JWTAuthProvider(session=self), **self._http)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close the clients of this session and its connections. The user stays logged in for the next process."""
        for client in self._clients:
            await client.close()
        if self._flight is not None and not self._flight.done():
            await asyncio.wait([self._flight], timeout=FAREWELL)
            self._flight.cancel()
            await asyncio.wait([self._flight])
        await self.auth.close()

    async def __aenter__(self) -> Self:
        try:
            await self.restore()
        except ComputeClientError as error:
            # A login makes it irrelevant. Without one, the user must not continue as a guest.
            self._obstacle = error
        return self

    def _expect_known(self) -> None:
        if self._obstacle is not None:
            raise self._obstacle

    def _logged_in(self) -> Session:
        self._expect_known()
        if self._session is None:
            raise AuthenticationError(
                "no user is logged in", hint="log in: `cl-client login`, or `SessionManager.login`"
            )
        return self._session

    def _take(self, session: Session) -> None:
        self._session, self._user, self._obstacle = session, None, None
        self._share = random.uniform(*EARLY)  # noqa: S311 (no secret)
        self._left_alone_until = 0.0

    def _in_trouble(self) -> bool:
        return asyncio.get_running_loop().time() < self._left_alone_until

    def _begin_refresh(self) -> asyncio.Task[None]:
        session = self._logged_in()
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._refresh(session), name="cl_client refresh")
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[None]) -> None:
        """Handle a failed refresh, even if no call waits for it."""
        error = None if flight.cancelled() else flight.exception()
        if error is None:
            return
        self._left_alone_until = flight.get_loop().time() + AFTER_TROUBLE
        # An expired session is an error only when the token is needed: it may be valid until the work is done.
        level = logging.DEBUG if isinstance(error, AuthenticationError) else logging.WARNING
        logger.log(level, "the token could not be refreshed: %s", error)

    async def _refresh(self, before: Session) -> None:
        async with self._turn():
            kept = await self._kept(before)
            if kept is not None and kept.token != before.token and not kept.token.is_ending(self._clock()):
                # Another process has done it.
                self._replace(before, kept)
                return
            answer = await self._newer(before)
            session = evolve(before, token=Token.received(answer.access_token, answer.expires_in, self._clock()))
            # A logout or login that happened meanwhile, here or elsewhere, wins.
            if self._replace(before, session) and kept is not None:
                await self._keep(session)

    async def _newer(self, session: Session) -> TokenResponse:
        try:
            return await self.auth.refresh_token(session.token.text)
        except _REFUSED as error:
            raise AuthenticationError(
                f"the session of {session.username} has ended: {error.message}",
                status=error.status,
                request_id=error.request_id,
                hint=f"log in again: {_HOW}",
            ) from error
        except ServerUnreachableError as error:
            # Not the cause itself: that the auth server cannot be connected to says nothing of the request behind this.
            raise ServerUnreachableError(
                f"the token of {session.username} cannot be refreshed: {error.message}", hint=error.hint
            ) from error

    def _replace(self, before: Session, after: Session) -> bool:
        if self._session is not before:
            return False
        self._take(after)
        return True

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        if self._store is None:
            yield
        else:
            async with self._store.turn():
                yield

    async def _kept(self, session: Session) -> Session | None:
        if self._store is None:
            return None
        try:
            return await asyncio.to_thread(self._store.load, session.auth_url, session.username)
        except ComputeClientError as error:
            # We have what it held, and write it anew.
            logger.debug("%s", error)
            return session

    async def _keep(self, session: Session) -> None:
        if self._store is None:
            return
        try:
            self.kept_in = await asyncio.to_thread(self._store.save, session)
        except ComputeClientError as error:
            self.kept_in = None
            logger.warning("%s: it ends with this process", error)
