"""What the commands of a host are told, by options and by variables, and what they keep to themselves."""

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given, strategies
from starlette.responses import PlainTextResponse

from cl_server.__main__ import Options, main, make_parser
from cl_server.broker_address import BrokerAddress
from cl_server.files.local import open_storage
from cl_server.http.browser_guard import WebPagesMiddleware
from cl_server.settings import Settings
from cl_server.workers import host as worker_host
from cl_server.workers.host_id import host_id

WORD = strategies.text(min_size=1, max_size=20)


@given(WORD, WORD, strategies.booleans(), strategies.integers(1, 65535))
def test_a_broker_is_passed_on_as_it_was_given(username: str, password: str, tls: bool, port: int) -> None:
    address = BrokerAddress("broker.example", port, tls, username, password)
    assert BrokerAddress.parse(address.url) == address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h", BrokerAddress("h", 1883)),
        ("mqtts://h", BrokerAddress("h", 8883, tls=True)),
        ("mqtt://[::1]:7", BrokerAddress("::1", 7)),
        ("mqtts://me:a%40b@h:9", BrokerAddress("h", 9, tls=True, username="me", password="a@b")),
    ],
)
def test_the_address_of_a_broker_is_a_url(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == expected
    assert BrokerAddress.parse(expected.url) == expected


@pytest.mark.parametrize("url", ["http://me:hidden@h", "mqtt://me:hidden@", "mqtt://me:hidden@h:port", "hidden"])
def test_what_is_no_broker_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="MQTT_URL") as refused:
        BrokerAddress.parse(url)
    assert "hidden" not in str(refused.value)


def test_certificates_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot trust .*: No such file"):
        BrokerAddress("h", tls=True, ca_file=tmp_path / "none.pem").trust()
    assert BrokerAddress("h").trust() is None


def test_settings_are_passed_on_to_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        tmp_path,
        mqtt=BrokerAddress("h", 8883, tls=True, username="me", password="hidden", ca_file=tmp_path / "ca.pem"),
        database_url="postgresql://me:hidden@h/jobs",
        storage_url="s3://bucket/prefix",
        names=frozenset({"a.example", "b.example"}),
        task_timeout=12.5,
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_env() == settings
    assert "hidden" not in repr(settings)


def test_an_option_stands_above_its_variable() -> None:
    options = make_parser().parse_args(
        ["compute", "--database", "postgresql://h/a", "--allow-host", "a", "--allow-host", "b"], Options()
    )
    assert options.variables() == {"CL_DATABASE": "postgresql://h/a", "CL_HOSTS": "a,b"}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A new data folder, and no other settings; what options set is forgotten after the test."""
    for name in (*Settings(tmp_path).environment(), "CL_LOG"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CL_DATA", str(tmp_path))
    # Where an API spools its uploads.
    monkeypatch.setattr(tempfile, "tempdir", None)
    return monkeypatch


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said, without a secret in it."""
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert "hidden" not in printed
    return printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compute", "--host", "0.0.0.0"], "name this server with --allow-host NAME"),
        (["auth", "--host", "::"], "name this server with --allow-host NAME"),
        (["compute", "--storage", "https://bucket"], "CL_STORAGE isn't the address of a bucket: write s3://bucket"),
        (
            ["compute", "--database", "mysql://me:hidden@h/jobs"],
            "CL_DATABASE isn't the address of a PostgreSQL database: write postgresql://",
        ),
        (
            ["worker", "--slot", "0", "--database", "hidden"],
            "CL_DATABASE isn't the address of a PostgreSQL database: write postgresql://",
        ),
        (["worker", "--slot", "0", "--mqtt", "http://me:hidden@h"], "MQTT_URL isn't the address of a broker"),
        (["worker", "--slots", "1", "--mqtt", "mqtt://me:hidden@h:x"], "the port in MQTT_URL is not a number"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], said: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del environment
    assert main(arguments) == 2
    assert said in one_line(capsys)


