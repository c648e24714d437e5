"""States of a job, as a server answers and a broker tells them."""

import asyncio
import json
from collections import defaultdict

from cl_client import errors
from cl_client.model import JobState


def job(job_id: str = "a", status: str = "queued", progress: int = 0, at: int = 1, **more: object) -> JobState:
    fields = {
        "job_id": job_id,
        "task_type": "hash",
        "status": status,
        "progress": progress,
        "params": {},
        "task_output": {"sha256": "00"} if status == "completed" else None,
        "error_message": "no" if status == "failed" else None,
        "priority": 5,
        "created_at": 1,
        "updated_at": at,
        "started_at": None,
        "completed_at": None,
    }
    return JobState.from_dict({**fields, **more})


def message(state: JobState, **more: object) -> bytes:
    return json.dumps({**state.to_dict(), "event_type": state.status, "timestamp": 1, **more}).encode()


class FakeServer:
    """Answers `fetch` from a dict, or raises what it was told to; counts the questions."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobState] = {}
        self.troubles: list[Exception] = []
        self.asked: dict[str, int] = defaultdict(int)
        self.open = asyncio.Event()
        self.open.set()
        self.question = asyncio.Event()

    async def fetch(self, job_id: str) -> JobState:
        self.asked[job_id] += 1
        self.question.set()
        answer = self.jobs.get(job_id)
        await self.open.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        if answer is None:
            raise errors.JobNotFoundError(f"no job {job_id}", status=404, job_id=job_id)
        return answer
