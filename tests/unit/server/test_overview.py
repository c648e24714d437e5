"""What the page is told of how jobs fare."""

from cl_server.compute.overview import Overviews, reason_of
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.overview import Ended, Figures, Waiting, Whose

NOW = 1_800_000_000_000
MINUTE = 60_000


def ended(number: int, status: str = "completed", error: str = "", name: str = "", task: str = "exif") -> Ended:
    """A job that ended so many minutes ago, after it had waited a second and run two."""
    over = NOW - number * MINUTE
    return Ended(f"job{number}", task, status, name, error, over - 3000, over - 2000, over)


def test_failures_for_the_same_reason_are_one_group_whatever_their_files() -> None:
    jobs = [ended(n, "failed", f"{name} is damaged: no end", name) for n, name in enumerate(("a.jpg", "b.jpg"))]
    jobs.append(ended(5, "failed", "the worker died", "c.jpg"))
    answer = Overviews(lambda whose, within: Figures(NOW, [], [], jobs, 0), Capabilities()).of(Whose(None), "1h")
    assert [(group.reason, group.count, group.names) for group in answer.failures] == [
        ("is damaged: no end", 2, ["a.jpg", "b.jpg"]),
        ("the worker died", 1, ["c.jpg"]),
    ]
    assert answer.failed_last_hour == 3
    assert reason_of("a: cannot be read", "a") == "cannot be read"


def test_times_are_those_of_the_window_and_every_answer_is_kept_for_a_moment() -> None:
    asked: list[int] = []

    def ask(whose: Whose, within: int) -> Figures:
        asked.append(within)
        return Figures(NOW, [Waiting("hash", 2, NOW - 5000)], [], [ended(1), ended(2), ended(90)], 7)

    time = 0.0
    overviews = Overviews(ask, Capabilities(), clock=lambda: time)
    answer = overviews.of(Whose("1"), "1h")
    (times,) = answer.tasks
    assert (times.completed, times.waited_p50, times.ran_p95) == (2, 1000, 2000)
    assert sum(answer.bars.completed) == 2
    assert (answer.queued, answer.waiting[0].workers, answer.stored) == (2, 0, 7)
    overviews.of(Whose("1"), "1h")
    assert len(asked) == 1
    overviews.of(Whose("2"), "1h")
    time = 2.0
    overviews.of(Whose("1"), "1h")
    assert len(asked) == 3
