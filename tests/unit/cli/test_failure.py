"""From an error to an exit code, a line and the next command."""

import pytest
from cyclopts import CycloptsError

from cl_client.cli.help import front_page
from cl_client.cli.main import main
from cl_client.cli.output.console import Console
from cl_client.cli.output.failure import Terminated, report
from cl_client.errors import (
    ComputeClientError,
    DownloadError,
    InputNotFoundError,
    InvalidParameterError,
    JobNotFoundError,
    ServerError,
    ServerUnreachableError,
    WaitTimeoutError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ComputeClientError("x"), 1),
        (ServerError("x", status=500), 1),
        (DownloadError("x"), 1),
        (WaitTimeoutError("x", job_id="7"), 1),
        (InvalidParameterError("x"), 2),
        (InputNotFoundError("x"), 2),
        (CycloptsError(msg="x"), 2),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
        (RuntimeError("x"), 1),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int):
    assert report(error, Console()) == code


def test_the_request_id_is_shown_where_a_server_has_it(capsys: pytest.CaptureFixture[str]):
    report(ServerError("broken", status=500, request_id="4f"), Console())
    report(ServerUnreachableError("away", request_id="5a"), Console())
    assert capsys.readouterr().err.splitlines() == [
        "error: broken [request 4f]",
        "error: away",
        "hint: cl-client server up",
    ]


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (WaitTimeoutError("late", job_id="7", hint="its own"), "cl-client jobs wait 7"),
        (JobNotFoundError("gone", status=404, job_id="7"), "list your jobs with"),
        (DownloadError("full", hint="free some space"), "free some space"),
        (CycloptsError(msg="x", command_chain=["hash", "compute"]), "cl-client hash compute --help"),
        (RuntimeError("a bug"), "--debug"),
    ],
)
def test_the_hint_is_what_to_do_next(capsys: pytest.CaptureFixture[str], error: BaseException, hint: str):
    report(error, Console())
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("hint: ")
    assert hint in second


def test_an_interrupt_needs_no_words(capsys: pytest.CaptureFixture[str]):
    report(KeyboardInterrupt(), Console())
    assert capsys.readouterr().err == ""


def test_ctrl_c_before_anything_began_is_quiet_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(front_page, "show", interrupted)
    assert main([]) == 130
    assert capsys.readouterr().err == ""


def test_a_message_of_many_lines_is_one(capsys: pytest.CaptureFixture[str]):
    report(ComputeClientError("one\n  two"), Console())
    assert capsys.readouterr().err == "error: one two\n"


def test_the_traceback_is_for_debug_only(capsys: pytest.CaptureFixture[str]):
    report(RuntimeError("a bug"), Console())
    assert "Traceback" not in capsys.readouterr().err
    report(RuntimeError("a bug"), Console(debug=True))
    assert "RuntimeError: a bug\nerror:" in capsys.readouterr().err
