"""Addresses come from the environment, and a wrong one is told in one line."""

import pytest

from cl_client.config import ComputeClientConfig, ServerConfig
from cl_client.errors import InvalidParameterError


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


def test_a_task_type_has_its_path():
    assert ComputeClientConfig.get_plugin_endpoint("clip_embedding") == "/jobs/clip_embedding"
    with pytest.raises(ValueError, match="not a task type"):
        ComputeClientConfig.get_plugin_endpoint("../admin")
