"""How many jobs a worker takes at once: as many as it does in a moment, by what they lately took."""

from collections.abc import Iterable

from cl_ml_tools.job_queue import Wanted

# Seconds of work that are taken at once: what is taken waits for that long, though another worker may be idle.
MOMENT = 0.03
# However short they are: a transaction with all of them is as long as this.
MOST = 32
# How much of the average the newest counts; one that was longer than it counts whole.
NEWEST = 0.3


class Pace:
    """What jobs of each task took, beginning and end included. `workers`: how many share what waits."""

    def __init__(self, task_types: Iterable[str], together: Iterable[str], workers: int) -> None:
        self._wanted = dict.fromkeys(task_types, 1)
        self._together = frozenset(together)
        self._workers = workers
        self._took: dict[str, float] = {}

    def note(self, task_type: str, jobs: int, seconds: float) -> None:
        """Note how many seconds a number of jobs took together."""
        each = seconds / jobs
        before = self._took.get(task_type, each)
        self._took[task_type] = took = max(each, before + NEWEST * (each - before))
        if task_type in self._together:
            self._wanted[task_type] = max(1, min(MOST, int(MOMENT / max(took, 1e-6))))

    def wanted(self) -> Wanted:
        """What to take next."""
        return Wanted(dict(self._wanted), self._workers)
