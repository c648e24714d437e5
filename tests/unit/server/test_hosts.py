"""What the commands of a host are told, by options and by variables, and what they keep to themselves."""

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given, strategies
from starlette.responses import PlainTextResponse

from cl_server import worker_host
from cl_server.__main__ import Options, main, make_parser
from cl_server.broker_address import BrokerAddress
from cl_server.host_id import host_id
from cl_server.settings import Settings
from cl_server.storage import open_storage
from cl_server.web_pages import WebPagesMiddleware

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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compute", "--host", "0.0.0.0"], "say by which names they come, with --allow-host NAME"),
        (["auth", "--host", "::"], "say by which names they come, with --allow-host NAME"),
        (["compute", "--storage", "https://bucket"], "CL_STORAGE is no bucket: write s3://bucket"),
        (["worker", "--slot", "0", "--mqtt", "http://me:hidden@h"], "MQTT_URL is no broker"),
        (
            ["compute", "--database", "postgresql://me:hidden@127.0.0.1:9/jobs"],
            "the database does not answer: connection",
        ),
        (["worker", "--slots", "1", "--mqtt", "mqtt://me:hidden@h:x"], "the port in MQTT_URL is not a number"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # As options become variables, they are to be forgotten after the test.
    for name in ("CL_DATABASE", "CL_HOSTS", "CL_STORAGE", "MQTT_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CL_DATA", str(tmp_path))
    # Where an API spools its uploads.
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert main(arguments) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert said in printed
    assert "hidden" not in printed


@pytest.mark.parametrize("url", ["s3:/bucket", "gs://bucket", "bucket", "s3://"])
def test_a_storage_is_a_bucket(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="CL_STORAGE is no bucket"):
        open_storage(tmp_path, url, "here")


def test_a_data_folder_keeps_the_name_of_its_host(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert host_id(tmp_path) == host_id(tmp_path)
    assert host_id(tmp_path) != host_id(tmp_path / "other")
    assert not set(host_id(tmp_path)) & set("/+#")


def test_workers_that_start_together_agree_on_the_name_of_their_host(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cl_server.host_id import host_id; print(host_id(Path(sys.argv[1])))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_data_folder_has_the_workers_of_one_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CL_DATA", str(tmp_path))
    monkeypatch.setattr(worker_host, "REMAINS", 0)
    with worker_host.alone(Settings(tmp_path)), pytest.raises(ValueError, match="other workers have the data folder"):
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
