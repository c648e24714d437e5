"""What `GET /overview` answers: figures of the queue in the form that people look at."""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import JobStatus
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.overview import MOST, Ended, Figures, Overview, Running, Whose

# Seconds for which an answer is good for all who ask the same.
FRESH = 1.0
HOUR = 3_600_000
WINDOWS = {"1h": HOUR, "24h": 24 * HOUR, "7d": 7 * 24 * HOUR}
BARS = 60
# The jobs of a group of failures that can be retried at once.
IN_GROUP = 200


class WaitingTask(BaseModel):
    """Jobs of a task that wait."""

    task_type: str
    count: int
    since: int = Field(description="Since when the oldest waits, UTC milliseconds.")
    workers: int = Field(description="How many workers can do it.")


class RunningJob(BaseModel):
    """A job that runs."""

    job_id: str
    task_type: str
    name: str
    progress: int
    started_at: int
    left: int | None = Field(description="Milliseconds that it may still take, by the median of its task.")


class WorkerState(BaseModel):
    """A worker, and what it does, if that is a job which the user may see."""

    worker_id: str
    idle: bool
    tasks: list[str]
    heard_at: int
    job: RunningJob | None = None


class Failures(BaseModel):
    """Jobs that failed in the same way."""

    task_type: str
    reason: str
    count: int
    newest_at: int
    names: list[str] = Field(description="Of the newest, the files.")
    job_ids: list[str]


class TaskTimes(BaseModel):
    """How the jobs of a task went; times in milliseconds."""

    task_type: str
    completed: int
    failed: int
    waited_p50: int | None
    waited_p95: int | None
    ran_p50: int | None
    ran_p95: int | None


class Bars(BaseModel):
    """How many jobs ended in each step of time; `step` in milliseconds, the last one ends now."""

    step: int
    completed: list[int]
    failed: list[int]


class OverviewResponse(BaseModel):
    """What waits, runs and failed, of the jobs that the user may see."""

    at: int
    queued: int
    more_queued: bool = Field(description="Whether there are more than were counted.")
    waiting: list[WaitingTask]
    running: list[RunningJob]
    failed_last_hour: int
    failures: list[Failures]
    tasks: list[TaskTimes]
    bars: Bars
    workers: list[WorkerState]
    stored: int = Field(description="Bytes of files.")


class Overviews:
    """Answers, each kept for a moment, so that many who look cost as much as one."""

    def __init__(self, ask: Overview, capabilities: Capabilities, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._capabilities = capabilities
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[Whose, str], tuple[float, OverviewResponse]] = {}

    def of(self, whose: Whose, window: str) -> OverviewResponse:
        """The response for a user."""
        key = whose, window
        known = self._known.get(key)
        if known is not None and self._clock() - known[0] < FRESH:
            return known[1]
        answer = self._make(whose, window)
        with self._lock:
            now = self._clock()
            self._known = {other: old for other, old in self._known.items() if now - old[0] < FRESH}
            self._known[key] = now, answer
        return answer

    def _make(self, whose: Whose, window: str) -> OverviewResponse:
        figures = self._ask(whose, max(WINDOWS[window], HOUR))
        summary = self._capabilities.workers()
        able: dict[str, int] = defaultdict(int)
        for worker in summary:
            for task in worker.capabilities:
                able[task] += 1
        times = _times(figures.ended, figures.at - WINDOWS[window])
        medians = {entry.task_type: entry.ran_p50 for entry in times}
        jobs = {entry.worker_id: _shown(entry, medians, figures.at) for entry in figures.running}
        queued = sum(entry.number for entry in figures.waiting)
        recent = [e for e in figures.ended if e.status == JobStatus.FAILED and e.completed_at > figures.at - HOUR]
        return OverviewResponse(
            at=figures.at,
            queued=queued,
            more_queued=queued >= MOST,
            waiting=[
                WaitingTask(task_type=e.task_type, count=e.number, since=e.since, workers=able.get(e.task_type, 0))
                for e in sorted(figures.waiting, key=lambda e: -e.number)
            ],
            running=list(jobs.values()),
            failed_last_hour=len(recent),
            failures=_grouped(e for e in figures.ended if e.status == JobStatus.FAILED),
            tasks=times,
            bars=_bars(figures, WINDOWS[window]),
            workers=[
                WorkerState(
                    worker_id=worker.id,
                    idle=worker.idle_count > 0,
                    tasks=worker.capabilities,
                    heard_at=worker.timestamp,
                    job=jobs.get(worker.id),
                )
                for worker in sorted(summary, key=lambda worker: worker.id)
            ],
            stored=figures.stored,
        )


def _shown(entry: Running, medians: dict[str, int | None], now: int) -> RunningJob:
    median = medians.get(entry.task_type)
    started = entry.started_at or now
    return RunningJob(
        job_id=entry.job_id,
        task_type=entry.task_type,
        name=entry.name,
        progress=entry.progress,
        started_at=started,
        left=None if median is None else max(median - (now - started), 0),
    )


def reason_of(error: str, name: str) -> str:
    """Why a job failed, without the name of its file: that is how failures are the same."""
    return error.removeprefix(name).lstrip(": ") or error


def _grouped(failed: Iterable[Ended]) -> list[Failures]:
    groups: dict[tuple[str, str], list[Ended]] = defaultdict(list)
    for entry in failed:
        groups[entry.task_type, reason_of(entry.error, entry.name)[:300]].append(entry)
    found = [
        Failures(
            task_type=task,
            reason=reason,
            count=len(entries),
            newest_at=max(entry.completed_at for entry in entries),
            names=[entry.name for entry in entries[:3] if entry.name],
            job_ids=[entry.job_id for entry in entries[:IN_GROUP]],
        )
        for (task, reason), entries in groups.items()
    ]
    return sorted(found, key=lambda group: -group.newest_at)[:50]


def _times(ended: Sequence[Ended], since: int) -> list[TaskTimes]:
    tasks: dict[str, list[Ended]] = defaultdict(list)
    for entry in ended:
        if entry.completed_at >= since:
            tasks[entry.task_type].append(entry)
    found: list[TaskTimes] = []
    for task, entries in sorted(tasks.items()):
        ran = [e for e in entries if e.started_at is not None]
        waits = sorted(max((e.started_at or 0) - e.created_at, 0) for e in ran)
        runs = sorted(max(e.completed_at - (e.started_at or 0), 0) for e in ran)
        found.append(
            TaskTimes(
                task_type=task,
                completed=sum(e.status == JobStatus.COMPLETED for e in entries),
                failed=sum(e.status == JobStatus.FAILED for e in entries),
                waited_p50=_percentile(waits, 0.5),
                waited_p95=_percentile(waits, 0.95),
                ran_p50=_percentile(runs, 0.5),
                ran_p95=_percentile(runs, 0.95),
            )
        )
    return found


def _percentile(ordered: Sequence[int], part: float) -> int | None:
    """The nearest rank: at least this part of the values is not larger."""
    return ordered[max(math.ceil(part * len(ordered)) - 1, 0)] if ordered else None


def _bars(figures: Figures, window: int) -> Bars:
    step = window // BARS
    completed, failed = [0] * BARS, [0] * BARS
    for entry in figures.ended:
        place = BARS - 1 - (figures.at - entry.completed_at) // step
        if 0 <= place < BARS:
            (completed if entry.status == JobStatus.COMPLETED else failed)[place] += 1
    return Bars(step=step, completed=completed, failed=failed)
