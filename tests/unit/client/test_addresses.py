"""Addresses with passwords in them, whatever characters those have: understood, and never shown."""

import pytest

from cl_client import ComputeClient, ServerConfig
from cl_client.config.addresses import read_address, without_secrets
from cl_client.errors import InvalidParameterError


@pytest.mark.parametrize(
    ("text", "url", "username", "password"),
    [
        ("http://h:1", "http://h:1", None, ""),
        ("HTTPS://h/prefix/", "HTTPS://h/prefix/", None, ""),
        ("http://ada@h", "http://h", "ada", ""),
        ("http://ada:s3cret@[::1]:8", "http://[::1]:8", "ada", "s3cret"),
        ("http://ada:s3@cr:et@h:1/a", "http://h:1/a", "ada", "s3@cr:et"),
        ("http://ada%40home:s3%2Fcret@h", "http://h", "ada@home", "s3/cret"),
    ],
)
def test_user_and_password_are_read_and_taken_out(text: str, url: str, username: str | None, password: str):
    assert read_address(text) == (url, username, password)


SECRET = [
    "http://ada:s3cret@", "http://ada:s3/cret@h", "http://ada:s3#cret@h", "http://ada:s3?cret@h", "htp://ada:s3cret@h",
    "ada:s3cret@h", "http:///ada:s3cret@h", "http://ada:s3@cret@h:port",
]  # fmt: skip


@pytest.mark.parametrize("text", SECRET)
def test_an_address_that_is_none_is_refused_without_its_password(text: str):
    with pytest.raises(InvalidParameterError) as error:
        ComputeClient(text, mqtt_port=1)
    assert "cret" not in str(error.value)
    assert "is not the address of a server" in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "h:1", "http://", "http:///x", "http://[::1", "http://h:port", "ftp://h", "http:// h"]
)
def test_what_is_no_address_is_an_error_of_ours(text: str):
    with pytest.raises(InvalidParameterError, match="is not the address of a server"):
        ComputeClient(text or " ", mqtt_port=1)


@pytest.mark.parametrize("text", [*SECRET, "http://ada:s3@cret@h/x", "mqtts://ada:s3cret@h:8883"])
def test_what_is_shown_has_no_secret(text: str):
    assert "cret" not in without_secrets(text)
    assert without_secrets("http://h:1/x") == "http://h:1/x"


@pytest.mark.parametrize("url", ["mqtt://ada:s3/cret@h", "mqtt://ada:s3#cret@h", "mqtt://ada:s3cret@h:port"])
def test_a_broker_that_is_none_is_refused_without_its_password(url: str):
    with pytest.raises(InvalidParameterError) as error:
        ServerConfig.from_env({"MQTT_URL": url})
    assert "cret" not in str(error.value)
    assert "s3" not in str(error.value)
