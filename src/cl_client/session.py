"""A session: somebody who is logged in, with a token that is refreshed before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
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

logger = logging.getLogger(__name__)

AFTER_TROUBLE: Final = 10.0
"""Seconds for which an auth server that could not be asked is left alone, while the token is good without it."""
FAREWELL: Final = 2.0
"""Seconds that `close` waits for a refresh that is under way."""

_HOW: Final = "`cl-client login`, or `SessionManager.login`"
_REFUSED: Final = (AuthenticationError, PermissionError, BadRequestError, ValidationError)


class SessionManager:
    """Logs in, keeps the token fresh, and makes clients that use it. For one event loop.

    As an async context manager it takes up the session that an earlier process kept, and closes its clients at the end.
    Until somebody logs in, it is a guest's.

    Args:
        server_config: where the servers are; the environment says it when not given.
        username: whose kept session to take up; that of whoever logged in last when not given.
        keep: whether the token outlives the process, in the system's keyring (extra `[keyring]`) or else in a file
            that only this user may read. Passwords are never kept.
        store: where it is kept, if not in the usual place.
        clock: seconds since the epoch.
        http: how the requests of the session and of its clients go out; see `HttpOptions`.
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
        """The auth server's endpoints, with which admins manage users."""
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
        """Where `login` put the token, in words; `None` where it ends with the process."""

    def __repr__(self) -> str:
        return f"<SessionManager {without_secrets(self.auth.base_url)}, {self.username or 'guest'}>"

    @property
    def username(self) -> str | None:
        """Who is logged in, as they gave their name; `None` for a guest."""
        return None if self._session is None else self._session.username

    async def restore(self) -> bool:
        """Take up the session that was kept, if there is one.

        Returns:
            Whether somebody is logged in now.

        Raises:
            ComputeClientError: there is one, and it cannot be read (a locked keyring, a damaged file).
        """
        if self._store is not None:
            kept = await asyncio.to_thread(self._store.load, self.auth.base_url, self._username)
            if kept is not None:
                self._take(kept)
        return self._session is not None

    async def login(self, username: str | None = None, password: str | None = None) -> TokenResponse:
        """Log in, and keep the token.

        Args:
            username: `CL_USERNAME` when not given.
            password: `CL_PASSWORD` when not given.

        Raises:
            AuthenticationError: one of them is wrong, or the account is not active.
            RateLimitError: too many attempts.
            ServerUnreachableError: there is no auth server.
            InvalidParameterError: a name or a password is neither given nor in the environment.
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
        """Be whoever this token is of, in this process alone. It is sent as it is, until it is refused."""
        self._take(
            Session(
                auth_url=self.auth.base_url,
                username="the token",
                token=Token(token, self._clock(), None),
                logged_in_at=self._clock(),
            )
        )

    async def logout(self) -> None:
        """Forget the token, here and where it is kept. The server is not asked: it knows no sessions."""
        self._expect_known()
        session, self._session, self._user, self.kept_in = self._session, None, None, None
        if session is not None and self._store is not None:
            await asyncio.to_thread(self._store.forget, session)

    def is_authenticated(self) -> bool:
        """Whether somebody is logged in. Whether the token is good yet is only known when it is used.

        Raises:
            ComputeClientError: a session was kept, and cannot be read; `login` begins another.
        """
        self._expect_known()
        return self._session is not None

    def get_token(self) -> str:
        """The current token, as it is.

        Raises:
            AuthenticationError: no user is logged in.
        """
        return self._logged_in().token.text

    async def get_valid_token(self) -> str:
        """The current token, refreshed when less than a minute is left (or half of a life that is short).

        A token that has lived for 50 to 60 % of its life is refreshed beside the work: this one is given meanwhile. An
        auth server that is away stops nobody: whoever gets a token that is old decides about it.

        Raises:
            AuthenticationError: no user is logged in, or the session is over.
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
        """Change the token for a newer one; once for all who ask meanwhile, also when one of them is cancelled.

        Raises:
            AuthenticationError: no user is logged in, or the session is over.
            ComputeClientError: the auth server cannot be asked now.
        """
        flight = self._begin_refresh()
        try:
            await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled():
                raise ClientClosedError("the session was closed while its token was refreshed") from None
            raise

    async def get_current_user(self) -> UserResponse | None:
        """Who is logged in, as the auth server knows them; `None` for a guest. Asked once for each token.

        Raises:
            AuthenticationError: the session is over.
            ServerUnreachableError: there is no auth server.
        """
        if not self.is_authenticated():
            return None
        token = await self.get_valid_token()
        if self._user is None:
            self._user = await self.auth.get_current_user(token)
        return self._user

    def create_compute_client(self) -> ComputeClient:
        """A client that sends the current token of this session with every request; nothing while no user is logged in.

        It is closed with the session.
        """
        client = ComputeClient(server_config=self._config, auth_provider=JWTAuthProvider(session=self), **self._http)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close the clients of this session and its connections. Whoever is logged in stays so for the next process."""
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
            # Whoever logs in now needs it no more; nobody else goes on as a guest.
            self._obstacle = error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

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
        """Hear of a refresh that failed, also when nobody waits for it."""
        error = None if flight.cancelled() else flight.exception()
        if error is None:
            return
        self._left_alone_until = flight.get_loop().time() + AFTER_TROUBLE
        # That the session is over is told when the token is needed: it may be good until the work is done.
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
            # Meanwhile somebody may have logged out or in, here or elsewhere: that stands.
            if self._replace(before, session) and kept is not None:
                await self._keep(session)

    async def _newer(self, session: Session) -> TokenResponse:
        try:
            return await self.auth.refresh_token(session.token.text)
        except _REFUSED as error:
            raise AuthenticationError(
                f"the session of {session.username} is over: {error.message}",
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
