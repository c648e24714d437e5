"""The conventions of the command line, and the tests that hold them.

Streams
    Results are on stdout, everything else on stderr: test_the_result_is_on_stdout_and_nothing_else_is,
    test_watched_by_a_program_each_change_is_a_line_on_stderr; what fails leaves stdout empty:
    test_a_command_that_fails_prints_no_result.
Exit codes
    0 done, 1 failed, 2 not understood, 130 Ctrl-C, 143 SIGTERM: test_each_error_has_its_exit_code,
    test_an_interrupted_wait_says_in_one_line_how_to_come_back.
For programs
    `--json` is one object a line: test_as_json_the_result_is_one_object_on_one_line,
    test_jobs_are_listed_as_lines_records_or_ids; a failure is one too:
    test_for_a_program_a_file_that_fails_is_a_record,
    test_failures_are_summed_up_at_the_end_and_tried_again_with_resume.
    `--quiet` prints ids, and hides no error: test_quiet_prints_the_id_alone, test_quiet_leaves_ids_warnings_and_errors,
    test_quiet_never_hides_an_error.
Not a terminal
    No bar: test_where_nobody_looks_each_change_is_a_line, test_nothing_moves_in_quiet_or_on_a_terminal_that_cannot; no
    control characters: test_a_pipe_gets_no_control_characters; no questions, but the option that answers:
    test_removing_several_asks_and_without_a_terminal_names_yes, test_what_is_asked_for_elsewhere_names_the_way; no
    pictures: test_a_picture_is_never_written_where_nobody_looks.
Terminals
    NO_COLOR and TERM=dumb: test_colour_is_for_terminals_that_want_it; ASCII where the encoding has no more:
    test_what_the_encoding_has_not_is_written_in_another_way; lines break between words and not in a command:
    test_a_line_that_does_not_fit_is_broken_between_words; what a server says moves no cursor:
    test_what_a_server_says_stays_one_line_that_moves_no_cursor.
Errors
    One line, with the request id: test_the_request_id_is_shown_where_a_server_has_it,
    test_a_message_of_many_lines_is_one; the next command: test_the_hint_is_what_to_do_next,
    test_commands_that_messages_name_are_there; a traceback with --debug alone:
    test_the_traceback_is_for_debug_only, test_debug_adds_the_traceback.
Ctrl-C
    Says what goes on and how to come back: test_an_interrupted_wait_says_in_one_line_how_to_come_back,
    test_ctrl_c_says_that_nothing_was_stopped_and_how_to_come_back, test_ctrl_c_says_how_to_go_on; leaves no half files:
    test_ctrl_c_during_a_download_leaves_nothing_behind; begins a line of its own:
    test_what_is_said_after_ctrl_c_begins_a_line.
Secrets
    In no message, log or help: test_a_secret_is_shown_by_nothing, test_help_shows_no_secret_of_the_environment; never
    stored: test_a_password_is_stored_nowhere; not echoed: test_on_a_terminal_a_password_is_asked_for_and_not_shown;
    from stdin: test_a_password_of_a_new_user_comes_from_stdin_too; a warning on the command line:
    test_a_password_on_the_command_line_is_warned_of.
"""

import itertools
import json
import re
from pathlib import Path

import pytest

import cl_client
from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.main import main
from tests.accounts import USER, Accounts
from tests.integration.cli.conftest import Cli
from tests.media.photo import photo, write

TESTS = Path(__file__).parents[2]


def test_every_test_that_is_named_above_is_there():
    there = set(re.findall(r"def (test_\w+)", "".join(file.read_text() for file in TESTS.rglob("test_*.py"))))
    named = set(re.findall(r"test_\w+", __doc__ or ""))
    assert named
    assert named <= there, named - there


OF_A_FILE = ["hash compute none.jpg", "exif extract text.txt"]


@pytest.mark.parametrize(
    ("command", "mode"),
    [
        *itertools.product(["jobs get 7", "download 7 x y", "hash compute --speed 3"], [[], ["--json"], ["-q"]]),
        *itertools.product(OF_A_FILE, [[], ["-q"]]),
    ],
)
def test_a_command_that_fails_prints_no_result(cli: Cli, tmp_path: Path, command: str, mode: list[str]):
    (tmp_path / "text.txt").write_text("no picture")
    ran = cli(*command.split(), *mode)
    assert ran.code in (1, 2)
    assert ran.out == ""
    assert ran.lines[0].startswith("error: ")


@pytest.mark.parametrize("command", OF_A_FILE)
def test_for_a_program_a_file_that_fails_is_a_record(cli: Cli, tmp_path: Path, command: str):
    (tmp_path / "text.txt").write_text("no picture")
    ran = cli(*command.split(), "--json")
    assert ran.code in (1, 2)
    (record,) = map(json.loads, ran.out.splitlines())
    assert (record["source"], record["status"]) == (command.split()[-1], "failed")
    assert ran.lines[0].startswith("error: ")


def test_a_pipe_gets_no_control_characters(process: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(40, 30))
    for command in ("media-thumbnail generate photo.jpg --watch", "hash compute photo.jpg x.jpg"):
        ran = process(*command.split(), TERM="xterm-kitty", NO_COLOR="")
        assert "\033" not in ran.out + ran.err
        assert "\r" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("command", "way"),
    [("login", "cl-client login USERNAME"), ("login ada", "--password -"), ("user delete 2", "--yes")],
)
def test_what_is_asked_for_elsewhere_names_the_way(cli: Cli, command: str, way: str):
    ran = cli(*command.split())
    assert ran.code == 2
    assert "stdin isn't a terminal" in ran.err
    assert way in ran.err


def test_commands_that_messages_name_are_there():
    sources = "".join(file.read_text() for file in Path(cl_client.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"(?:cl-client|program\}) ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", sources))
    app = assemble(CL_CLIENT)
    groups = {group: set(app[group]) for group in app if not group.startswith("-")}
    assert len(named) > 10
    for group, verb in named:
        assert group in groups, group
        if verb and group in ("jobs", "server", "user"):
            assert verb in groups[group], (group, verb)


def test_help_shows_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in ("CL_PASSWORD", "CL_TOKEN", "CL_DATABASE", "CL_STORAGE"):
        monkeypatch.setenv(name, "s3://a-secret@host/x")
    for command in ([], ["login"], ["user", "create"], ["server", "up"], ["hash", "compute"]):
        assert main([*command, "--help"]) == 0
    assert "a-secret" not in capsys.readouterr().out


def test_a_password_is_stored_nowhere(cli: Cli, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in accounts.stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CL_PASSWORD", accounts.passwords[USER])
    assert cli("login", USER).code == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert accounts.passwords[USER].encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


def test_a_password_on_the_command_line_is_warned_of(cli: Cli):
    ran = cli("hash", "compute", "none.jpg", "--username", "ada", "--password", "secret")
    assert (
        ran.lines[0] == "warning: other users of this machine can see --password: use `--password -`, which reads stdin"
    )
    assert "secret" not in ran.err
