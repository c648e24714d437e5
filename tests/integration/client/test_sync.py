"""The sync client on a running stack: in a script, in a notebook, in threads, and when it is stopped."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from cl_client import (
    AuthProvider,
    ClientClosedError,
    ComputeClientError,
    InvalidParameterError,
    JobNotFoundError,
    JobResponse,
    ServerConfig,
    UnsupportedMediaTypeError,
)
from cl_client.sync import AuthClient, ComputeClient, Job, MQTTJobMonitor, Outcome, SessionManager, as_completed
from cl_server.embedded import LocalStack
from cl_server.stack.running_stack import LOCK, is_free
from tests.accounts import ADMIN, USER, Accounts
from tests.integration.client.conftest import Caller


def client_of(stack: LocalStack, signature: AuthProvider | None = None) -> ComputeClient:
    return ComputeClient(
        stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port, auth_provider=signature
    )


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "cl_client sync"] == []


@pytest.fixture
def client(local_stack: LocalStack) -> Iterator[ComputeClient]:
    with client_of(local_stack) as client:
        yield client


@pytest.fixture
def anyones_client(anybody: Caller) -> Iterator[ComputeClient]:
    """A client of everybody who may have jobs made, and of somebody who may not."""
    with client_of(anybody.stack, anybody.signature()) as client:
        yield client


@pytest.fixture
def idle_client(idle_stack: LocalStack) -> Iterator[ComputeClient]:
    """A client of a server whose jobs stay queued."""
    with client_of(idle_stack) as client:
        yield client


def test_a_thumbnail_is_made_watched_and_fetched(anyones_client: ComputeClient, photo: Path, tmp_path: Path):
    seen: list[int] = []
    job = anyones_client.media_thumbnail.generate(
        photo, width=60, height=60, wait=True, on_progress=lambda state: seen.append(state.progress)
    )
    assert (job.status, job.output.width, job.output.height) == ("completed", 60, 40)
    assert seen[-1] == 100
    with Image.open(job.download(tmp_path / "thumbnail.jpg")) as picture:
        assert picture.size == (60, 40)
    assert [path.name for path in job.download_all(tmp_path / "all")] == [Path(job.output.thumbnail_path).name]


async def test_it_works_where_a_loop_runs_already_as_in_a_notebook(local_stack: LocalStack):
    with client_of(local_stack) as client:
        assert client.hash.compute(b"a notebook's", wait=True).output.sha256
        assert [state.status for state in client.hash.compute(b"another").events()][-1] == "completed"


def test_threads_share_a_client(client: ComputeClient):
    def one(number: int) -> str | None:
        return client.hash.compute(str(number).encode() * 100, wait=True).output.sha256

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(one, range(20)))) == 20


def test_a_job_is_found_listed_and_removed_by_its_id(anyones_client: ComputeClient):
    job = anyones_client.hash.compute(b"to be found").wait()
    again = anyones_client.jobs.get(job.job_id)
    assert isinstance(again, Job)
    assert again.task_output == job.task_output
    assert job.job_id in [each.job_id for each in anyones_client.jobs.list(task_type="hash")]
    assert anyones_client.jobs is anyones_client.jobs
    anyones_client.delete_job(job.job_id)
    with pytest.raises(JobNotFoundError):
        job.refresh()


def test_map_gives_outcomes_in_order_and_finishes_each(client: ComputeClient, photo: Path, tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("this is no image")

    def finish(source: Path, job: Job[object]) -> None:
        job.download(tmp_path / f"{source.name}.png")

    outcomes = list(client.map(client.image_conversion.convert, [photo, text], output_format="png", finish=finish))
    assert [outcome.source for outcome in outcomes] == [photo, text]
    good, bad = outcomes
    assert isinstance(good, Outcome)
    assert good.job is not None
    assert good.job.status == "completed"
    assert (tmp_path / "photo.jpg.png").is_file()
    assert bad.job is None
    assert isinstance(bad.error, UnsupportedMediaTypeError)


def test_map_goes_on_with_a_journal(client: ComputeClient, photo: Path, tmp_path: Path):
    journal = tmp_path / "batch.jsonl"
    resumed = [
        [outcome.resumed for outcome in client.map(client.hash.compute, [photo], journal=journal)] for _ in range(2)
    ]
    assert resumed == [[False], [True]]


def test_map_takes_a_function_of_the_callers(client: ComputeClient):
    def twice(source: bytes, *, wait: bool) -> Job[object]:
        client.hash.compute(source * 2, wait=wait)
        return client.hash.compute(source, wait=wait)

    assert [outcome.source for outcome in client.map(twice, [b"one", b"two"])] == [b"one", b"two"]


def test_as_completed_gives_the_jobs_that_it_was_given(client: ComputeClient, local_stack: LocalStack):
    names = {client.hash.compute(name.encode()): name for name in ("one", "two", "three")}
    assert {names[job] for job in as_completed(names, timeout=60)} == {"one", "two", "three"}
    with client_of(local_stack) as other, pytest.raises(InvalidParameterError, match="several clients"):
        list(as_completed([*names, other.hash.compute(b"four")]))


def test_ctrl_c_ends_the_wait_and_not_the_job(idle_client: ComputeClient):
    def interrupt(state: JobResponse) -> None:
        if not heard:
            os.kill(os.getpid(), signal.SIGINT)
        heard.append(state.job_id)

    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        idle_client.hash.compute(b"never done", wait=True, on_progress=interrupt)
    assert idle_client.get_job(heard[0]).status == "queued"
    assert idle_client.jobs.cancel(heard[0]).status == "cancelled"


def test_close_ends_the_wait_of_another_thread(idle_stack: LocalStack):
    client = client_of(idle_stack)
    waiting = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(client.hash.compute, b"never done", wait=True, on_progress=lambda _: waiting.set())
        waiting.wait()
        client.close()
        with pytest.raises(ClientClosedError):
            job.result()
    client.close()
    with pytest.raises(ClientClosedError, match="make a new one"):
        client.get_capabilities()


def test_what_is_known_of_a_job_can_be_read_after_the_client_is_closed(local_stack: LocalStack):
    with client_of(local_stack) as client:
        [outcome] = client.map(client.hash.compute, [b"x"])
    assert outcome.job is not None
    assert (outcome.job.done(), outcome.to_dict()["status"]) == (True, "completed")


def test_a_callback_may_stop_listening_but_may_not_wait(idle_client: ComputeClient, tmp_path: Path):
    client, ended, refused = idle_client, threading.Event(), list[str]()

    def on_complete(state: JobResponse) -> None:
        try:
            client.download_job_file(state.job_id, "output/photo.png", tmp_path)
        except ComputeClientError as error:
            refused.append(str(error))
        client.unsubscribe(subscription)
        ended.set()

    job = client.hash.compute(b"followed")
    subscription = client.subscribe_job_updates(job.job_id, on_complete=on_complete)
    client.jobs.cancel(job.job_id)
    assert ended.wait(60)
    assert "a callback runs in the thread" in refused[0]


def test_a_callback_may_be_async(client: ComputeClient):
    heard: list[str] = []

    async def on_complete(state: JobResponse) -> None:
        heard.append(state.status)

    client.hash.compute(b"heard", wait=True, on_complete=on_complete)
    assert heard == ["completed"]


def test_a_monitor_tells_of_workers_and_jobs(local_stack: LocalStack):
    there = threading.Event()
    config = ServerConfig(compute_url=local_stack.compute_url)
    with MQTTJobMonitor(local_stack.mqtt_host, local_stack.mqtt_port, server_config=config) as monitor:
        monitor.subscribe_worker_updates(lambda worker_id, worker: there.set())
        assert monitor.wait_for_capability("hash", timeout=60)
        assert there.wait(60)
        assert monitor.get_worker_capabilities()


def test_a_session_makes_clients_that_live_in_its_thread(accounts: Accounts):
    stack = accounts.stack
    config = ServerConfig(
        compute_url=stack.compute_url, auth_url=accounts.auth_url, mqtt_host=stack.mqtt_host, mqtt_port=stack.mqtt_port
    )
    with SessionManager(config, keep=False) as session:
        session.login(USER, accounts.passwords[USER])
        client = session.create_compute_client()
        assert client.hash.compute(b"signed", wait=True).status == "completed"
        client.close()
        user = session.get_current_user()
        assert user is not None
        assert user.username == USER
        assert session.auth.get_public_key().public_key
    with pytest.raises(ClientClosedError):
        session.restore()


def test_the_auth_server_is_asked(accounts: Accounts):
    with AuthClient(accounts.auth_url) as auth:
        token = auth.login(ADMIN, accounts.passwords[ADMIN]).access_token
        assert USER in [user.username for user in auth.list_users(token)]


def test_an_embedded_server_lives_as_long_as_the_block():
    with ComputeClient.embedded() as client:
        assert client.hash.compute(b"own", wait=True).output.sha256
    with pytest.raises(ClientClosedError):
        client.get_capabilities()


EMBEDDED = """
import signal, sys
from cl_client.sync import ComputeClient
manager = ComputeClient.embedded(sys.argv[1])
client = manager.__enter__()
events = client.hash.compute(b"its own").events()
print(next(events).job_id)
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("", 0, ""),
        ("raise ValueError('open')", 1, "ValueError: open\n"),
        ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt\n"),
    ],
    ids=["never closed", "an error", "ctrl-c"],
)
def test_an_embedded_server_that_nobody_closed_ends_with_the_script(tmp_path: Path, end: str, code: int, said: str):
    script = [sys.executable, "-c", EMBEDDED + end, str(tmp_path)]
    ran = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == code
    assert ran.stderr.endswith(said)
    assert ran.stderr.count("Traceback") == bool(said)
    assert "ignored" not in ran.stderr
    # While anything of it is there, the lock is taken.
    assert (tmp_path / LOCK).exists()
    assert is_free(tmp_path)


def test_a_script_that_closes_nothing_ends_without_a_word(local_stack: LocalStack):
    program = f"""
from cl_client.sync import ComputeClient
client = ComputeClient({local_stack.compute_url!r}, mqtt_port={local_stack.mqtt_port})
job = client.hash.compute(b"a script's", wait=True)
client.subscribe_job_updates(job.job_id, on_progress=print)
for state in job.events():
    print(state.status)
    break
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "completed" in ran.stdout
