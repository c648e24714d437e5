"""`cl-client config`, and the options and variables that name a file and a profile."""

import json
from pathlib import Path

import pytest

from cl_client.cli.help.options import global_rows
from cl_client.cli.main import main
from cl_client.config.settings import SETTINGS
from cl_codegen.model import reserved

VARIABLES = [name for setting in SETTINGS for name in setting.variables]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The usual place of the file, of a user who has none."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in (*VARIABLES, "MQTT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cl-client" / "config.toml"


Capture = pytest.CaptureFixture[str]


def shown(capsys: Capture, *arguments: str) -> dict[str, tuple[object, str]]:
    """What `config show` says: the value and the source of each setting."""
    assert main(["config", "show", "--json", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = [json.loads(line) for line in out.splitlines()]
    return {line["setting"]: (line["value"], line["source"]) for line in lines}


def test_the_nearest_says_what_counts(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    assert shown(capsys)["compute_url"] == ("http://localhost:8002", "default")
    assert main(["config", "set", "compute_url", "http://profile"]) == 0
    assert main(["config", "set", "mqtt_port", "7", "-q"]) == 0
    assert main(["--profile", "work", "config", "set", "compute_url", "http://work"]) == 0
    assert capsys.readouterr().err == ""
    assert shown(capsys)["compute_url"] == ("http://profile", "profile default")
    assert shown(capsys, "--profile", "work")["compute_url"] == ("http://work", "profile work")
    monkeypatch.setenv("CL_PROFILE", "work")
    assert shown(capsys)["compute_url"] == ("http://work", "profile work")
    monkeypatch.setenv("COMPUTE_URL", "http://environment")
    assert shown(capsys)["compute_url"] == ("http://environment", "environment COMPUTE_URL")
    now = shown(capsys, "--profile", "default", "--compute-url", "http://option")
    assert now["compute_url"] == ("http://option", "option --compute-url")
    assert now["mqtt_port"] == (7, "profile default")
    monkeypatch.setenv("MQTT_URL", "mqtts://ada:guess@broker")
    now = shown(capsys, "--mqtt-port", "9")
    assert now["mqtt_broker"] == ("broker", "environment MQTT_URL")
    assert now["mqtt_port"] == (9, "option --mqtt-port")
    assert "guess" not in str(now)


def test_another_broker_on_the_command_line_is_not_told_who_we_are(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MQTT_URL", "mqtts://ada:guess@ours")
    now = shown(capsys, "--mqtt-broker", "theirs")
    assert now["mqtt_broker"] == ("theirs", "option --mqtt-broker")
    assert now["mqtt_username"] == (None, "default")
    assert now["mqtt_port"] == (8883, "environment MQTT_URL")
    assert now["mqtt_tls"] == (True, "environment MQTT_URL")
    assert shown(capsys, "--mqtt-broker", "ours")["mqtt_username"] == ("ada", "environment MQTT_URL")


def test_people_see_a_table_and_scripts_the_names(capsys: Capture):
    assert main(["config", "show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["SETTING", "VALUE", "FROM"]
    assert lines[1].split() == ["compute_url", "http://localhost:8002", "default"]
    assert main(["config", "show", "-q"]) == 0
    assert capsys.readouterr().out.split() == [setting.key for setting in SETTINGS]


def test_a_password_in_an_address_is_not_shown(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMPUTE_URL", "https://ada:guess@there/api")
    assert shown(capsys)["compute_url"] == ("https://***@there/api", "environment COMPUTE_URL")


def test_the_path_is_the_usual_one_or_the_one_that_is_named(
    capsys: Capture, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{home}\n"
    monkeypatch.setenv("CL_CONFIG", str(tmp_path / "a.toml"))
    assert main(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(tmp_path / "a.toml"), "there": False}
    assert main(["config", "set", "username", "ada", "--config", str(tmp_path / "b.toml")]) == 0
    assert (tmp_path / "b.toml").read_text() == '[default]\nusername = "ada"\n'


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["config", "set", "password", "guess"], "secrets do not belong here: `cl-client login` keeps a token"),
        (["config", "set", "compute_ulr", "x"], "is it compute_url?"),
        (["--profile", "nobody", "whoami"], "has no profile 'nobody'"),
        (["whoami", "--config", "no.toml"], "no.toml does not exist"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_a_usage_error(capsys: Capture, arguments: list[str], why: str):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert why in err
    assert err.count("\n") == 1
    assert "guess" not in err


def test_a_broken_file_names_its_line_whatever_the_command(capsys: Capture, home: Path):
    home.parent.mkdir()
    home.write_text("[default]\nmqtt_port = 'x'\n")
    for arguments in (["whoami"], ["config", "show"], ["hash", "compute", __file__]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {home}, line 2: ")
    # These need none of it.
    assert main(["config", "path"]) == 0
    assert main(["config", "set", "mqtt_port", "7"]) == 0
    assert main(["config", "show"]) == 0


def test_no_option_of_a_plugin_is_one_of_the_command_line():
    words = {word.strip(",") for label, _ in global_rows() for word in label.split() if word.startswith("-")}
    assert words <= reserved.GLOBAL_OPTIONS
