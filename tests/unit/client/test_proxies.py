"""The proxies of the environment: as curl reads them, and never the end of a command."""

import httpx
import pytest

from cl_client import ComputeClient, InvalidParameterError
from cl_client.http.proxies import UnusableProxyError, proxy_of
from tests.faults.scripted import answer, scripted_server

PROXY = "http://proxy:3128"
NAMES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no", "ftp")]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *map(str.upper, NAMES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:8002"),
        ("10.0.0.0/8,192.168.0.0/16", "http://192.168.7.9"),
        ("127.0.0.1", "http://127.0.0.1:8002"),
        ("127.0.0.1:8002", "http://127.0.0.1:8002"),
        ("::1", "http://[::1]:8002"),
        ("[::1]", "http://[::1]:8002"),
        ("[::1]:8002", "http://[::1]:8002"),
        ("::1/128", "http://[::1]:8002"),
        ("fe80::/10", "http://[fe80::7]"),
        ("[fe80::]/10", "http://[fe80::7]"),
        ("example.com", "http://example.com"),
        (".example.com", "https://gpu.Example.com"),
        ("*.example.com", "https://gpu.example.com"),
        ("other  example.com", "http://gpu.example.com."),
        ("nonsense:::,[,example.com", "http://example.com"),
        ("*", "http://example.com"),
        ("http://example.com", "http://example.com"),
    ],
)
def test_what_no_proxy_names_is_reached_directly(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str):
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert proxy_of(httpx.URL(url)) == PROXY
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_of(httpx.URL(url)) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("10.0.0.0/8", "http://11.0.0.1"),
        ("0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1:8002"),
        ("example.com", "http://notexample.com"),
        ("https://example.com", "http://example.com"),
        ("::1", "http://example.com"),
        ("/8, ., :, [], ]:[, fe80::/200", "http://127.0.0.1"),
    ],
)
def test_all_others_are_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str):
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_of(httpx.URL(url)) == PROXY


BAD = [
    "socks4://h", "socks5://h", "socks://h:1", "ftp://h", "http://h:port", "http://h:99999", "http://", "http://[::1",
    ":::",
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
async def test_a_proxy_that_cannot_be_used_ends_no_command_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, value: str, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(UnusableProxyError, match="ALL_PROXY="):
        proxy_of(httpx.URL("http://gpu:8002"))
    with pytest.raises(InvalidParameterError, match="gpu cannot be reached through a proxy: ALL_PROXY="):
        ComputeClient("http://gpu:8002")
    async with scripted_server(answer(200, b"{}")) as server, ComputeClient(server.url, mqtt_port=1) as client:
        await client.jobs.delete("a")
    assert "ALL_PROXY=" in caplog.text


def test_the_password_of_a_proxy_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALL_PROXY", "ftp://ada:s3cret@h")
    with pytest.raises(InvalidParameterError) as error:
        ComputeClient("http://gpu:8002")
    assert "s3cret" not in str(error.value)


async def test_certificates_that_are_not_there_matter_only_over_tls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nothing.pem")
    with pytest.raises(InvalidParameterError, match=r"SSL_CERT_FILE=/nothing\.pem: .*No such file"):
        ComputeClient("https://gpu:8002")
    async with scripted_server(answer(200, b"{}")) as server, ComputeClient(server.url, mqtt_port=1) as client:
        await client.jobs.delete("a")


async def test_public_authorities_are_read_for_a_server_that_is_reached_over_tls_alone(monkeypatch: pytest.MonkeyPatch):
    known = httpx.create_ssl_context()
    read: list[object] = []
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: read.append(known) or known)
    async with ComputeClient("http://gpu:8002"):
        assert read == []
    async with ComputeClient("https://gpu:8002"):
        assert read == [known]


async def test_a_request_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch):
    async with scripted_server(answer(200, b"{}")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with ComputeClient("http://gpu.example:8002", mqtt_port=1) as client:
            await client.jobs.delete("a")
        assert proxy.requests[0].startswith("DELETE http://gpu.example:8002/jobs/a ")
