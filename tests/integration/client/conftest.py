"""A client of the stack that runs, and a session of one of its users."""

import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from attrs import frozen

from cl_client import ComputeClient, JWTAuthProvider, PermissionError, ServerConfig, SessionManager
from cl_client.accounts.session_store import SessionStore
from cl_client.sync import ComputeClient as SyncComputeClient
from cl_server.embedded import LocalStack
from tests import own_package as own_package_
from tests.accounts import ADMIN, JOBS, STRANGER, USER, Accounts
from tests.conftest import KINDS, GetStack
from tests.integration.client.sessions import Clock
from tests.media.photo import corners, encoded


@frozen
class Caller:
    """Somebody who calls a server: with a token, or as a guest."""

    stack: LocalStack
    token: str | None = None

    def client(self) -> ComputeClient:
        stack = self.stack
        return ComputeClient(
            stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port, auth_provider=self.signature()
        )

    def signature(self) -> JWTAuthProvider | None:
        return None if self.token is None else JWTAuthProvider(self.token)


GUEST = "guest"
# These are about the client of a job server, and run a second time with one that was generated from our own spec.
OF_ANY_CLIENT = frozenset(
    f"{__package__}.test_{name}"
    for name in (
        "access",
        "batch",
        "cancelled_wait",
        "jobs",
        "main_job",
        "models",
        "monitor",
        "plugins",
        "results",
        "resumed_batch",
        "sync",
        "telemetry",
        "trouble",
    )
)
# Who calls changes nothing in the client: once is enough there.
_ONCE = {"caller": KINDS[0], "anybody": GUEST, "stack": KINDS[0]}
# Who has an account; the last one may not have jobs made.
NAMED = [USER, ADMIN, pytest.param(STRANGER, marks=pytest.mark.refused)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have each of those tests twice: with our client, and with the generated one."""
    if metafunc.module.__name__ in OF_ANY_CLIENT:
        metafunc.fixturenames.append("generated_client")
        metafunc.parametrize("generated_client", [False, True], ids=["ours", "generated"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With the generated client, one caller of each test is enough."""
    items[:] = [item for item in items if not _again(item)]


def _again(item: pytest.Item) -> bool:
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return bool(params.get("generated_client")) and any(params.get(name, one) != one for name, one in _ONCE.items())


@pytest.fixture(scope="session")
def own_package(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The package that is generated from the spec and the manifest of our own server."""
    own_package_.importable(tmp_path_factory)


@pytest.fixture
def generated_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is asked for, `ComputeClient` is that of the generated package, in the test and in its fixtures."""
    if not request.param:
        return
    request.getfixturevalue("own_package")
    ours = {ComputeClient: "client", SyncComputeClient: "sync.client"}
    for name in (request.module.__name__, __name__, "cl_client.monitor"):
        module = sys.modules[name]
        home = ours.get(vars(module).get("ComputeClient"))
        if home is not None:
            monkeypatch.setattr(module, "ComputeClient", own_package_.module(home).OwnClient)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Where the permission is missing, the same test has to end with this error and no other."""
    if pyfuncitem.get_closest_marker("refused") is None:
        return (yield)
    with pytest.raises(PermissionError, match=JOBS):
        yield
    return True


@pytest.fixture(params=[*(pytest.param(kind, id=f"guest, {kind}") for kind in KINDS), *NAMED])
def caller(request: pytest.FixtureRequest) -> Caller:
    """A guest of a server without accounts, on each broker; a user with the permission, an admin, one without."""
    mode: str = request.param
    stacks: GetStack = request.getfixturevalue("stacks")
    for kind in KINDS:
        if mode == kind:
            return Caller(stacks(kind))
    return named(request, mode)


@pytest.fixture(params=[GUEST, *NAMED])
def anybody(request: pytest.FixtureRequest) -> Caller:
    """As `caller`, for what has nothing to do with the broker."""
    mode: str = request.param
    return Caller(request.getfixturevalue("local_stack")) if mode == GUEST else named(request, mode)


def named(request: pytest.FixtureRequest, name: str) -> Caller:
    """Somebody who has an account."""
    accounts: Accounts = request.getfixturevalue("accounts")
    return Caller(accounts.stack, accounts.tokens[name])


@pytest.fixture
async def every_client(caller: Caller) -> AsyncGenerator[ComputeClient]:
    """A client of everybody who may have jobs made; in the mode of somebody who may not, the test has to be refused."""
    async with caller.client() as client:
        yield client


@pytest.fixture
async def anyones_client(anybody: Caller) -> AsyncGenerator[ComputeClient]:
    """As `every_client`, for what has nothing to do with the broker."""
    async with anybody.client() as client:
        yield client


@pytest.fixture
async def client(stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a running stack, once with each broker."""
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


@pytest.fixture
async def local_client(local_stack: LocalStack) -> AsyncGenerator[ComputeClient]:
    """A client of a running stack, for what has nothing to do with the broker."""
    stack = local_stack
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG of 120 × 80 pixels as seen, stored turned (EXIF orientation 6)."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(corners(), orientation=6))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(accounts: Accounts) -> ServerConfig:
    """Where the servers with accounts are."""
    stack = accounts.stack
    return ServerConfig(
        auth_url=accounts.auth_url,
        compute_url=stack.compute_url,
        mqtt_host=stack.mqtt_host,
        mqtt_port=stack.mqtt_port,
    )


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    """Where sessions are kept."""
    return SessionStore(tmp_path / "sessions")


@pytest.fixture
async def session(
    accounts: Accounts, config: ServerConfig, clock: Clock, store: SessionStore
) -> AsyncGenerator[SessionManager]:
    """The user's session, with a clock that the test moves."""
    async with SessionManager(config, store=store, clock=clock) as session:
        await session.login(USER, accounts.passwords[USER])
        yield session
