"""Profiles: what they say counts after the environment, and what is wrong with them is told with its line."""

import os
import stat
from pathlib import Path

import pytest

from cl_client.config import ServerConfig
from cl_client.config.profiles import ConfigFile
from cl_client.config.settings import SETTINGS, Told
from cl_client.errors import ComputeClientError, InvalidParameterError

TEXT = """\
# ours
[default]
compute_url = "http://here:8002"
mqtt_port = 1884

[work] # theirs
compute_url = "https://there"  # behind the VPN
mqtt_tls = true
username = "ada"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def test_a_profile_is_read_and_the_environment_goes_before_it(file: Path):
    assert ServerConfig.load(file=file, environment={}) == ServerConfig(compute_url="http://here:8002", mqtt_port=1884)
    assert ServerConfig.load("work", file=file, environment={}) == ServerConfig(
        compute_url="https://there", mqtt_tls=True
    )
    environment = {"CL_CONFIG": str(file), "CL_PROFILE": "work", "COMPUTE_SERVER_URL": "http://nearer"}
    assert ServerConfig.load(environment=environment) == ServerConfig(compute_url="http://nearer", mqtt_tls=True)
    assert ServerConfig.load("default", environment=environment).mqtt_port == 1884


def test_each_value_knows_where_it_comes_from(file: Path):
    told = ConfigFile(file).told_by("work")
    assert told["username"] == Told("ada", "profile work")
    assert told["mqtt_tls"] == Told(True, "profile work")


def test_without_a_file_there_is_nothing_to_say(tmp_path: Path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert ServerConfig.load(environment=environment) == ServerConfig()
    assert ConfigFile.chosen(environment=environment).path == tmp_path / "cl-client" / "config.toml"
    with pytest.raises(InvalidParameterError, match="has no profile 'work': it has none"):
        ServerConfig.load("work", environment=environment)


def test_each_program_has_a_file_of_its_own_unless_one_is_named(tmp_path: Path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert ConfigFile.chosen(environment=environment, program="photo-lab").path == tmp_path / "photo-lab/config.toml"
    environment["CL_CONFIG"] = "/a.toml"
    assert ConfigFile.chosen(environment=environment, program="photo-lab").path == Path("/a.toml")
    assert ConfigFile.chosen("b.toml", environment).path == Path("b.toml")


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path):
    with pytest.raises(InvalidParameterError, match=r"no\.toml does not exist"):
        ServerConfig.load(environment={"CL_CONFIG": str(tmp_path / "no.toml")})
    with pytest.raises(InvalidParameterError, match="cannot read"):
        ServerConfig.load(file=tmp_path, environment={})


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[default]\ncompute_url = \n", 2, "this is not TOML"),
        ("[default]\ncompute_url = 'x'\n[default]\n", 3, "this is not TOML"),
        ("[default", 1, "this is not TOML"),
        ("\ncompute_url = 'http://x'\n", 2, r"write \[default\] above it"),
        ("[other]\ncompute_ulr = 'x'\n[default]\n\ncompute_ulr = 'x'\n", 5, "is it compute_url"),
        ("[default]\nzzz = 'x'\n", 2, "there are compute_url, auth_url"),
        ("[default]\npassword = 'guess'\n", 2, "secrets do not belong here: `cl-client login`"),
        ("[default]\nauth_url = 'https://ada:guess@there'\n", 2, "holds a password"),
        ("[default]\nauth_url = 'there'\n", 2, "like http://host:port"),
        ("[default]\nmqtt_port = 70000\n", 2, "65535"),
        ("[default]\nmqtt_port = [1883]\n", 2, "a text, a number, true or false"),
        ("[default]\nmqtt_jwt = 'perhaps'\n", 2, "true or false"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(file: Path, text: str, line: int, why: str):
    file.write_text(text)
    with pytest.raises(InvalidParameterError, match=why) as raised:
        ConfigFile(file).told_by()
    assert raised.value.message.startswith(f"{file}, line {line}: ")
    assert "\n" not in raised.value.message
    assert "guess" not in raised.value.message


def test_a_setting_is_kept_and_all_else_stays_as_it_was(file: Path):
    ConfigFile(file).set("work", "compute-url", "https://new")
    ConfigFile(file).set("work", "mqtt_port", "8883")
    ConfigFile(file).set("home", "mqtt_jwt", "true")
    ConfigFile(file).set("default", "mqtt_port", "")
    assert file.read_text() == (
        TEXT.replace("https://there", "https://new").replace("mqtt_port = 1884\n", "")
        + "mqtt_port = 8883\n\n[home]\nmqtt_jwt = true\n"
    )
    assert ServerConfig.load("home", file=file, environment={}).mqtt_jwt


def test_every_setting_can_be_kept(tmp_path: Path):
    file = ConfigFile(tmp_path / "new" / "config.toml")
    for setting in SETTINGS:
        value = "https://x" if setting.key.endswith("_url") else {"mqtt_port": "7"}.get(setting.key, "true")
        file.set("default", setting.key, value)
    assert {setting.field for setting in SETTINGS} == file.told_by().keys()


def test_the_file_is_for_its_owner_alone_and_there_whole(tmp_path: Path):
    path = tmp_path / "new" / "config.toml"
    before = os.umask(0)
    try:
        ConfigFile(path).set("default", "compute_url", "http://x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [path.name for path in path.parent.iterdir()] == ["config.toml"]


def test_a_link_to_the_file_stays_one(file: Path, tmp_path: Path):
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    ConfigFile(link).set("default", "username", "bob")
    assert link.is_symlink()
    assert 'username = "bob"' in file.read_text()


@pytest.mark.parametrize(
    ("profile", "key", "value", "why"),
    [
        ("default", "token", "x", "secrets do not belong here"),
        ("default", "mqtt_password", "x", "secrets do not belong here"),
        ("default", "compute_url", "http://ada:guess@x", "holds a password"),
        ("default", "compute_ulr", "x", "is it compute_url"),
        ("default", "mqtt_port", "many", "not a number"),
        ("a b", "compute_url", "http://x", "no name of a profile"),
    ],
)
def test_what_does_not_belong_there_is_not_written(file: Path, profile: str, key: str, value: str, why: str):
    with pytest.raises(InvalidParameterError, match=why):
        ConfigFile(file).set(profile, key, value)
    assert file.read_text() == TEXT


def test_a_file_that_is_broken_is_not_written_over(file: Path):
    file.write_text("[default\n")
    with pytest.raises(InvalidParameterError, match="line 1: this is not TOML"):
        ConfigFile(file).set("default", "compute_url", "http://x")
    assert file.read_text() == "[default\n"


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ComputeClientError, match="cannot write"):
        ConfigFile(tmp_path / "file" / "config.toml").set("default", "compute_url", "http://x")
