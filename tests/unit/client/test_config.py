"""Addresses come from the environment, and a wrong one is told in one line."""

import inspect
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import AuthClient, ComputeClient, SessionManager
from cl_client.config import ComputeClientConfig, ServerConfig
from cl_client.config.settings import Told, told_by_all, told_by_environment
from cl_client.errors import InvalidParameterError
from cl_client.sync import ComputeClient as SyncComputeClient
from cl_client.wire.types import UNSET


def test_what_is_not_set_keeps_its_default():
    config = ServerConfig.from_env({})
    assert config == ServerConfig()
    assert (config.compute_url, config.mqtt_host, config.mqtt_port) == ("http://localhost:8002", "localhost", 1883)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COMPUTE_URL": "http://a:1"}, ServerConfig(compute_url="http://a:1")),
        ({"COMPUTE_SERVER_URL": "http://a:1"}, ServerConfig(compute_url="http://a:1")),
        ({"AUTH_URL": "http://b", "STORE_URL": "http://c"}, ServerConfig(auth_url="http://b", store_url="http://c")),
        ({"MQTT_BROKER_HOST": "h", "MQTT_BROKER_PORT": "7"}, ServerConfig(mqtt_host="h", mqtt_port=7)),
        ({"MQTT_BROKER": "h", "MQTT_PORT": "7"}, ServerConfig(mqtt_host="h", mqtt_port=7)),
        ({"MQTT_URL": "mqtt://h:7", "MQTT_BROKER_HOST": "x"}, ServerConfig(mqtt_host="h", mqtt_port=7)),
        ({"MQTT_URL": "mqtt://h"}, ServerConfig(mqtt_host="h")),
        ({"COMPUTE_URL": ""}, ServerConfig()),
    ],
)
def test_the_environment_is_read(environment: dict[str, str], expected: ServerConfig):
    assert ServerConfig.from_env(environment) == expected


@pytest.mark.parametrize(
    "environment",
    [
        {"MQTT_PORT": "abc"},
        {"MQTT_PORT": "0"},
        {"MQTT_PORT": "65536"},
        {"MQTT_URL": "http://h"},
        {"MQTT_URL": "mqtt://h:99999"},
        {"MQTT_URL": "mqtt://"},
    ],
)
def test_a_broker_that_cannot_be_one_is_refused(environment: dict[str, str]):
    with pytest.raises(InvalidParameterError, match="MQTT"):
        ServerConfig.from_env(environment)


OURS = "mqtts://ada:guess@ours:7"


@pytest.mark.parametrize("host", ["theirs", "ours.theirs", "127.0.0.1"])
def test_who_we_are_at_a_broker_is_told_to_no_other_host(tmp_path: Path, host: str):
    file = tmp_path / "config.toml"
    file.write_text("[default]\nmqtt_broker = 'ours'\nmqtt_username = 'ada'\nmqtt_tls = true\nmqtt_jwt = true\n")
    profile = ServerConfig.load(file=file, environment={"MQTT_BROKER_HOST": host})
    ours = evolve(ServerConfig.from_env({"MQTT_URL": OURS}), mqtt_jwt=True)
    for config in (
        profile,
        ours.with_broker(f"mqtts://{host}:7"),
        ComputeClient(None, None, host, server_config=ours)._config,
    ):
        assert (config.mqtt_host, config.mqtt_username, config.mqtt_password, config.mqtt_jwt) == (
            host,
            None,
            None,
            False,
        )
        # Nobody said that the other one may be spoken to in the clear.
        assert config.mqtt_tls


@pytest.mark.parametrize(
    ("nearer", "expected"),
    [
        ({"mqtt_host": "OURS"}, ("OURS", 7, "ada", "guess")),
        ({"mqtt_port": 9}, ("ours", 9, "ada", "guess")),
        ({"mqtt_host": "theirs", "mqtt_username": "bea"}, ("theirs", 7, "bea", None)),
        ({"mqtt_host": "theirs"}, ("theirs", 7, None, None)),
    ],
)
def test_who_we_are_stays_where_the_host_does(nearer: dict[str, str | int], expected: tuple[object, ...]):
    told = told_by_all(
        told_by_environment({"MQTT_URL": OURS}), {name: Told(value, "a test") for name, value in nearer.items()}
    )
    config = ServerConfig.of(told)
    assert (config.mqtt_host, config.mqtt_port, config.mqtt_username, config.mqtt_password) == expected


def test_what_was_told_for_no_host_is_for_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MQTT_JWT", "1")
    assert ComputeClient(mqtt_broker="theirs")._config.mqtt_jwt


def test_a_task_type_has_its_path():
    assert ComputeClientConfig.get_plugin_endpoint("clip_embedding") == "/jobs/clip_embedding"
    with pytest.raises(ValueError, match="not a task type"):
        ComputeClientConfig.get_plugin_endpoint("../admin")


def test_clients_say_where_their_servers_are_and_no_password():
    config = ServerConfig(
        auth_url="http://ada:secret@auth:1", compute_url="http://ada:secret@jobs:2", mqtt_host="broker"
    )
    assert repr(ComputeClient(server_config=config)) == "<ComputeClient http://***@jobs:2, MQTT broker:1883>"
    assert repr(SyncComputeClient(server_config=config)) == "<ComputeClient http://***@jobs:2, MQTT broker:1883>"
    assert repr(SessionManager(config, keep=False)) == "<SessionManager http://***@auth:1, guest>"
    assert repr(AuthClient(server_config=config)) == "<AuthClient http://***@auth:1>"


def test_what_was_not_given_reads_as_the_servers_default():
    assert repr(UNSET) == "<the server's default>"
    assert "the server's default" in str(inspect.signature(ComputeClient().hash.compute))
