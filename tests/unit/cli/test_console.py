"""Data on stdout, everything else on stderr; nothing that is printed can do more than be read."""

import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_client.cli.output.console import Console, broken, human_size, printable
from cl_client.cli.output.failure import Interrupted, report
from cl_client.cli.output.log_lines import listen
from cl_client.errors import ResponseError

ROWS = [("width", "800"), ("output_path", "output/a.png")]


def test_a_result_for_people_is_aligned(capsys: pytest.CaptureFixture[str]):
    Console().result({"a": 1}, ROWS, id="7")
    assert capsys.readouterr().out == "width:       800\noutput_path: output/a.png\n"


def test_a_result_for_programs_is_one_line_of_json(capsys: pytest.CaptureFixture[str]):
    Console(as_json=True, quiet=True).result({"text": "ä\nb"}, ROWS, id="7")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"text": "ä\nb"}


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("IMG_1.jpg is no image", "photos/IMG_1.jpg is no image"),
        ("photos/IMG_1.jpg is empty", "photos/IMG_1.jpg is empty"),
        ("the disk is full", "photos/IMG_1.jpg: the disk is full"),
        ("IMG_1.jpgs are none", "photos/IMG_1.jpg: IMG_1.jpgs are none"),
    ],
)
def test_a_failure_among_many_names_its_file_once(capsys: pytest.CaptureFixture[str], reason: str, line: str):
    error = ResponseError(f"{reason} (HTTP 415 from http://s/jobs)", reason=reason)
    Console(quiet=True).failure("photos/IMG_1.jpg", error)
    Console(debug=True).failure("photos/IMG_1.jpg", error)
    assert capsys.readouterr().err == f"error: {line}\nerror: {line} (HTTP 415 from http://s/jobs)\n"


def test_quiet_leaves_ids_warnings_and_errors(capsys: pytest.CaptureFixture[str]):
    console = Console(quiet=True)
    console.result({}, ROWS, id="7")
    console.say("so")
    console.done("done")
    console.hint("next")
    console.warn("careful")
    console.error("broken")
    out, err = capsys.readouterr()
    assert out == "7\n"
    assert err == "warning: careful\nerror: broken\n"


@given(st.text())
def test_what_a_server_says_stays_one_line_that_moves_no_cursor(text: str):
    assert printable(text).isprintable() or printable(text) == ""


def test_what_the_encoding_has_not_is_written_in_another_way(monkeypatch: pytest.MonkeyPatch):
    err = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stderr", err)
    console = Console()
    assert not console.unicode
    console.done("800 × 600")
    assert err.buffer.getvalue() == b"ok 800 \\xd7 600\n"


def test_a_file_name_that_is_no_text_can_be_printed(monkeypatch: pytest.MonkeyPatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    Console(quiet=True).result({}, [], id=b"caf\xe9.jpg".decode("utf-8", "surrogateescape"))
    assert out.buffer.getvalue() == b"caf\\udce9.jpg\n"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Console().error("broken")
    assert ("\033[1;31merror:\033[0m" in sys.stderr.getvalue()) == coloured  # pyright: ignore[reportAttributeAccessIssue]


COMMAND = "cl-client jobs watch f0017584a5dc4b79bc7c3faed9920daa"


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("short", ["short"]),
        ("error: a line that is too long for it", ["error: a line that", "  is too long for it"]),
        (f"warning: it goes on; follow it: {COMMAND}", ["warning: it goes on;", "  follow it:", f"  {COMMAND}"]),
        ("  indented, and too long", ["  indented, and too", "    long"]),
        ("\033[1;31merror:\033[0m one two three 4", ["\033[1;31merror:\033[0m one two three", "  4"]),
        ("", [""]),
    ],
)
def test_a_line_that_does_not_fit_is_broken_between_words(line: str, pieces: list[str]):
    assert broken(line, 20, unbroken="cl-client") == pieces


@given(st.text(st.sampled_from("ab -:"), max_size=60), st.integers(10, 40))
def test_a_broken_line_loses_no_word(line: str, columns: int):
    assert " ".join(broken(line, columns, unbroken="x")).split() == line.split()


@pytest.mark.parametrize(
    ("error", "moving", "written"),
    [(KeyboardInterrupt(), False, "\n"), (KeyboardInterrupt(), True, ""), (Interrupted(), False, "")],
)
def test_what_is_said_after_ctrl_c_begins_a_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, moving: bool, written: str
):
    """A terminal echoes it as ^C. What moves clears its line itself, and a command that was at work has seen to it."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    console = Console()
    console.moving = moving
    assert report(error, console) == 130
    assert terminal.getvalue() == written


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12.3 kB"),
        (999_960, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (7 * 10**12, "7.0 TB"),
    ],
)
def test_sizes_are_for_people(size: int, text: str):
    assert human_size(size) == text


@pytest.fixture
def client_logger():
    logger = logging.getLogger("cl_client")
    before, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers, logger.level = before, level


def test_what_the_client_warns_of_is_one_line(capsys: pytest.CaptureFixture[str], client_logger: logging.Logger):
    listen(Console())
    listen(Console())
    logging.getLogger("cl_client.watching.watcher").warning("the broker\nis %s", "away")
    logging.getLogger("cl_client.watching.watcher").info("nothing")
    assert capsys.readouterr().err == "warning: the broker\\nis away\n"


def test_with_debug_everything_is_heard_with_its_traceback(
    capsys: pytest.CaptureFixture[str], client_logger: logging.Logger
):
    listen(Console(debug=True))
    try:
        raise ValueError("inside")
    except ValueError:
        logging.getLogger("cl_client.watching.watch").exception("a callback failed")
    logging.getLogger("cl_client.watching.watch").info("news")
    err = capsys.readouterr().err
    assert "warning: a callback failed" in err
    assert "ValueError: inside" in err
    assert "cl_client.watching.watch: news" in err


def test_debugging_shows_what_a_server_says_and_does_not_do_it(capsys: pytest.CaptureFixture[str]):
    console = Console(debug=True)
    listen(console)
    try:
        logging.getLogger("cl_client.watching").debug("the broker says %s", "\x1b]0;OWNED\x07\x9b31m\u202e\r")
        console.trace("Traceback:\n  \x1b[31mred\x85\n")
    finally:
        listen(Console())
    err = capsys.readouterr().err
    assert err.count("\n") == 3
    assert err.replace("\n", "").isprintable()
