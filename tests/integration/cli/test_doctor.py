"""`cl-client doctor` finds what keeps jobs from being done, whatever is down, and says what to do."""

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from cl_client.cli.doctor import checkup
from cl_client.cli.doctor.diagnosis import Finding, diagnose
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.help.options import GlobalOptions
from cl_client.cli.running.run import Run
from cl_client.version import __version__
from cl_extras.install import upgrade_command
from cl_server.embedded import LocalStack
from tests.accounts import STRANGER, USER, Accounts
from tests.faults.scripted import answer, scripted_server
from tests.integration.cli.conftest import Cli, Ran


@pytest.fixture(autouse=True)
def nobody_at_the_usual_place(monkeypatch: pytest.MonkeyPatch, nothing_there: int) -> None:
    monkeypatch.setenv("AUTH_URL", f"http://127.0.0.1:{nothing_there}")


def states(ran: Ran) -> dict[str, str]:
    return {line["check"]: line["state"] for line in map(json.loads, ran.out.splitlines())}


def test_a_guest_of_a_server_that_takes_guests_is_fine(cli: Cli):
    ran = cli("doctor", "--json")
    assert ran.code == 0
    assert ran.err == ""
    found = states(ran)
    assert found.pop("auth") == "warning"
    assert set(found) == {"compute", "compute version", "compute clock", "compute TLS", "broker", "user", "workers"}
    assert set(found.values()) == {"ok"}


def test_a_profile_leads_there_and_people_read_what_to_do_next(
    cli: Cli, local_stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in local_stack.environment():
        monkeypatch.delenv(name)
    (tmp_path / "a.toml").write_text(
        f'[here]\ncompute_url = "{local_stack.compute_url}"\nmqtt_port = {local_stack.mqtt_port}\n'
    )
    ran = cli("--config", "a.toml", "doctor", "--profile", "here")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"ok       compute          {local_stack.compute_url} answers in ")
    place = next(number for number, line in enumerate(lines) if line.startswith("warning  auth "))
    assert lines[place + 1].split()[:4] == ["next:", "only", "accounts", "need"]
    assert cli("--config", "a.toml", "doctor", "--profile", "here", "-q").out == "auth\n"


def test_everything_that_is_down_is_said_and_nobody_waits_for_it(cli: Cli, nothing_there: int):
    address = f"http://127.0.0.1:{nothing_there}"
    ran = cli("doctor", "--compute-url", address, "--mqtt-port", str(nothing_there), "--json")
    assert ran.code == 1
    assert ran.err == "error: 3 of 5 checks failed\n"
    assert states(ran) == {
        "compute": "failed", "auth": "failed", "broker": "warning", "user": "ok", "workers": "failed"
    }  # fmt: skip
    assert all(json.loads(line)["hint"] for line in ran.out.splitlines() if '"ok"' not in line)


def test_servers_that_are_silent_are_given_up(cli: Cli, monkeypatch: pytest.MonkeyPatch, silence: int):
    monkeypatch.setattr(checkup, "BOUND", 0.3)
    address = f"http://127.0.0.1:{silence}"
    ran = cli("doctor", "--compute-url", address, "--auth-url", address, "--mqtt-port", str(silence), "--json")
    assert ran.code == 1
    assert ran.out.count("no answer within 0.3 s") == 4