def test_a_database_that_does_not_answer_is_one_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del environment
    assert main(["compute", "--database", "postgresql://me:hidden@127.0.0.1:9/jobs"]) == 1
    assert "the database does not answer: connection" in one_line(capsys)


@pytest.mark.parametrize("command", [["compute"], ["worker"], ["worker", "--slot", "0"], ["auth"]])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CL_MAX_UPLOAD", "2 GiB", "CL_MAX_UPLOAD is a whole number of at least 1, and not '2 GiB'"),
        ("CL_TOKEN_LIFETIME", "-5", "CL_TOKEN_LIFETIME is a whole number of at least 1, and not '-5'"),
        ("CL_TASK_TIMEOUT", "0", "CL_TASK_TIMEOUT is a number of seconds, more than 0"),
        ("CL_TASK_TIMEOUT", "nan", "CL_TASK_TIMEOUT is a number"),
        ("CL_WORKER_MEMORY", "lots", "CL_WORKER_MEMORY is a number, 0 for no limit, and not 'lots'"),
        ("CL_QUOTA_JOBS", "-1", "CL_QUOTA_JOBS is a number, 0 for no limit, and not '-1'"),
        ("CL_METRICS_FOR", "here", "CL_METRICS_FOR is a list of networks, with commas"),
        ("CL_GUEST_MODE", "maybe", "CL_GUEST_MODE is on or off, not 'maybe'"),
        ("CL_LOG", "xml", "CL_LOG is text or json, not 'xml'"),
        ("MQTT_BROKER_PORT", "70000", "MQTT_BROKER_PORT is not a number from 1 to 65535"),
        ("CL_DATA", "/dev/null/data", "the data folder /dev/null/data cannot be used: Not a directory"),
    ],
)
def test_a_variable_that_makes_no_sense_is_one_line_from_every_server(
    command: list[str],
    name: str,
    value: str,
    said: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv(name, value)
    assert main(command) == 2
    assert said in one_line(capsys)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CL_AUTH_KEY": "/none.pem"}, "the key /none.pem cannot be read: No such file or directory"),
        ({"AUTH_URL": "here"}, "AUTH_URL 'here' is not the address of a server"),
        ({"CL_GUEST_MODE": "off"}, "no user could use this server"),
    ],
)
def test_a_server_that_could_trust_nobody_does_not_start(
    variables: dict[str, str], said: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert main(["compute"]) == 2
    assert said in one_line(capsys)


@pytest.mark.parametrize("url", ["s3:/bucket", "gs://bucket", "bucket", "s3://"])
def test_a_storage_is_a_bucket(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="CL_STORAGE isn't the address of a bucket"):
        open_storage(tmp_path, url, "here")


def test_a_data_folder_keeps_the_name_of_its_host(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert host_id(tmp_path) == host_id(tmp_path)
    assert host_id(tmp_path) != host_id(tmp_path / "other")
    assert not set(host_id(tmp_path)) & set("/+#")


def test_workers_that_start_together_agree_on_the_name_of_their_host(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from cl_server.workers.host_id import host_id
print(host_id(Path(sys.argv[1])))
"""
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_data_folder_has_the_workers_of_one_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CL_DATA", str(tmp_path))
    monkeypatch.setattr(worker_host, "REMAINS", 0)
    with worker_host.alone(Settings(tmp_path)), pytest.raises(ValueError, match="other workers use the data folder"):
        worker_host.alone(Settings(tmp_path))


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("jobs.example:8002", None, 200),
        ("JOBS.example", "https://JOBS.example", 200),
        ("localhost:8002", None, 200),
        ("other.example", None, 421),
        ("jobs.example.evil", None, 421),
        ("jobs.example", "https://evil.example", 403),
        ("[jobs.example", None, 421),
    ],
)
async def test_a_server_answers_to_the_names_that_it_was_given(host: str, origin: str | None, status: int) -> None:
    app = WebPagesMiddleware(PlainTextResponse("here"), frozenset({"jobs.example"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        headers = {"host": host} if origin is None else {"host": host, "origin": origin}
        assert (await http.get("/", headers=headers)).status_code == status
