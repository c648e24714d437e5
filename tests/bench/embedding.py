"""Embeddings by a network of real size, with the server and as a bare loop of onnxruntime on the same cores.

Both sides do the same work: they read the same pictures from files, decode them, scale them as the profile says, and
run the same network in sessions with the same options, one thread each. The bare loop does so with Pillow, NumPy and
onnxruntime and nothing around them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import numpy
from PIL import Image

from cl_client import ComputeClient
from cl_ml_tools.embedding import DINOV2
from cl_ml_tools.models import DINO
from cl_ml_tools.onnx_model import OnnxModel
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure
from tests.media.tiny_models import apart
from tests.media.vision_transformer import vision_transformer

PROCESSES = 2
ROUNDS = 5
# So many that the beginning and the end of a round, when not all cores are busy, are a small part of it.
JOBS = 60
WEIGHTS = "weights.data"

loaded: OnnxModel | None = None


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder:
        os.environ["CL_MODELS"] = folder
        # Its weights lie beside it, as exporters have them; one that holds them itself is loaded anew by each worker.
        model = apart(vision_transformer(Path(folder, DINO.name)), WEIGHTS, least=1024)
        photos = [_photo(Path(folder, f"{number}.jpg"), number) for number in range(JOBS)]
        with LocalStack(workers=PROCESSES) as stack, _pool(model) as pool:
            yield asyncio.run(_measure(stack, pool, photos))
            yield _memory(stack, model)


async def _measure(stack: LocalStack, pool: ProcessPoolExecutor, photos: list[Path]) -> Figure:
    """All pictures at once."""
    ours: list[float] = []
    peer: list[float] = []
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        for round_ in range(ROUNDS + 1):
            start = time.perf_counter()
            await asyncio.gather(*(client.dino_embedding.embed_image(photo, wait=True) for photo in photos))
            between = time.perf_counter()
            list(pool.map(_run, photos))
            if round_ > 0:  # the first one loads the model
                ours.append(between - start)
                peer.append(time.perf_counter() - between)
    # Round by round, because a busy moment hits both of one.
    ratio = statistics.median(theirs / own for own, theirs in zip(ours, peer, strict=True))
    detail = f"{JOBS / statistics.median(ours):.1f} / {JOBS / statistics.median(peer):.1f} a second"
    return Figure("embeddings by ViT-S/14, / bare onnxruntime", ratio, 0.9, at_least=True, detail=detail)


def _memory(stack: LocalStack, model: Path) -> Figure:
    """How often the weights are in memory: what the workers have of the file (proc(5), Pss), over its size."""
    weights = model.with_name(WEIGHTS)
    size = weights.stat().st_size / 2**20
    workers = [pid for name, pid in stack.pids().items() if name.startswith("w")]
    mapped = sum(_pss(pid, weights.name) for pid in workers)
    whole = statistics.mean(_pss(pid, "") for pid in workers)
    detail = f"{PROCESSES} workers of {whole:.0f} MiB, of which the weights of {size:.0f} MiB are shared"
    return Figure("embeddings, weights in memory / their size", mapped / size, 1.1, detail=detail)


def _pss(pid: int, name: str) -> float:
    """MiB of the mappings of files whose path has this name in it; of all with an empty one."""
    total, counted = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, _, rest = line.partition(" ")
        if not word.endswith(":"):
            counted = name in rest
        elif counted and word == "Pss:":
            total += int(rest.split()[0])
    return total / 1024


def _photo(path: Path, number: int) -> Path:
    Image.effect_noise((512, 384), 20 + number).convert("RGB").save(path, quality=88)
    return path


def _pool(model: Path) -> ProcessPoolExecutor:
    # Not forked: this process has threads and a loop.
    return ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=_load, initargs=(model,))


def _load(model: Path) -> None:
    global loaded
    loaded = OnnxModel(model)


def _run(photo: Path) -> list[float]:
    assert loaded is not None
    kept = DINOV2.side / DINOV2.resize
    with Image.open(photo) as opened:
        opened.draft("RGB", (2 * DINOV2.side, 2 * DINOV2.side))
        picture = opened.convert("RGB")
    side = min(picture.size) * kept
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    small = picture.resize((DINOV2.side, DINOV2.side), Image.Resampling.BICUBIC, box)
    pixels = numpy.asarray(small, dtype=numpy.float32) / numpy.float32(255)
    mean, std = (numpy.array(triple, dtype=numpy.float32) for triple in (DINOV2.mean, DINOV2.std))
    normal = (pixels - mean) / std
    vector = loaded.vector(numpy.ascontiguousarray(normal.transpose(2, 0, 1)[numpy.newaxis]))
    return cast("list[float]", (vector / numpy.linalg.norm(vector)).tolist())
