"""Progress moves where somebody looks, is lines where nobody does, and nothing where nobody asked."""

import io
import sys
from collections.abc import Callable

import pytest

from cl_client.cli.output.console import Console
from cl_client.cli.output.progress import LARGE, progress
from cl_client.model import JobState


def state(status: str, percent: int = 0) -> JobState:
    return JobState.from_dict(
        {"job_id": "7", "task_type": "hash", "status": status, "progress": percent, "params": {}, "priority": 5,
         "created_at": 1, "updated_at": 1}
    )  # fmt: skip


class Terminal(io.StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._encoding

    def isatty(self) -> bool:
        return True


Attach = Callable[[], Terminal]


@pytest.fixture(params=["utf-8", "ascii"])
def attach(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Attach:
    """Puts a terminal where stderr is, from within the test: pytest has put its own there by then."""

    def now() -> Terminal:
        made = Terminal(str(request.param))
        monkeypatch.setattr(sys, "stderr", made)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "80")
        return made

    return now


def a_job(console: Console, *, watch: bool, size: int = 1000) -> None:
    with progress(console, "photo.jpg", watch=watch) as shown:
        shown.uploaded(size // 2, size)
        shown.uploaded(size, size)
        for job in (state("queued"), state("processing", 10), state("processing", 60), state("completed", 100)):
            shown.state(job)
        shown.downloaded(size // 2, None)
        shown.downloaded(size, size)


def test_where_nobody_looks_each_change_is_a_line(capsys: pytest.CaptureFixture[str]):
    a_job(Console(), watch=True)
    assert capsys.readouterr().err.splitlines() == [
        "photo.jpg: uploading (1.0 kB)",
        "photo.jpg: queued",
        "photo.jpg: processing",
        "photo.jpg: completed",
        "photo.jpg: downloading",
        "photo.jpg: downloading (1.0 kB)",
    ]


def test_unasked_it_is_silent(capsys: pytest.CaptureFixture[str]):
    a_job(Console(), watch=False, size=LARGE * 2)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_one_line_shows_each_step_and_is_gone_at_the_end(attach: Attach):
    terminal = attach()
    a_job(Console(), watch=True)
    drawn = terminal.getvalue()
    assert "photo.jpg" in drawn
    assert "completed" in drawn or "downloading" in drawn
    assert "\033[2K" in drawn
    drawn.encode(terminal.encoding)


def test_on_a_terminal_a_large_transfer_is_shown_unasked(attach: Attach):
    terminal = attach()
    a_job(Console(), watch=False, size=1000)
    assert terminal.getvalue() == ""
    a_job(Console(), watch=False, size=LARGE)
    assert "MB" in terminal.getvalue()


@pytest.mark.parametrize(("quiet", "term"), [(True, "xterm"), (False, "dumb")])
def test_nothing_moves_in_quiet_or_on_a_terminal_that_cannot(
    attach: Attach, monkeypatch: pytest.MonkeyPatch, quiet: bool, term: str
):
    terminal = attach()
    monkeypatch.setenv("TERM", term)
    a_job(Console(quiet=quiet), watch=True)
    assert "\033[2K" not in terminal.getvalue()
