"""What it costs to read a job from the bytes of an answer, against pydantic v2 on the same fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from pydantic import BaseModel

from cl_api.compute.models import JobResponse
from cl_api.compute.types import JSONObject
from tests.bench.figure import Figure, median_seconds

TIMES = 20_000
ROUNDS = 9


class PydanticJob(BaseModel, extra="allow"):
    """The fields of `JobResponse`, as whoever uses pydantic would write them."""

    job_id: str
    task_type: str
    status: str
    params: dict[str, object] = {}
    priority: int = 5
    progress: int = 0
    created_at: int | None = None
    updated_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    error_message: str | None = None
    task_output: dict[str, object] | None = None


def figures() -> Iterator[Figure]:
    job = JobResponse(
        job_id="0b9f6a0e-93d6-4f4b-8b43-4ac0bd7a6a2c",
        task_type="hash",
        status="completed",
        params={"algorithm": "all"},
        progress=100,
        created_at=1_790_000_000_000,
        updated_at=1_790_000_000_100,
        started_at=1_790_000_000_050,
        completed_at=1_790_000_000_100,
        task_output={"sha256": "ab" * 32, "md5": "cd" * 16, "phash": None, "dhash": None},
    )
    payload = json.dumps(job.to_dict()).encode()

    def ours() -> None:
        for _ in range(TIMES):
            JobResponse.from_dict(cast("JSONObject", json.loads(payload)))

    def pydantic() -> None:
        for _ in range(TIMES):
            PydanticJob.model_validate_json(payload)

    def only_json() -> None:
        for _ in range(TIMES):
            json.loads(payload)

    a, b, floor = (median_seconds(action, ROUNDS) / TIMES * 1e6 for action in (ours, pydantic, only_json))
    detail = f"{a:.2f} / {b:.2f} µs, of which json.loads alone {floor:.2f}"
    # No bound: pydantic reads JSON in Rust, and is done before `json.loads` is.
    yield Figure("decode of a JobResponse from bytes / pydantic v2", a / b, None, detail=detail)
