"""The rules for logins and accounts, between the routes and the database."""

import asyncio

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from cl_server.auth.issuer import Issuer
from cl_server.auth.limits import Attempt, LoginLimit
from cl_server.auth.passwords import Passwords
from cl_server.auth.schemas import TokenResponse, UserCreateRequest, UserUpdateRequest
from cl_server.auth.users import User, UserChange, UserRepository
from cl_server.http.bearer import forbidden, token_of, unauthorized
from cl_server.http.tokens import TokenError, Verifier

INACTIVE = "this account is not active: ask an admin"


class Accounts:
    """Checks passwords in one pool of threads and queries the database in another, never on the event loop."""

    def __init__(
        self, users: UserRepository, hashed: Passwords, issuer: Issuer, verifier: Verifier, limit: LoginLimit
    ) -> None:
        self.users = users
        self._passwords = hashed
        self._issuer = issuer
        self._verifier = verifier
        self._limit = limit

    async def login(self, username: str, password: str, address: str) -> TokenResponse:
        """A token for a name and a password. Raises 401, `TooManyError`, and `BusyError`."""
        attempt = Attempt(address, username)
        wait = self._limit.begin(attempt)
        if wait > 0:
            await asyncio.sleep(wait)
        user = await run_in_threadpool(self.users.by_name, username)
        # One hash in any case, so that the time doesn't reveal whether the user exists.
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            raise unauthorized("the user name or the password is wrong")
        self._limit.succeeded(attempt)
        if not user.is_active:
            raise unauthorized(INACTIVE)
        if self._passwords.outdated(user.password_hash):
            await run_in_threadpool(self.users.renew_hash, user, await self._passwords.hash(password))
        return await run_in_threadpool(self._issuer.issue, user)

    async def refresh(self, headers: Headers) -> TokenResponse:
        """A new token for one that is still good. Raises 401."""
        return await run_in_threadpool(self._issuer.issue, await self.current(headers))

    async def current(self, headers: Headers) -> User:
        """Who sent a request, as the database knows them now. Raises 401."""
        token = token_of(headers)
        if token is None:
            raise unauthorized("log in first: this needs a token")
        try:
            claims = await self._verifier.verify(token)
        except TokenError as error:
            raise unauthorized(str(error)) from None
        user = await run_in_threadpool(self.users.get, claims.id) if isinstance(claims.id, int) else None
        if user is None:
            raise unauthorized("the user of this token was deleted")
        if not user.is_active:
            raise unauthorized(INACTIVE)
        if user.session != claims.session:
            raise unauthorized("the token is from before a change of this account: log in again")
        return user

    async def admin(self, headers: Headers) -> User:
        """The admin who sent a request. Raises 401 and 403."""
        user = await self.current(headers)
        if not user.is_admin:
            raise forbidden("only an admin may do this")
        return user

    async def create(self, wanted: UserCreateRequest) -> User:
        """A new user. Raises `UsernameTakenError`, `WeakPasswordError`, and `BusyError`."""
        await run_in_threadpool(self._passwords.expect_strong, wanted.password, wanted.username)
        hashed = await self._passwords.hash(wanted.password)

        def add() -> User:
            return self.users.add(
                wanted.username,
                hashed,
                is_admin=wanted.is_admin,
                permissions=[*dict.fromkeys(wanted.permissions)],
                is_active=wanted.is_active,
            )

        return await run_in_threadpool(add)

    def _expect_strong(self, user_id: int, password: str) -> None:
        user = self.users.get(user_id)
        self._passwords.expect_strong(password, "" if user is None else user.username)

    async def update(self, user_id: int, wanted: UserUpdateRequest) -> User | None:
        """Change the given fields. Raises `LastAdminError`, `WeakPasswordError`, and `BusyError`."""
        changes: UserChange = {}
        if wanted.password is not None:
            await run_in_threadpool(self._expect_strong, user_id, wanted.password)
            changes["password_hash"] = await self._passwords.hash(wanted.password)
        if wanted.permissions is not None:
            changes["permissions"] = list(dict.fromkeys(wanted.permissions))
        if wanted.is_active is not None:
            changes["is_active"] = wanted.is_active
        if wanted.is_admin is not None:
            changes["is_admin"] = wanted.is_admin
        return await run_in_threadpool(lambda: self.users.update(user_id, **changes))
