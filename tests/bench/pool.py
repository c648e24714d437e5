"""What the server costs: the same work on the same files, with it and without it.

The peer is a bare pool of two processes that run the tasks of the plugins on local files: no HTTP, no queue.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from cl_client import ComputeClient, Job
from cl_ml_tools.plugins.hash.schema import HashParams
from cl_ml_tools.plugins.hash.task import HashTask
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

PROCESSES = 2
ROUNDS = 5
SINGLES = 60
TWO_MEGAPIXELS = (1632, 1224)

Bare = Callable[[Path], object]
Served = Callable[[Path], Awaitable[object]]


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder:
        photos = [_photo(Path(folder), number) for number in range(50)]
        small = Path(folder, "small.bin")
        small.write_bytes(bytes(range(250)) * 40)
        with LocalStack(workers=PROCESSES) as stack, _pool() as pool:
            yield from asyncio.run(_measure(stack, pool, photos, small))


async def _measure(stack: LocalStack, pool: ProcessPoolExecutor, photos: list[Path], small: Path) -> list[Figure]:
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:

        async def converts(photo: Path) -> Job[object]:
            return await client.image_conversion.convert(photo, "webp", wait=True)

        async def hashes(file: Path) -> Job[object]:
            return await client.hash.compute(file, wait=True)

        async def shrinks(photo: Path) -> Job[object]:
            return await client.media_thumbnail.generate(photo, wait=True)

        return [
            await _many("20 WebP conversions of 2 megapixels / bare pool", 1.3, photos[:20], converts, pool, convert),
            await _many("50 hashes of 2 megapixels / bare pool", 2.5, photos, hashes, pool, hash_file),
            await _one("hash of 10 kB, what the server adds, p50", small, hashes, hash_file),
            await _one("thumbnail of 2 megapixels, what the server adds, p50", photos[0], shrinks, shrink),
        ]


async def _many(
    name: str, bound: float, files: Sequence[Path], served: Served, pool: ProcessPoolExecutor, bare: Bare
) -> Figure:
    """All files at once, from the first submit until the last job has completed."""
    ours: list[float] = []
    peer: list[float] = []
    for round_ in range(ROUNDS + 1):
        start = time.perf_counter()
        await asyncio.gather(*(served(file) for file in files))
        between = time.perf_counter()
        list(pool.map(bare, files))
        if round_ > 0:  # the first one warms both
            ours.append(between - start)
            peer.append(time.perf_counter() - between)
    a, b = statistics.median(ours), statistics.median(peer)
    return Figure(name, a / b, bound, detail=f"{a:.2f} / {b:.2f} s")


async def _one(name: str, file: Path, served: Served, bare: Bare) -> Figure:
    """One job after another."""
    ours: list[float] = []
    peer: list[float] = []
    for _ in range(SINGLES):
        start = time.perf_counter()
        await served(file)
        between = time.perf_counter()
        bare(file)
        ours.append((between - start) * 1e3)
        peer.append((time.perf_counter() - between) * 1e3)
    a, b = statistics.median(ours), statistics.median(peer)
    return Figure(name, a - b, 25, unit=" ms", detail=f"{a:.1f} - {b:.1f} ms")


def _pool() -> ProcessPoolExecutor:
    # Not forked: this process has threads and a loop.
    return ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))


def _photo(folder: Path, number: int) -> Path:
    path = folder / f"{number}.jpg"
    noise = Image.effect_noise(TWO_MEGAPIXELS, 20 + number)
    shade = Image.linear_gradient("L").resize(TWO_MEGAPIXELS)
    Image.merge("RGB", (noise, shade, Image.blend(noise, shade, 0.5))).save(path, quality=88)
    return path


def convert(photo: Path) -> object:
    """The work of one conversion."""
    target = photo.with_suffix(".webp")
    params = ImageConversionParams(input_paths=[str(photo)], output_paths=[str(target)], format="webp")
    return ImageConversionTask().process(params, _ignore)


def hash_file(file: Path) -> object:
    """The work of one hash."""
    return HashTask().process(HashParams(input_paths=[str(file)]), _ignore)


def shrink(photo: Path) -> object:
    """The work of one thumbnail."""
    params = MediaThumbnailParams(input_paths=[str(photo)], output_paths=[str(photo.with_suffix(".thumb.jpg"))])
    return MediaThumbnailTask().process(params, _ignore)


def _ignore(percent: int) -> None:
    del percent
