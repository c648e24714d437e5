"""Logging in and managing users from the command line."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.accounts import ADMIN, JOBS, STRANGER, USER, Accounts
from tests.integration.cli.conftest import Cli, Ran
from tests.integration.cli.terminal import typed
from tests.integration.cli.test_bad_input import says


@pytest.fixture
def addresses(accounts: Accounts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a user of a server with accounts, who has never logged in."""
    for name, value in accounts.stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def words(tmp_path: Path) -> str:
    (tmp_path / "words.txt").write_bytes(b"words")
    return str(tmp_path / "words.txt")


def as_user(accounts: Accounts, name: str) -> list[str]:
    return ["--username", name, "--password", accounts.passwords[name]]


def say_on_stdin(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def errors(ran: Ran) -> list[str]:
    return [line for line in ran.lines if line.startswith("error: ")]


def test_a_login_is_for_the_next_commands_until_the_logout(
    cli: Cli, accounts: Accounts, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    says(cli("hash", "compute", words), 1, "takes no guests", "hint: cl-client login", hint=True)
    say_on_stdin(monkeypatch, accounts.passwords[USER])
    ran = cli("login", USER, "--password", "-", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["permissions"] == [JOBS]
    assert json.loads(cli("whoami", "--json").out)["username"] == USER
    done = cli("hash", "compute", words, "--algorithm", "md5", "--json")
    assert (done.code, done.err) == (0, "")
    job = json.loads(done.out)["job_id"]
    assert cli("download", job, "input/source.txt", "again.txt").code == 0
    says(cli("download", job, "input/source.txt", "x", "--no-auth"), 1, "takes no guests", hint=True)
    says(cli("user", "list"), 1, "only an admin may do this", hint=True)
    assert cli("logout").out == f"logged out: {USER}\n"
    assert cli("logout").err == "no user was logged in\n"
    assert cli("whoami").out == "user: a guest (no user is logged in)\n"
    assert json.loads(cli("--json", "whoami").out) == {"username": None}
    for path in (tmp_path / "state").rglob("*"):
        assert path.is_dir() or accounts.passwords[USER].encode() not in path.read_bytes()


def test_a_password_of_one_command_is_for_that_command(cli: Cli, accounts: Accounts, words: str, tmp_path: Path):
    for arguments in (
        [*as_user(accounts, USER), "hash", "compute", words],
        ["hash", "compute", words, *as_user(accounts, USER)],
    ):
        ran = cli(*arguments, "-q")
        assert (ran.code, len(ran.out.split())) == (0, 1)
        (warning,) = ran.lines
        assert warning.startswith("warning: other users of this machine can see --password")
        assert accounts.passwords[USER] not in ran.err
    assert not (tmp_path / "state").exists()


def test_who_it_is_comes_from_the_environment(
    cli: Cli, accounts: Accounts, words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CL_USERNAME", USER)
    says(cli("hash", "compute", words), 1, f"{USER} is not logged in at {accounts.auth_url}", hint=True)
    monkeypatch.setenv("CL_PASSWORD", accounts.passwords[USER])
    assert cli("hash", "compute", words).err == ""
    assert json.loads(cli("whoami", "--json").out)["username"] == USER
    assert cli("login").code == 0
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[STRANGER])
    assert json.loads(cli("whoami", "--json").out)["username"] == STRANGER
    says(cli("hash", "compute", words), 1, f"this needs the permission {JOBS}", "hint: ask an administrator", hint=True)
    monkeypatch.setenv("CL_TOKEN", "nonsense")
    says(cli("hash", "compute", words), 1, "the token cannot be read", "hint: cl-client login", hint=True)
    monkeypatch.setenv("CL_TOKEN", "two words")
    says(cli("hash", "compute", words), 2, "this is not a token")
    monkeypatch.delenv("CL_TOKEN")
    monkeypatch.delenv("CL_PASSWORD")
    assert cli("hash", "compute", words).err == ""
    says(cli("whoami", "--auth-url", "http://127.0.0.1:9"), 1, "not logged in at http://127.0.0.1:9", hint=True)


def test_what_cannot_log_in_says_why(cli: Cli, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    say_on_stdin(monkeypatch, "a guess")
    says(cli("login", USER, "--password", "-"), 1, "the user name or the password is wrong", hint=True)
    say_on_stdin(monkeypatch)
    says(cli("login", USER, "--password", "-"), 2, "there is no password on stdin")
    says(cli("login", USER), 2, "stdin isn't a terminal", "--password -", "CL_PASSWORD")
    says(cli("login"), 2, "stdin isn't a terminal", "cl-client login USERNAME")
    ran = cli("whoami", "--password", "x")
    assert ran.code == 2
    assert errors(ran) == ["error: whose password is it? give --username too"]
    monkeypatch.setenv("CL_PASSWORD", "x")
    says(
        cli("login", USER, "--auth-url", "http://127.0.0.1:9"),
        1,
        "cannot reach http://127.0.0.1:9",
        "--auth",
        hint=True,
    )


def test_an_admin_manages_users(cli: Cli, accounts: Accounts, words: str, monkeypatch: pytest.MonkeyPatch):
    made = cli(
        *as_user(accounts, ADMIN), "user", "create", "newuser", "--password", "userpass",
        "--permissions", "read:jobs", "write:jobs", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    new = json.loads(made.out)
    assert (new["username"], new["permissions"], new["is_admin"]) == ("newuser", ["read:jobs", "write:jobs"], False)
    *warnings, hint = made.lines
    assert [warning.split()[8] for warning in warnings] == ["--password:", "--new-password:"]
    assert hint == f"hint: to let this user run jobs: cl-client user update newuser --permissions {JOBS}"
    user = str(new["id"])
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[ADMIN])
    assert user in cli("user", "list", "-q").out.split()
    listed = cli("user", "list", "--json", "--limit", "2").out.splitlines()
    assert [json.loads(line)["username"] for line in listed] == [ADMIN, USER]
    assert "permissions: read:jobs, write:jobs" in cli("user", "get", user).out
    assert cli("user", "get", "newuser").out == cli("user", "get", user).out
    changed = cli("user", "update", user, "--admin", "true", "--permissions", "*", "--json")
    assert (json.loads(changed.out)["permissions"], json.loads(changed.out)["is_admin"]) == (["*"], True)
    cli("user", "update", "newuser", "--admin", "false")
    # All permissions, so that of jobs too.
    assert cli("--username", "newuser", "--password", "userpass", "hash", "compute", words).code == 0
    none = cli("user", "update", user, "--permissions", "", "--active", "false", "--json")
    assert (json.loads(none.out)["permissions"], json.loads(none.out)["is_active"]) == ([], False)
    says(cli("user", "delete", user), 2, "add --yes")
    assert cli("user", "delete", "newuser", "--yes").out == "deleted: user newuser\n"
    says(cli("user", "get", user), 1, f"there is no user {user}")
    says(cli("user", "get", "newuser"), 1, "there is no user newuser", hint=True)


def test_the_token_of_the_session_is_for_other_programs(cli: Cli, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    says(cli("auth", "token"), 1, "guests have no token", hint=True)
    token = cli(*as_user(accounts, USER), "auth", "token", "-q").out.strip()
    monkeypatch.setenv("CL_TOKEN", token)
    assert json.loads(cli("whoami", "--json").out)["username"] == USER


def test_the_table_of_users_is_aligned(cli: Cli, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[ADMIN])
    lines = cli("user", "list", "--skip", "1", "--limit", "2").out.splitlines()
    assert [line.split() for line in lines] == [
        ["ID", "USER", "ADMIN", "ACTIVE", "PERMISSIONS"],
        ["2", USER, "no", "yes", JOBS],
        ["3", STRANGER, "no", "yes"],
    ]
    assert {line.index(word) for line, word in zip(lines, ("ADMIN", "no", "no"), strict=True)} == {
        lines[0].index("ADMIN")
    }


def test_a_password_of_a_new_user_comes_from_stdin_too(cli: Cli, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    say_on_stdin(monkeypatch, accounts.passwords[ADMIN], "frank's password")
    made = cli("--username", ADMIN, "--password", "-", "user", "create", "frank", "--password", "-", "-q")
    assert (made.code, made.err) == (0, "")
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[ADMIN])
    say_on_stdin(monkeypatch)
    says(cli("user", "create", "grace"), 2, "stdin isn't a terminal", "--new-password")
    says(cli("user", "create", "FRANK", "--new-password=-"), 2, "no password on stdin")
    says(cli("user", "update", made.out.strip()), 2, "nothing to change")
    says(cli("user", "get", "0"), 1, "0")
    assert cli("user", "delete", made.out.strip(), "-y").code == 0


@pytest.mark.parametrize(
    "arguments", [["list"], ["get", "1"], ["delete", "1", "--yes"], ["create", "x", "--password=xxxxxxxx"]]
)
def test_guests_and_users_manage_nobody(
    cli: Cli, arguments: list[str], accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    guest = cli("user", *arguments)
    assert (guest.code, guest.out) == (1, "")
    assert errors(guest) == ["error: no user is logged in: only an admin may do this"]
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[USER])
    user = cli("user", *arguments)
    assert (user.code, user.out) == (1, "")
    assert "only an admin may do this" in errors(user)[0]


def test_on_a_terminal_a_password_is_asked_for_and_not_shown(addresses: None, accounts: Accounts, tmp_path: Path):
    password = accounts.passwords[USER]
    seen = typed(["login"], [("User: ", USER), (f"Password of {USER}: ", password)], tmp_path)
    assert seen.code == 0, seen.screen
    assert "stored in:" in seen.screen
    assert password not in seen.screen
    assert typed(["user", "delete", "1"], [("Delete user 1? [y/N]: ", "n")], tmp_path).screen.endswith(
        "error: user 1 was not deleted\r\n"
    )


def test_a_secret_is_shown_by_nothing(cli: Cli, accounts: Accounts, words: str, monkeypatch: pytest.MonkeyPatch):
    token = accounts.tokens[STRANGER]
    monkeypatch.setenv("CL_TOKEN", token)
    ran = cli("--debug", "hash", "compute", words)
    assert "Traceback" in ran.err
    assert token not in ran.err
    monkeypatch.delenv("CL_TOKEN")
    ran = cli("--debug", "--username", USER, "--password", "a wrong guess", "hash", "compute", words)
    assert "Traceback" in ran.err
    assert "wrong guess" not in ran.err


def test_without_a_place_to_keep_it_a_login_is_a_failure(
    cli: Cli, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "state").write_bytes(b"")
    monkeypatch.setenv("CL_PASSWORD", accounts.passwords[USER])
    ran = cli("login", USER)
    assert ran.code == 1
    assert "cannot keep the session" in ran.lines[0]
    assert errors(ran) == [f"error: {USER} can log in, but the session can't be stored"]


def test_a_session_that_cannot_be_read_makes_nobody_a_guest(
    cli: Cli, accounts: Accounts, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    say_on_stdin(monkeypatch, *[accounts.passwords[USER]] * 2)
    assert cli("login", USER, "--password", "-").code == 0
    (file,) = (tmp_path / "state").rglob("*.json")
    file.write_text("{")
    for command in (["hash", "compute", words], ["jobs", "list"], ["whoami"], ["workers"], ["logout"]):
        ran = cli(*command)
        assert ran.code == 1
        assert [str(file) in line for line in errors(ran)] == [True], ran.err
        assert "--no-auth" in ran.err
    assert any(str(file) in line for line in cli("doctor").out.splitlines())
    says(cli("--no-auth", "hash", "compute", words), 1, "takes no guests", "hint: cl-client login", hint=True)
    assert cli(*as_user(accounts, USER), "hash", "compute", words).code == 0
    assert cli("login", USER, "--password", "-").code == 0
    assert cli("hash", "compute", words).code == 0


@pytest.fixture
def admin(addresses: None, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an admin."""
    monkeypatch.setenv("CL_USERNAME", ADMIN)
    monkeypatch.setenv("CL_PASSWORD", accounts.passwords[ADMIN])


@pytest.mark.usefixtures("admin")
def test_an_admin_sees_the_storage_and_deletes_old_jobs(cli: Cli, words: str) -> None:
    assert cli("hash", "compute", words).code == 0
    before = json.loads(cli("admin", "size", "--json").out)
    assert before["job_count"] >= 1
    assert cli("admin", "size").out.startswith(f"jobs: {before['job_count']}\nsize: ")
    # Nothing here is a year old. Without a number of days, nothing is deleted.
    assert cli("admin", "cleanup", "--days", "365").out == "deleted: 0 jobs\nfreed:   0 bytes\n"
    assert cli("admin", "cleanup").code == 2


@pytest.mark.usefixtures("admin")
def test_an_admin_opens_the_server_to_guests_and_closes_it(cli: Cli, words: str) -> None:
    assert cli("admin", "guest-mode").out == "guest mode: off\n"
    try:
        assert cli("admin", "guest-mode", "on").out == "guest mode: on\n"
        assert cli("hash", "compute", words, "--no-auth").code == 0
    finally:
        assert cli("admin", "guest-mode", "off").out == "guest mode: off\n"
    says(cli("hash", "compute", words, "--no-auth"), 1, "takes no guests", hint=True)
