"""The addresses that a server gives for a job: of its own server they are asked, of another they are not."""

import pytest

from cl_client.http.transport import Transport
from cl_client.server import links
from cl_client.server.links import Links


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("/r/1", "https://queue.test/r/1"),
        ("r/1", "https://queue.test/v1/r/1"),
        ("https://queue.test/r/1?logs=1", "https://queue.test/r/1?logs=1"),
        ("https://elsewhere.test/r/1", None),
        ("http://queue.test/r/1", None),
        ("https://queue.test:8443/r/1", None),
        ("https://queue.test:port/", None),
    ],
)
async def test_only_addresses_of_the_server_itself_are_followed(said: str, address: str | None) -> None:
    async with Transport("https://queue.test/v1", timeout=1) as transport:
        assert transport.address(said) == address


def test_of_the_names_that_a_field_may_have_the_first_address_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST", 2)
    known = Links(lambda said: said)
    fields = {"job": ("status_url", "urls.get"), "cancel": ("cancel_url",)}
    known.learn("a", {"status_url": None, "urls": {"get": "/a"}, "cancel_url": "by hand"}, fields)
    assert (known.of("a", "job"), known.of("a", "cancel")) == ("/a", None)
    for other in "bc":
        known.learn(other, {"status_url": f"/{other}"}, fields)
    assert [known.of(one, "job") for one in "abc"] == [None, "/b", "/c"]
