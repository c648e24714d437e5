"""Job APIs of other kinds than ours, without a manifest: recognised, submitted to, followed to the typed output."""

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI

from cl_client import JWTAuthProvider, StoredFile
from cl_client.errors import JobFailedError, JobNotFoundError, NotFoundError, ResponseError, UnsupportedError
from cl_codegen.generate import PackageSources, generate
from tests.codegen_server import fake_job_apis
from tests.codegen_server.fake_upload_apis import storage
from tests.codegen_server.folders import TEMPLATES
from tests.codegen_server.running import running_server

FAKES = (
    *("predictions", "queue", "documents", "endpoints", "processes", "envelopes", "crawls", "batches", "transcripts"),
    *("by_query", "by_address", "by_header"),
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of each fake, importable as `fake_NAME`, made without a manifest."""
    folder = tmp_path_factory.mktemp("fakes")
    for name in FAKES:
        app: FastAPI = getattr(fake_job_apis, name)()
        spec = folder / f"{name}.json"
        spec.write_text(json.dumps(app.openapi()))
        made = generate(PackageSources(spec, folder / "none.toml", TEMPLATES, f"fake_{name}"), folder / name)
        assert made.left_out == ()
    paths = [str(folder / name / "src") for name in FAKES]
    sys.path[:0] = paths
    yield folder
    sys.path[:] = [path for path in sys.path if path not in paths]


@pytest.fixture
def served(packages: Path) -> Iterator[Callable[[str], tuple[str, ModuleType]]]:
    """Starts a fake; gives its address and the package for it."""
    with contextlib.ExitStack() as running:
        yield lambda name: (
            running.enter_context(running_server(getattr(fake_job_apis, name)())),
            importlib.import_module(f"fake_{name}"),
        )


async def test_the_output_in_the_state_is_typed_and_why_it_failed_is_the_message_of_the_error(served):
    url, package = served("predictions")
    async with package.FakePredictionsClient(url) as client:
        job = await client.predictions_create.run("a cat", wait=True, timeout=20)
        assert (job.output.url, job.output.width) == ("/a.png", 7)
        with pytest.raises(JobFailedError, match="no GPU is free"):
            await client.predictions_create.run("fail", wait=True, timeout=20)
        stopped = await (await client.predictions_create.run("a dog")).cancel()
        assert stopped.status == "cancelled"


async def test_a_result_at_a_route_of_its_own_is_fetched_when_the_job_has_completed(served):
    url, package = served("queue")
    async with package.FakeQueueClient(url) as client:
        job = await client.paint.run("a cat", wait=True, timeout=20)
        assert job.output.images[0].width == 9
        assert (await client.get_job(job.job_id)).task_output == {"images": [{"url": f"/{job.job_id}.png", "width": 9}]}
        with pytest.raises(JobFailedError):
            await client.paint.run("fail", wait=True, timeout=20)
        stopped = await (await client.paint.run("a dog")).cancel()
        assert stopped.status == "cancelled"


async def test_the_addresses_that_a_server_gives_for_a_job_are_followed_but_for_those_of_other_servers(served):
    url, package = served("queue")
    async with package.FakeQueueClient(url) as client:
        job = await client.paint.run("a cat")
    async with package.FakeQueueClient(url) as client:
        # Another process knows the id alone; the route of the spec tells the addresses.
        again = await client.get_job(job.job_id)
        assert again.status == "processing"
        assert again.additional_properties["status_url"] == f"/anywhere/{job.job_id}/status"
        done = await (await client.paint.attach(job.job_id)).wait(timeout=20)
        assert done.output.images[0].url == f"/{job.job_id}.png"
        stopped = await (await client.paint.run("a dog")).cancel()
        assert stopped.status == "cancelled"


async def test_a_result_that_is_json_or_a_file_is_the_output_and_can_be_downloaded(served, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    url, package = served("documents")
    async with package.FakeDocumentsClient(url) as client:
        job = await client.process_file_async.run([tmp_path / "a.txt"], wait=True, timeout=20)
        assert job.output.document.text == f"of {job.job_id}"
        assert (await job.download(tmp_path / "all.zip")).read_bytes() == b"PK"
        with pytest.raises(JobFailedError, match="no text"):
            await client.process_file_async.run([tmp_path / "a.txt"], fails=True, wait=True, timeout=20)
        with pytest.raises(UnsupportedError, match="cannot cancel jobs"):
            await job.cancel()


async def test_what_stands_in_the_routes_of_a_job_stands_before_its_id(served):
    url, package = served("endpoints")
    async with package.FakeEndpointsClient(url) as client:
        job = await client.run.run(endpoint_id="sleeper", seconds=3, wait=True, timeout=20)
        assert (job.job_id, job.output.seconds) == ("sleeper/j0", 3)
        with pytest.raises(JobFailedError, match="tired"):
            await client.run.run(endpoint_id="sleeper", seconds=-1, wait=True, timeout=20)
        stopped = await (await client.run.run(endpoint_id="sleeper", seconds=3)).cancel()
        assert stopped.status == "cancelled"
        with pytest.raises(JobNotFoundError):
            await client.get_job("other/j0")


async def test_a_delete_that_says_it_dismisses_is_a_cancel(served):
    url, package = served("processes")
    async with package.FakeProcessesClient(url) as client:
        job = await client.execute.run(process_id="ndvi", bands=["B4", "B8"], wait=True, timeout=20)
        assert job.output.ndvi == f"/{job.job_id}.tif"
        stopped = await (await client.execute.run(process_id="ndvi", bands=["B4"])).cancel()
        assert stopped.status == "cancelled"
        with pytest.raises(UnsupportedError, match="cannot delete jobs"):
            await job.delete()


async def test_what_is_in_an_envelope_is_the_job(served):
    url, package = served("envelopes")
    async with package.FakeEnvelopesClient(url) as client:
        job = await client.jobs_create.run("a", wait=True, timeout=20)
        assert (job.output.id, job.output.links) == (job.job_id, ["/a.pdf"])
        with pytest.raises(JobFailedError):
            await client.jobs_create.run("fail", wait=True, timeout=20)
        await job.delete()
        with pytest.raises(JobNotFoundError):
            await client.get_job(job.job_id)


async def test_the_id_of_a_job_goes_into_the_query_of_servers_that_want_it_there(served):
    url, package = served("by_query")
    async with package.FakeByQueryClient(url) as client:
        job = await client.count.run("a b c", wait=True, timeout=20)
        assert (job.job_id, job.output.words) == ("j0", 3)
        with pytest.raises(JobFailedError, match="too long"):
            await client.count.run("fail", wait=True, timeout=20)
        assert (await (await client.count.run("a")).cancel()).status == "cancelled"
        with pytest.raises(JobNotFoundError):
            await client.get_job("no/such&job")


async def test_a_job_that_a_server_only_gives_an_address_of_is_followed_there_by_the_next_process_too(served):
    url, package = served("by_address")
    async with package.FakeByAddressClient(url) as client:
        job = await client.count.run("here", wait=True, timeout=20)
        assert (job.job_id, job.output.words) == ("j0", 3)
        other = await client.count.run("there")
        assert other.job_id == "/anywhere/j1?view=all"
        with pytest.raises(ResponseError, match="count/jobs/j2 is on another server"):
            await client.count.run("elsewhere")
        with pytest.raises(JobFailedError, match="too long"):
            await client.count.run("fail", wait=True, timeout=20)
    async with package.FakeByAddressClient(url) as client:
        done = await (await client.count.attach(other.job_id)).wait(timeout=20)
        assert done.output.words == 9
        stopped = await (await client.count.run("there")).cancel()
        assert stopped.status == "cancelled"
        with pytest.raises(JobNotFoundError):
            await client.get_job("/anywhere/j1?view=none")


async def test_a_job_that_is_accepted_with_a_location_is_followed_there(served):
    url, package = served("by_header")
    async with package.FakeByHeaderClient(url) as client:
        job = await client.count.run("a", wait=True, timeout=20)
        assert (job.job_id, job.status) == ("j0", "completed")
        with pytest.raises(JobFailedError, match="too long"):
            await client.count.run("fail", wait=True, timeout=20)


async def test_a_batch_says_where_its_lines_are_which_are_no_output(served):
    url, package = served("batches")
    async with package.FakeBatchesClient(url) as client:
        job = await client.create_batch.run(["a", "b"], wait=True, timeout=20)
        assert (job.output.id, job.output.results_url) == (job.job_id, f"/v1/batches/{job.job_id}/lines")
        assert (await (await client.create_batch.run(["a"])).cancel()).status == "completed"


async def test_a_file_is_put_at_the_address_that_the_server_gives_for_it_and_the_job_takes_its_id(packages, tmp_path):
    (tmp_path / "talk.mp3").write_bytes(b"sound")
    app, bucket = fake_job_apis.transcripts(), storage()
    package = importlib.import_module("fake_transcripts")
    heard: list[tuple[int, int | None]] = []
    with running_server(app) as url, running_server(bucket) as app.state.storage:
        async with package.FakeTranscriptsClient(url, auth_provider=JWTAuthProvider("secret")) as client:
            job = await client.create_transcript.run(
                tmp_path / "talk.mp3", wait=True, timeout=20, on_upload=lambda *told: heard.append(told)
            )
            assert job.output.text == "of talk.mp3, 5"
            assert bucket.state.kept == {"f0": (b"sound", "audio/mpeg")}
            assert heard[-1] == (5, 5)
            # What is there already is not sent again.
            again = await client.create_transcript.run(StoredFile("f0"), wait=True, timeout=20)
            assert (again.output.text, len(bucket.state.kept)) == ("of talk.mp3, 5", 1)
            app.state.storage += "/nowhere"
            with pytest.raises(NotFoundError):
                await client.create_transcript.run(tmp_path / "talk.mp3")


async def test_kinds_of_jobs_at_routes_of_their_own_stand_before_the_id(served):
    url, package = served("crawls")
    async with package.FakeCrawlsClient(url) as client:
        job = await client.crawl_urls.run("http://a", wait=True, timeout=20)
        assert (job.job_id, job.output.data_) == ("crawl/j0", ["a"])
        assert job.completed_at is None
        other = await client.scrape_urls.run("http://a", wait=True, timeout=20)
        assert other.job_id == "batch-scrape/j1"
        assert (await client.get_job(other.job_id)).status == "completed"
        with pytest.raises(JobFailedError):
            await client.crawl_urls.run("fail", wait=True, timeout=20)
        stopped = await (await client.crawl_urls.run("http://a")).cancel()
        assert stopped.status == "cancelled"
        with pytest.raises(JobNotFoundError, match="several kinds of jobs"):
            await client.get_job("j0")
