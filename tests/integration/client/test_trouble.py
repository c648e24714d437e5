"""What goes wrong between client and server is one typed error, and leaves nothing half-done."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import evolve

from cl_client import (
    ClientClosedError,
    ComputeClient,
    ComputeClientError,
    DownloadError,
    InputFileError,
    InvalidParameterError,
    NotFoundError,
    RequestTimeoutError,
    ServerUnreachableError,
    WaitTimeoutError,
    WorkerUnavailableError,
)
from cl_client.http.transport import Transport
from cl_server.embedded import LocalStack
from tests.faults.proxy import fault_proxy


def host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """No file of this process may grow over `size` bytes: the write fails as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_server_that_is_down_is_told_with_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with ComputeClient(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ServerUnreachableError, match=f"cannot reach http://127.0.0.1:{port}") as down:
            await client.hash.compute(b"x")
    assert "server up" in (down.value.hint or "")


async def test_a_server_that_is_silent_is_told_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with ComputeClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1) as client:
            with pytest.raises(RequestTimeoutError):
                await client.get_capabilities()


@pytest.mark.parametrize("url", ["localhost:8002", "ftp://x", "", "http://"])
def test_an_address_that_is_none_is_refused(url: str):
    if url:
        with pytest.raises(InvalidParameterError, match="http://host:port"):
            ComputeClient(url)
    else:
        assert ComputeClient(url).base_url == "http://localhost:8002"


def test_a_timeout_cannot_be_switched_off():
    with pytest.raises(InvalidParameterError):
        ComputeClient(timeout=0)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"output_format": "docx"}, "output_format"),
        ({"output_format": "jpg", "quality": 0}, "quality"),
        ({"output_format": "jpg", "quality": 101}, "quality"),
        ({"output_format": "jpg", "priority": 11}, "priority"),
    ],
)
async def test_a_parameter_out_of_bounds_is_named_and_nothing_is_sent(parameters: dict[str, object], named: str):
    async with ComputeClient("http://127.0.0.1:9") as client:
        with pytest.raises(InvalidParameterError, match=f"^{named} is "):
            await client.image_conversion.convert(b"x", **parameters)  # type: ignore[arg-type]
        with pytest.raises(InputFileError):
            await client.image_conversion.convert(b"", "png")


async def test_a_wait_that_ends_too_early_names_the_job_and_leaves_it_running(tmp_path: Path):
    with LocalStack(workers=0) as stack:
        async with ComputeClient(stack.compute_url, mqtt_port=stack.mqtt_port, mqtt_broker=stack.mqtt_host) as client:
            with pytest.raises(WaitTimeoutError, match="still queued") as early:
                await client.hash.compute(b"x", wait=True, timeout=0.2)
            assert early.value.job_id is not None
            assert (await client.get_job(early.value.job_id)).status == "queued"
            with pytest.raises(WaitTimeoutError):
                await client.wait_for_job(early.value.job_id, poll_interval=0.01, timeout=0.1)
            job = await client.jobs.get(early.value.job_id)
            with pytest.raises(ComputeClientError, match="wait for it first"):
                _ = job.output
            with pytest.raises(WorkerUnavailableError, match="no worker for hash"):
                await client.wait_for_workers(["hash"], timeout=0)
            waiting = asyncio.create_task(job.wait())
            while client.jobs.watcher.watched == 0:
                await asyncio.sleep(0)
        with pytest.raises(ClientClosedError, match="while job"):
            await waiting


async def test_a_closed_client_says_so(local_client: ComputeClient):
    await local_client.close()
    with pytest.raises(ClientClosedError):
        await local_client.get_capabilities()


def test_a_client_of_another_loop_says_so(local_stack: LocalStack):
    client = ComputeClient(local_stack.compute_url)
    asyncio.run(_used_and_closed(client))
    with pytest.raises(ClientClosedError, match="another event loop"):
        asyncio.run(_used_and_closed(client))


async def _used_and_closed(client: ComputeClient) -> None:
    await client.get_capabilities()
    await client.close()


async def test_a_handle_goes_on_hearing_after_a_wait_that_ended_too_early():
    with LocalStack(workers=0) as stack:
        async with ComputeClient(stack.compute_url, mqtt_port=stack.mqtt_port, mqtt_broker=stack.mqtt_host) as client:
            told = asyncio.Event()
            job = await client.hash.compute(b"x", on_progress=lambda _: told.set())
            await told.wait()
            with pytest.raises(WaitTimeoutError):
                await job.wait(0.1)
            assert job.state is not None
            client.jobs.watcher.deliver(evolve(job.state, status="processing", progress=7, updated_at=2**60))
            assert (job.status, job.progress) == ("processing", 7)
            client.jobs.watcher.deliver(evolve(job.state, progress=3, updated_at=1))
            assert job.progress == 7


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "output/../../x", "", "."])
async def test_a_download_never_leaves_its_job(local_client: ComputeClient, tmp_path: Path, path: str):
    with pytest.raises(InvalidParameterError, match="not a path inside of a job"):
        await local_client.download_job_file("a", path, tmp_path)