@pytest.fixture
def silence() -> Iterator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_names_that_nobody_answers_for_are_given_up_and_the_process_ends(silent_names: list[str]):
    there = ["--compute-url", "http://nowhere.example", "--auth-url", "http://nowhere.example"]
    ran = subprocess.run(
        [*silent_names, "doctor", *there, "--mqtt-broker", "nowhere.example", "--json"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert set(ran.stderr.splitlines()) == {"looked up", "error: 3 of 5 checks failed"}
    said = {line["check"]: line["message"] for line in map(json.loads, ran.stdout.splitlines())}
    slow = "the look-up of its name (DNS) takes longer than 0.5 s"
    assert said["compute"] == said["auth"] == f"http://nowhere.example: {slow}"
    assert said["broker"] == f"mqtt://nowhere.example:1883: {slow}"


def test_ctrl_c_ends_a_command_while_a_name_is_looked_up(silent_names: list[str]):
    with subprocess.Popen(
        [*silent_names, "jobs", "list", "--compute-url", "http://nowhere.example"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == "looked up\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()


@pytest.fixture
def silent_names() -> list[str]:
    """The command line, where the name server of nowhere.example never answers: a fake look-up, and a short bound."""
    program = """
import socket, sys, threading
look_up = socket.getaddrinfo

def fake(host, *arguments, **named):
    if host in ("nowhere.example", b"nowhere.example"):
        sys.stderr.write("looked up\\n")
        threading.Event().wait()
    return look_up(host, *arguments, **named)

socket.getaddrinfo = fake
from cl_client.cli import main
from cl_client.cli.doctor import checkup
checkup.BOUND = 0.5
sys.exit(main.main(sys.argv[1:]))
"""
    return [sys.executable, "-c", program]


def test_who_one_is_decides(cli: Cli, accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    for name, value in accounts.stack.environment().items():
        monkeypatch.setenv(name, value)
    guest = cli("doctor", "--json")
    assert (guest.code, states(guest)["user"]) == (1, "failed")
    assert "cl-client login" in guest.out
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[STRANGER])
    assert states(cli("doctor", "--json"))["user"] == "failed"
    monkeypatch.setenv("CL_TOKEN", accounts.tokens[USER])
    ran = cli("doctor", "--json")
    assert ran.code == 0, ran.out
    assert set(states(ran).values()) == {"ok"}
    assert f"{USER} (ai_inference_support)" in ran.out
    swapped = cli("doctor", "--compute-url", accounts.auth_url)
    assert swapped.code == 1
    assert f"{accounts.auth_url} is the auth server" in swapped.out
    assert "cl-client config set compute_url URL" in swapped.out


def test_a_server_without_workers_has_no_jobs_done(cli: Cli, idle_stack: LocalStack):
    ran = cli("doctor", "--compute-url", idle_stack.compute_url, "--json")
    assert (ran.code, states(ran)["workers"]) == (1, "failed")


def test_an_address_that_is_none_is_a_usage_error(cli: Cli):
    ran = cli("doctor", "--compute-url", "here")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: 'here' is not the address of a server")


async def found_at(url: str) -> dict[str, Finding]:
    run = Run(CL_CLIENT, GlobalOptions(compute_url=url, no_auth=True))
    return {finding.check: finding for finding in diagnose(await checkup.examine(run))}


def says(version: str, **headers: str) -> bytes:
    fields = {"service": "compute", "version": version, "num_workers": 1, "capabilities": {"hash": 1}}
    return answer(200, json.dumps(fields).encode(), **headers)


@pytest.mark.parametrize(
    ("version", "state", "what"),
    [
        (__version__, "ok", f"server {__version__}, client {__version__}"),
        ("99.0.0", "warning", f"the server is newer {upgrade_command()}"),
        ("0.0.1", "warning", "upgrade the server"),
        ("", "warning", "unknown"),
    ],
)
async def test_versions_that_do_not_fit_are_a_warning(addresses: None, version: str, state: str, what: str):
    async with scripted_server(says(version)) as server:
        finding = (await found_at(server.url))["compute version"]
    assert finding.state == state
    assert what in f"{finding.message} {finding.hint}"


@pytest.mark.parametrize(
    ("seconds", "state", "what"), [(2, "ok", "as ours"), (600, "warning", "ahead of"), (-600, "warning", "behind")]
)
async def test_a_clock_that_differs_is_a_warning(addresses: None, seconds: int, state: str, what: str):
    def told(head: str) -> bytes:
        return says(__version__, Date=format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True))

    async with scripted_server(told) as server:
        finding = (await found_at(server.url))["compute clock"]
    assert (finding.state, what in finding.message) == (state, True)


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (3, "warning")])
async def test_a_certificate_that_ends_soon_is_a_warning(
    addresses: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, state: str
):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends = datetime.now(UTC) + timedelta(days=days, minutes=1)
    authority.issue_cert("127.0.0.1", not_after=ends).configure_cert(context)
    async with scripted_server(says(__version__), tls=context) as server:
        untrusted = (await found_at(server.url))["compute"]
        assert untrusted.state == "failed"
        assert "its certificate is not trusted" in untrusted.message
        assert "COMPUTE_CA_FILE" in str(untrusted.hint)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        finding = (await found_at(server.url))["compute TLS"]
    assert finding.state == state
    assert finding.message.startswith("TLSv1.3, the certificate")


async def test_a_web_server_that_is_none_of_ours_is_told_apart(addresses: None):
    async with scripted_server(answer(200, b"<html>")) as server:
        finding = (await found_at(server.url))["compute"]
    assert finding.state == "failed"
    assert "not ours" in finding.message
