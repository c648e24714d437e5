"""The way to the server as the environment has it: proxies, certificates, and no more connections than allowed."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from cl_client import ComputeClient, ConnectionLimits, InvalidParameterError, ServerUnreachableError, Timeouts
from tests.faults.connect_proxy import connect_proxy
from tests.faults.scripted import answer, scripted_server

WORKERS = answer(200, b'{"num_workers": 1, "capabilities": {}}')


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A TLS context for a server on 127.0.0.1, and the certificate to trust for it."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return context, str(path)


async def test_a_certificate_that_nobody_vouches_for_is_refused(authority: tuple[ssl.SSLContext, str]):
    async with scripted_server(WORKERS, tls=authority[0]) as server, ComputeClient(server.url) as client:
        with pytest.raises(ServerUnreachableError, match="its certificate is not trusted"):
            await client.get_capabilities()


async def test_ssl_cert_file_vouches_and_the_proxy_of_the_environment_leads_there(
    authority: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
):
    context, ca = authority
    monkeypatch.setenv("SSL_CERT_FILE", ca)
    async with connect_proxy() as proxy, scripted_server(WORKERS, tls=context) as server:
        async with ComputeClient(server.url) as client:
            assert (await client.get_capabilities()).num_workers == 1
        assert proxy.asked == []
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with ComputeClient(server.url) as client:
            assert (await client.get_capabilities()).num_workers == 1
        assert proxy.asked == [server.url.removeprefix("https://")]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with ComputeClient(server.url) as client:
            await client.get_capabilities()
        assert len(proxy.asked) == 1


async def test_a_plain_request_goes_through_the_proxy_too_and_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    async with scripted_server(answer(503), WORKERS) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with ComputeClient("http://compute.invalid:8002") as client:
            await client.get_capabilities()
        assert [request.split()[1] for request in proxy.requests] == ["http://compute.invalid:8002/capabilities"] * 2


async def test_there_are_no_more_connections_than_allowed():
    async with scripted_server(WORKERS) as server:
        async with ComputeClient(server.url, limits=ConnectionLimits(connections=2)) as client:
            await asyncio.gather(*(client.get_capabilities() for _ in range(20)))
        assert len(server.requests) == 20
        assert server.connections == 2


async def test_a_wait_for_a_free_connection_can_be_bounded():
    taken = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    limits, timeouts = ConnectionLimits(connections=1), Timeouts(read=1, pool=0.05)
    async with ComputeClient(url, timeout=timeouts, limits=limits) as client:
        first = asyncio.create_task(client.get_capabilities())
        await taken.wait()
        with pytest.raises(ServerUnreachableError, match="PoolTimeout"):
            await client.get_capabilities()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    silent.close()


def test_limits_and_times_that_make_no_sense_are_refused():
    with pytest.raises(InvalidParameterError, match="timeout"):
        Timeouts(read=0)
    with pytest.raises(InvalidParameterError, match="deadline"):
        ComputeClient(deadline=0)
    with pytest.raises(InvalidParameterError, match="connections"):
        ConnectionLimits(connections=0)
