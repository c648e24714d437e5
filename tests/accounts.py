"""A stack with accounts, and who has them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from attrs import frozen

from cl_client import AuthClient, UserCreateRequest
from cl_server.embedded import LocalStack

JOBS: Final = "ai_inference_support"
USER: Final = "user"
STRANGER: Final = "stranger"
ADMIN: Final = "admin"


@frozen
class Accounts:
    """Three users of a stack: `user` may have jobs made, `stranger` may not, `admin` may do everything.

    Each has a token for all tests; those who refresh or end one log in for it.
    """

    stack: LocalStack
    passwords: dict[str, str]
    tokens: dict[str, str]

    @property
    def auth_url(self) -> str:
        assert self.stack.auth_url is not None
        return self.stack.auth_url

    async def login(self, name: str) -> str:
        """A new token."""
        async with AuthClient(self.auth_url) as auth:
            return (await auth.login(name, self.passwords[name])).access_token

    @classmethod
    def made_on(cls, stack: LocalStack) -> Self:
        """Make them."""
        assert stack.admin_password is not None
        passwords = {ADMIN: stack.admin_password, USER: "user's password", STRANGER: "stranger's password"}
        found = cls(stack, passwords, {})
        # In a thread of its own: the fixture may be asked for by one that runs in a loop.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(found._make())).result()
        return found

    async def _make(self) -> None:
        async with AuthClient(self.auth_url) as auth:
            admin = await self.login(ADMIN)
            for name, permissions in ((USER, [JOBS]), (STRANGER, [])):
                wanted = UserCreateRequest(username=name, password=self.passwords[name], permissions=permissions)
                await auth.create_user(admin, wanted)
        for name in self.passwords:
            self.tokens[name] = await self.login(name)
