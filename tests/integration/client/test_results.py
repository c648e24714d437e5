"""What a job made, in memory: bytes, arrays, pictures, tables, and as a notebook shows it."""

import asyncio
import gc
import hashlib
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cl_client import ComputeClient, InvalidParameterError, NotFoundError, Upload
from cl_client.jobs.content import array_in, image_in, preview
from cl_client.sync import ComputeClient as SyncComputeClient
from cl_server.embedded import LocalStack


async def test_the_main_file_or_any_other_is_read_as_bytes(anyones_client: ComputeClient, photo: Path):
    job = await anyones_client.media_thumbnail.generate(photo, width=64, wait=True)
    heard: list[tuple[int, int | None]] = []
    content = await job.read(on_progress=lambda *at: heard.append(at))
    assert Image.open(io.BytesIO(content)).width == 64
    assert heard[-1] == (len(content), len(content))
    [given] = [file.path for file in await job.files() if file.path.startswith("input/")]
    assert await job.read(given) == photo.read_bytes()
    with pytest.raises(NotFoundError):
        await job.read("output/nothing.jpg")
    with pytest.raises(InvalidParameterError, match="not a path inside of a job"):
        await job.read("../secret")


async def test_a_job_that_is_found_by_its_id_or_in_a_list_knows_its_main_file(
    anyones_client: ComputeClient, photo: Path
):
    job = await anyones_client.media_thumbnail.generate(photo, width=64, wait=True)
    content = await job.read()
    assert await (await anyones_client.jobs.get(job.job_id)).read() == content
    listed = [one async for one in anyones_client.jobs.list(task_type="media_thumbnail", limit=1)]
    assert [await one.read() for one in listed] == [content]


async def test_a_job_without_files_says_where_its_result_is(local_client: ComputeClient, photo: Path):
    job = await local_client.hash.compute(photo, wait=True)
    for read in (job.read, job.array, job.image):
        with pytest.raises(InvalidParameterError, match=r"a hash job makes no file: its result is in job\.output"):
            await read()


@pytest.mark.parametrize("open_", [io.BytesIO, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile])
async def test_a_download_goes_into_an_open_file(
    local_client: ComputeClient, photo: Path, open_: Callable[[], "io.BytesIO"]
):
    job = await local_client.image_conversion.convert(photo, "png", wait=True)
    content = await job.read()
    with open_() as file:
        file.write(b"before")
        assert await job.download(file) == len(content)
        file.seek(0)
        assert file.read() == b"before" + content


async def test_a_file_that_takes_no_bytes_is_refused_and_stays_as_it_was(
    local_client: ComputeClient, photo: Path, tmp_path: Path
):
    job = await local_client.image_conversion.convert(photo, "png", wait=True)
    with pytest.raises(InvalidParameterError, match="open as text"):
        await job.download(io.StringIO())  # type: ignore[call-overload]
    with photo.open("rb") as reading, pytest.raises(InvalidParameterError, match="open for reading"):
        await job.download(reading)
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(InvalidParameterError, match="is closed"):
        await job.download(closed)
    with (tmp_path / "x").open("wb") as file, pytest.raises(NotFoundError):
        await job.download(file, "output/nothing.png")
    assert (tmp_path / "x").read_bytes() == b""


async def test_a_picture_is_decoded_and_shown_in_a_notebook_while_it_is_in_use(
    local_client: ComputeClient, tmp_path: Path
):
    Image.new("RGB", (1500, 900), "red").save(tmp_path / "large.png")
    job = await local_client.image_conversion.convert(tmp_path / "large.png", "webp", wait=True)
    assert job._repr_png_() is None
    image = await job.image()
    assert (image.size, image.format) == ((1500, 900), "WEBP")
    shown = Image.open(io.BytesIO(job._repr_png_() or b""))
    assert (shown.size, shown.format) == ((512, 307), "PNG")
    assert "data:image/png;base64," in job._repr_html_()
    del image
    await asyncio.sleep(0)  # asyncio keeps the result of a thread until its next turn
    gc.collect()
    assert job._repr_png_() is None


async def test_a_job_is_a_table_in_a_notebook(idle_stack: LocalStack, local_client: ComputeClient):
    job = await local_client.hash.compute(b"abc", wait=True)
    page = job._repr_html_()
    assert hashlib.sha256(b"abc").hexdigest() in page
    assert re.search(r"status</th><td[^>]*>completed<", page)
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        waiting = await client.hash.compute(Upload(b"x", file_name="<script>.txt"))
        assert "queued" in waiting._repr_html_()
        assert "<script>" not in waiting._repr_html_()


def test_the_client_without_async_has_all_of_it(local_stack: LocalStack, photo: Path):
    with SyncComputeClient(local_stack.compute_url, mqtt_port=local_stack.mqtt_port) as client:
        job = client.media_thumbnail.generate(photo, width=32, wait=True)
        image = job.image()
        file = io.BytesIO()
        assert job.download(file) == len(job.read()) == len(file.getvalue())
        assert image.width == 32
        assert job._repr_png_() is not None
        assert job.job_id in (job._repr_html_() or "")
        assert client._repr_html_() is None
        assert [line.number for line in job.follow_log()] == [line.number for line in job.log().lines] != []
        assert client.jobs.log(job.job_id) == job.log()


def test_the_numbers_of_an_npy_file_are_an_array():
    file = io.BytesIO()
    np.save(file, np.arange(6, dtype=np.float64).reshape(2, 3))
    array = array_in(file.getvalue(), "output/x.npy")
    assert (array.dtype, array.shape, array[1, 2]) == (np.float32, (2, 3), 5)
    np.save(pickled := io.BytesIO(), np.array([{}], dtype=object))
    for content in (b"", b"no array", file.getvalue()[:90], pickled.getvalue()):
        with pytest.raises(InvalidParameterError, match=r"output/x\.npy holds no array"):
            array_in(content, "output/x.npy")


def test_what_is_no_picture_is_said_and_a_preview_keeps_transparency():
    with pytest.raises(InvalidParameterError, match="output/x is not a picture that Pillow can read"):
        image_in(b"no picture", "output/x")
    assert Image.open(io.BytesIO(preview(Image.new("LA", (2, 2))))).mode == "RGBA"


async def test_a_batch_becomes_a_table_in_one_line(local_client: ComputeClient, photo: Path, tmp_path: Path):
    sources = [photo, str(tmp_path / "missing.jpg"), Upload(b"abc", file_name="abc.txt"), "data:," + "x" * 100]
    rows = [outcome.to_dict() async for outcome in local_client.map(local_client.hash.compute, sources)]
    assert [row["status"] for row in rows] == ["completed", "failed", "completed", "completed"]
    assert [row["source"] for row in rows] == [
        str(photo),
        str(tmp_path / "missing.jpg"),
        "abc.txt",
        f"data:,{'x' * 34}…",
    ]
    assert rows[2]["output"]["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert "does not exist" in str(rows[1]["error"])


async def test_a_list_ends_where_it_is_told_to(local_client: ComputeClient):
    for text in (b"a", b"b", b"c"):
        await local_client.hash.compute(text, wait=True)
    for limit in (0, 2):
        assert len([job async for job in local_client.jobs.list(limit=limit)]) == limit
    with pytest.raises(InvalidParameterError, match="limit is -1"):
        _ = [job async for job in local_client.jobs.list(limit=-1)]
