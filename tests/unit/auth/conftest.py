"""The auth server without a network, with hashes that are quick and weak."""

import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from cl_server.auth.app import create_app
from cl_server.auth.keys import KeyRing
from cl_server.auth.limits import LoginLimit
from cl_server.auth.migrations import migrate
from cl_server.auth.passwords import Passwords
from cl_server.auth.users import UserRepository
from cl_server.queue.tables import open_database

PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without users, to be copied: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "users.sqlite"
    engine = open_database(path)
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def users(tmp_path: Path, empty: Path) -> Iterator[UserRepository]:
    engine = open_database(shutil.copy(empty, tmp_path / "users.sqlite"))
    yield UserRepository(engine)
    engine.dispose()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys")


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    weak = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield weak
    weak.close()


class Http(httpx.AsyncClient):
    """HTTP to the application, with a few words for what tests do often."""

    async def token(self, username: str, password: str = PASSWORD) -> str:
        answer = await self.login(username, password)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def login(self, username: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/auth/token", data={"username": username, "password": password})

    async def user(self, username: str, **fields: str) -> int:
        """A new user, made by the admin."""
        data = {"username": username, "password": PASSWORD, **fields}
        answer = await self.post("/users/", data=data, headers=await self.signed("admin"))
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def signed(self, username: str, password: str = PASSWORD) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token(username, password)}"}


@pytest.fixture
async def http(users: UserRepository, ring: KeyRing, passwords: Passwords) -> AsyncGenerator[Http]:
    """The server, with one admin called `admin`."""
    users.add("admin", await passwords.hash(PASSWORD), is_admin=True, permissions=[])
    app = create_app(users, ring, passwords, limit=LoginLimit(per_login=5, per_address=1000, per_name=1000))
    async with Http(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client