async def test_a_file_that_a_job_does_not_have_is_not_found(local_client: ComputeClient, photo: Path, tmp_path: Path):
    job = await local_client.hash.compute(photo, wait=True)
    with pytest.raises(NotFoundError) as missing:
        await job.download(tmp_path / "x", "output/nothing.png")
    assert missing.value.job_id == job.job_id
    with pytest.raises(InvalidParameterError, match="makes no file"):
        await job.download(tmp_path / "x")
    assert not (tmp_path / "x").exists()


async def test_a_full_disk_leaves_what_was_there_before(local_client: ComputeClient, photo: Path, tmp_path: Path):
    job = await local_client.image_conversion.convert(photo, "bmp", wait=True)
    target = tmp_path / "out" / "photo.bmp"
    target.parent.mkdir()
    target.write_bytes(b"before")
    with disk_with_room_for(1000), pytest.raises(DownloadError, match=r"cannot write .*photo\.bmp"):
        await job.download(target)
    assert [file.name for file in target.parent.iterdir()] == ["photo.bmp"]
    assert target.read_bytes() == b"before"


async def test_a_place_that_cannot_be_written_is_told(local_client: ComputeClient, photo: Path, tmp_path: Path):
    job = await local_client.image_conversion.convert(photo, "png", wait=True)
    with pytest.raises(DownloadError, match="cannot write"):
        await job.download(photo / "not-a-folder" / "x.png")


async def test_a_disk_that_gives_back_other_bytes_is_found_out(
    local_stack: LocalStack, local_client: ComputeClient, tmp_path: Path
):
    job_id, path, content = await big_file(local_stack, local_client)
    with (local_stack.data / "jobs" / job_id / path).open("r+b") as file:
        file.write(bytes([content[0] ^ 1]))
    with pytest.raises(DownloadError, match="arrived damaged"):
        await local_client.download_job_file(job_id, path, tmp_path / "big")
    assert list(tmp_path.iterdir()) == []


async def big_file(stack: LocalStack, client: ComputeClient) -> tuple[str, str, bytes]:
    """A job with a file of 20 MB: its id, the path of the file, and the content."""
    content = bytes(n % 251 for n in range(20_000_000 // 40)) * 40
    job = await client.hash.compute(content, wait=True)
    return job.job_id, f"input/{next((stack.data / 'jobs' / job.job_id / 'input').glob('source*')).name}", content


async def test_what_arrives_together_is_read_together(local_stack: LocalStack, local_client: ComputeClient):
    """httpcore's own pieces are 64 KiB, and what is more is copied for each of them."""
    job_id, path, _ = await big_file(local_stack, local_client)
    async with Transport(local_stack.compute_url, timeout=30) as transport:
        async with transport.stream("GET", f"/jobs/{job_id}/files/{path}") as response:
            assert max([len(piece) async for piece in response.aiter_raw()]) > 64 * 1024


async def test_a_download_that_is_cut_goes_on_where_it_was(local_stack: LocalStack, tmp_path: Path):
    stack = local_stack
    async with fault_proxy(*host_and_port(stack.compute_url)) as proxy:
        async with ComputeClient(f"http://127.0.0.1:{proxy.port}", mqtt_port=stack.mqtt_port) as client:
            job_id, path, content = await big_file(stack, client)
            cuts = 0

            def cut(written: int, total: int | None) -> None:
                nonlocal cuts
                if cuts < 5:
                    cuts += 1
                    proxy.reset()

            saved = await client.download_job_file(job_id, path, tmp_path / "big", on_progress=cut)
            assert cuts == 5
            assert saved.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["big"]


async def test_a_download_whose_server_goes_away_leaves_nothing(local_stack: LocalStack, tmp_path: Path):
    stack = local_stack
    async with fault_proxy(*host_and_port(stack.compute_url)) as proxy:
        async with ComputeClient(f"http://127.0.0.1:{proxy.port}", mqtt_port=stack.mqtt_port) as client:
            job_id, path, _ = await big_file(stack, client)
            gone: list[asyncio.Task[None]] = []

            def go_away(written: int, total: int | None) -> None:
                if not gone:
                    gone.append(asyncio.ensure_future(proxy.stop()))

            with pytest.raises(ServerUnreachableError):
                await client.download_job_file(job_id, path, tmp_path / "big", on_progress=go_away)
            await gone[0]
    assert list(tmp_path.iterdir()) == []


async def test_a_download_tells_how_far_it_is(local_client: ComputeClient, photo: Path, tmp_path: Path):
    job = await local_client.image_conversion.convert(photo, "bmp", wait=True)
    heard: list[tuple[int, int | None]] = []
    saved = await job.download(tmp_path / "new" / "x.bmp", on_progress=lambda *at: heard.append(at))
    size = saved.stat().st_size
    assert heard[-1] == (size, size)
    assert size == job.output.size
    assert saved.stat().st_mode & 0o777 == 0o644
