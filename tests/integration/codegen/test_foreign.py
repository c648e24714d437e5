"""Packages for servers that are not ours: generated, type-checked, and run against a server made from their spec."""

import asyncio
import contextlib
import datetime
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import aiomqtt
import pytest

from cl_client.errors import InvalidParameterError, JobFailedError, JobNotFoundError, UnsupportedError
from cl_client.model import JobState
from cl_codegen.drift import compare
from cl_codegen.generate import generate
from cl_codegen.spec.spec import Spec
from tests.codegen_server.folders import expect_recorded
from tests.codegen_server.foreign import NAMES, sources
from tests.codegen_server.from_spec import SpecServer
from tests.codegen_server.running import running_server

GOLDEN = Path(__file__).parents[2] / "unit" / "codegen" / "golden" / "foreign"
RECORDED = {
    "photo_lab": (
        "plugins/blend.py",
        "plugins/commands/blend.py",
        "client.py",
        "cli.py",
        "__init__.py",
        "api/types.py",
    ),
    "studio": ("plugins/blur.py", "plugins/resize.py", "contract.py"),
    "tenants": ("plugins/ping.py", "plugins/commands/ping.py", "sync/plugins/ping.py", "sync/__init__.py"),
    "words": ("plugins/summary.py", "plugins/commands/summary.py", "contract.py"),
    "dictation": ("plugins/transcription.py", "contract.py", "api/models/operation_model.py"),
    "old_api": ("plugins/resize.py", "api/models/job_status_output.py", "api/api/jobs/put_job.py"),
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of them, each in a folder of its name, and importable."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in NAMES:
        generate(sources(name), folder / name)
    paths = [str(folder / name / "src") for name in NAMES]
    sys.path[:0] = paths
    yield folder
    sys.path[:] = [path for path in sys.path if path not in paths]


@contextlib.contextmanager
def serving(name: str) -> Iterator[tuple[str, SpecServer]]:
    server = SpecServer(Spec.load(sources(name).spec))
    with running_server(server.app) as url:
        yield url, server


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


async def test_several_files_one_of_them_an_image_numbers_as_ids_and_words_of_its_own(packages, tmp_path):
    options = module("photo_lab.api.models").Options(radius=2.5)
    with serving("photo_lab") as (url, server):
        async with module("photo_lab").PhotoLabClient(url) as client:
            states: list[tuple[str, int]] = []
            job = await client.blend.run(
                b"picture",
                b"mask",
                datetime.date(2026, 1, 2),
                layers=[b"one", b"two"],
                options=options,
                modes=["soft", "hard"],
                wait=True,
                on_progress=lambda state: states.append((state.status, state.progress)),
            )
            saved = await job.download(tmp_path)
            await job.delete()
    ((name, fields),) = server.received
    assert name == "blend"
    assert fields == {
        "image": ("file", b"picture"),
        "mask": ("file", b"mask"),
        "layers": [("file", b"one"), ("file", b"two")],
        "day": "2026-01-02",
        "options": '{"radius": 2.5}',
        "modes": ["soft", "hard"],
    }
    assert (job.job_id, job.status, job.progress) == ("7", "completed", 100)
    assert job.created_at == 1767323045000
    assert job.output.size.width == 8
    assert states == [("processing", 40), ("completed", 100)]
    assert saved.read_bytes() == b"bytes of /jobs/7/results/blended.png"
    with pytest.raises(InvalidParameterError, match="strength is 2, and has to be at most 1"):
        await client.blend.run(b"picture", b"mask", datetime.date(2026, 1, 2), strength=2)


async def test_jobs_that_are_posted_as_json_with_models_in_models(packages):
    models = module("words.api.models")
    with serving("words") as (url, server):
        async with module("words").WordsClient(url) as client:
            sources = [models.Source(url="a", seen=datetime.date(2026, 1, 2))]
            job = await client.summary.run("Long.", max_words=9, style="formal", sources=sources, wait=True)
            untyped = await client.summary.submit_job({"text": "Long.", "maxWords": 3})
            with pytest.raises(UnsupportedError, match="posted as JSON"):
                await client.summary.submit_with_files({"file": b"x"})
            with pytest.raises(UnsupportedError, match="cannot delete jobs: it has no such route"):
                await job.delete()
    assert server.received == [
        (
            "create_summary",
            {"text": "Long.", "maxWords": 9, "style": "formal", "sources": [{"url": "a", "seen": "2026-01-02"}]},
        ),
        ("create_summary", {"text": "Long.", "maxWords": 3}),
    ]
    assert (job.status, job.task_type, job.output) == ("completed", "summary", {"result": "Short."})
    assert (untyped.job_id, untyped.status) == ("s-1", "queued")


async def test_a_spec_by_hand_whose_routes_and_words_the_manifest_says(packages, tmp_path):
    with serving("dictation") as (url, server):
        async with module("dictation").DictationClient(url) as client:
            job = await client.transcription.write(b"sound", "no", hint="short", level="low", wait=True)
            saved = await job.download(tmp_path / "text")
            with pytest.raises(InvalidParameterError, match="speed is 0, and has to be more than 0"):
                await client.transcription.write(b"sound", "no", speed=0)
    assert server.received[0][1] == {"audio": ("file", b"sound"), "language": "no", "hint": "short", "level": "low"}
    assert (job.job_id, job.progress, job.output.words) == ("op-1", 100, 2)
    assert saved.read_bytes().startswith(b"bytes of /v1/operations/")


async def test_a_server_with_routes_for_the_jobs_of_each_task_and_parameters_beside_the_body(packages, tmp_path):
    with serving("studio") as (url, server):
        async with module("studio").StudioClient(url) as client:
            job = await client.resize.run(b"picture", 8, wait=True)
            saved = await job.download(tmp_path, "small.png")
            await job.cancel()
            await job.delete()
            again = await client.get_job(job.job_id)
            day = datetime.date(2026, 1, 2)
            blurred = await client.blur.run("http://x", "soft", "lab", mode=3, since=day)
            with pytest.raises(JobFailedError, match="no picture"):
                await blurred.wait()
            with pytest.raises(InvalidParameterError, match="project is 'too long!', and has to be at most 8"):
                await client.blur.run("http://x", "soft", "too long!")
            with pytest.raises(JobNotFoundError, match="'1' is not a job id"):
                await client.get_job("1")
            untyped = await client.resize.submit_with_files({"file": b"x"})
            attached = await client.resize.attach("resize/1")
    # The same id of two tasks: what stands before it tells them apart.
    assert (job.job_id, blurred.job_id, untyped.job_id) == ("resize/1", "blur/1", "resize/1")
    assert (job.status, job.progress, again.job_id, attached.output) == ("completed", 100, "resize/1", {"width": 8})
    assert saved.read_bytes() == b"bytes of /resize/jobs/1/files/small.png"
    assert server.received[1] == ("blur", {"url": "http://x", "mode": 3})
    routed = dict(server.routed)
    assert routed["blur"] == {"mode": "soft", "since": "2026-01-02", "X-Project": "lab"}
    assert routed["read_blur"] == routed["forget_resize"] == routed["cancel_resize"] == {"id": "1"}


async def test_a_server_whose_routes_have_more_than_the_id_of_a_job_and_a_submit_without_a_body(packages):
    with serving("tenants") as (url, server):
        async with module("tenants").TenantsClient(url) as client:
            scanned = await client.scan.run("text", "acme", wait=True)
            pinged = await client.ping.run("a b", "http://x", times=2, wait=True)
            await pinged.delete()
            with pytest.raises(UnsupportedError, match=r"posted to /v1/\{tenant\}/jobs/ping: use the"):
                await client.ping.submit_job({"url": "http://x"})
            with pytest.raises(UnsupportedError, match="use the method of the plugin"):
                await client.jobs.submit(module("tenants.plugins.ping").RUN, None)
            with pytest.raises(UnsupportedError, match="cannot cancel jobs: it has no such route"):
                await pinged.cancel()
    assert (scanned.job_id, scanned.output) == ("acme/a", {"found": 2})
    assert (pinged.job_id, pinged.output) == ("a%20b/b", {"found": 2})
    assert server.received == [("scan", {"text": "text"})]
    assert ("ping", {"tenant": "a b", "url": "http://x", "times": "2"}) in server.routed
    assert server.routed[-1] == ("forget", {"tenant": "a b", "job": "b"})


def test_the_same_client_without_async(packages, tmp_path):
    sync = module("photo_lab.sync")
    with serving("photo_lab") as (url, server):
        with sync.PhotoLabClient(url) as client:
            job = client.blend.run(b"picture", b"mask", datetime.date(2026, 1, 2), modes=["soft"], wait=True)
            saved = job.download(tmp_path)
            outcomes = client.map(client.blend.run, [b"one"], mask=b"mask", day=datetime.date(2026, 1, 2))
            assert [outcome.job.status for outcome in outcomes] == ["completed"]
            job.delete()
            with pytest.raises(InvalidParameterError, match="strength is 2, and has to be at most 1"):
                client.blend.run(b"picture", b"mask", datetime.date(2026, 1, 2), strength=2)
    assert isinstance(job, sync.Job)
    assert job.output.size.width == 8
    assert saved.read_bytes() == b"bytes of /jobs/7/results/blended.png"
    assert [fields["mask"] for _, fields in server.received] == [("file", b"mask")] * 2
    with serving("tenants") as (url, _), module("tenants.sync").TenantsClient(url) as client:
        assert client.ping.run("acme", "http://x", wait=True).job_id == "acme/b"


async def test_what_fastapi_0_100_wrote_and_a_job_that_fails_in_its_words(packages):
    with serving("old_api") as (url, server):
        async with module("old_api").OldApiClient(url) as client:
            job = await client.resize.run(b"x", width=8, filter_="lanczos")
            with pytest.raises(JobFailedError, match="no picture"):
                await job.wait()
    assert server.received == [
        ("create_resize_job_jobs_resize_post", {"file": ("file", b"x"), "width": "8", "filter": "lanczos"})
    ]
    models = module("old_api.api.models")
    assert models.JobStatusInput(job_id="a", status="b").to_dict() == {"job_id": "a", "status": "b"}


async def test_events_of_another_topic_in_other_words_are_understood(packages, usual_mosquitto: int):
    # On the brokers of our own servers nobody else may tell.
    broker = {"mqtt_broker": "127.0.0.1", "mqtt_port": usual_mosquitto}
    ended: asyncio.Future[JobState] = asyncio.get_running_loop().create_future()
    message = {"operation": "op-2", "phase": "inaudible", "done_percent": 40, "created_at": 1, "params": None}
    # Nothing answers there: only the broker tells.
    async with module("dictation").DictationClient("http://127.0.0.1:9", **broker) as client:
        client.subscribe_job_updates("op-2", on_complete=ended.set_result)
        async with aiomqtt.Client("127.0.0.1", usual_mosquitto) as mqtt:
            while not ended.done():
                await mqtt.publish("dictation/operations", json.dumps(message), qos=1)
                await asyncio.wait([ended], timeout=0.1)
    assert (ended.result().status, ended.result().progress) == ("failed", 40)


def run(packages: Path, name: str, url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(packages / name / "src"), "COMPUTE_URL": url, "COLUMNS": "90"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_line_of_a_package_runs_jobs(packages, tmp_path):
    for name in ("picture.png", "mask.png"):
        (tmp_path / name).write_bytes(b"bytes")
    with serving("photo_lab") as (url, server):
        ran = run(
            packages, "photo_lab", url, "blend", "run", tmp_path / "picture.png", "-m", tmp_path / "mask.png",
            "--day", "2026-01-02", "--options", '{"radius": 1}', "-o", tmp_path / "out.png", "--json",
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        refused = run(
            packages, "photo_lab", url, "blend", "run", tmp_path / "picture.png", "-m", tmp_path / "mask.png",
            "--day", "2026-01-02", "--options", "{}",
        )  # fmt: skip
    with serving("tenants") as (url, another):
        routed = run(packages, "tenants", url, "scan", "run", "--text", "x", "--tenant", "acme", "--json")
        assert json.loads(routed.stdout)["job_id"] == "acme/a", routed.stderr
        assert another.routed[0] == ("scan", {"tenant": "acme"})
    unranked = run(packages, "words", "http://127.0.0.1:9", "summary", "run", "--text", "x", "--priority", "3")
    assert json.loads(ran.stdout)["output"]["path"] == "blended.png"
    assert (tmp_path / "out.png").read_bytes() == b"bytes of /jobs/7/results/blended.png"
    assert server.received[0][1]["options"] == '{"radius": 1}'
    assert refused.returncode == 2
    assert "--options lacks 'radius'" in refused.stderr
    assert unranked.returncode == 2
    assert "--priority" in unranked.stderr
    page = run(packages, "photo_lab", "http://127.0.0.1:9", "--help").stdout
    assert page.startswith("Usage: photo-lab COMMAND [OPTIONS]\n\nClient of Photo lab\n")
    assert "download" in page


def test_the_packages_are_as_recorded(packages):
    for name, paths in RECORDED.items():
        for path in paths:
            expect_recorded(packages / name / "src" / name / path, GOLDEN / name / f"{path}.txt")


def test_a_package_is_the_same_each_time(packages):
    assert compare(sources("dictation"), packages / "dictation") == ()
