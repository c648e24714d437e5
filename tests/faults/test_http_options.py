"""How requests go out, as users of httpx say it: certificates, transports, clients of their own, hooks."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import httpcore
import httpx
import httpx2
import pytest
import trustme

import cl_client
import cl_client.sync
from cl_client import (
    AuthClient,
    CertificateError,
    ClientClosedError,
    ComputeClient,
    InvalidParameterError,
    MQTTJobMonitor,
    ServerUnreachableError,
    SessionManager,
)
from cl_client.http.auth import JWTAuthProvider
from cl_client.runtime.server_client import ServerClient
from cl_client.testing import Completes, FakeComputeServer
from tests.faults.connect_proxy import connect_proxy
from tests.faults.scripted import CLOSE, answer, scripted_server

WORKERS = answer(200, b'{"num_workers": 1, "capabilities": {}}')
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MQTT_BROKER_PORT", "1")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def of_server(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


# Certificates.


def by_path(ca_file: str) -> object:
    return Path(ca_file)


def by_context(ca_file: str) -> object:
    return ssl.create_default_context(cafile=ca_file)


@pytest.mark.parametrize("trust", [str, by_path, by_context, lambda _: False], ids=["text", "path", "context", "off"])
async def test_a_certificate_is_trusted_by_what_verify_says(
    authority: trustme.CA, ca_file: str, trust: Callable[[str], object]
):
    async with scripted_server(WORKERS, tls=of_server(authority)) as server:
        async with ComputeClient(server.url, verify=trust(ca_file)) as client:
            assert (await client.get_capabilities()).num_workers == 1


async def test_a_folder_of_certificates_is_trusted_as_openssl_has_it(authority: trustme.CA, ca_file: str):
    rehash = await asyncio.create_subprocess_exec("openssl", "rehash", str(Path(ca_file).parent))
    assert await rehash.wait() == 0
    async with scripted_server(WORKERS, tls=of_server(authority)) as server:
        async with ComputeClient(server.url, verify=Path(ca_file).parent) as client:
            assert (await client.get_capabilities()).num_workers == 1


async def test_a_server_can_want_a_certificate_of_ours(authority: trustme.CA, ca_file: str):
    wanting = of_server(authority)
    wanting.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(wanting)
    ours = ssl.create_default_context(cafile=ca_file)
    authority.issue_cert("client@example.org").configure_cert(ours)
    async with scripted_server(WORKERS, tls=wanting) as server:
        async with ComputeClient(server.url, verify=ours) as client:
            assert (await client.get_capabilities()).num_workers == 1
        async with ComputeClient(server.url, verify=ca_file) as stranger:
            with pytest.raises(ServerUnreachableError):
                await stranger.get_capabilities()


async def test_compute_ca_file_is_trusted_by_every_client(
    authority: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMPUTE_CA_FILE", ca_file)
    async with scripted_server(WORKERS, tls=of_server(authority)) as server:
        monkeypatch.setenv("COMPUTE_URL", server.url)
        monkeypatch.setenv("AUTH_URL", server.url)
        async with ComputeClient() as client, ServerClient() as plain, AuthClient() as auth:
            assert (await client.get_capabilities()).num_workers == 1
            for beneath in (plain.api, auth.api):
                assert (await beneath.get_async_httpx_client().get("/capabilities")).status_code == 200
        async with SessionManager(keep=False) as session:
            assert (await session.create_compute_client().get_capabilities()).num_workers == 1


async def test_a_certificate_that_nobody_vouches_for_is_one_line_that_says_what_to_set(
    authority: trustme.CA, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "cl_client")
    async with scripted_server(WORKERS, tls=of_server(authority)) as server, ComputeClient(server.url) as client:
        with pytest.raises(CertificateError, match=r"its certificate is not trusted \(.*certificate") as refused:
            await client.get_capabilities()
    assert "\n" not in str(refused.value)
    assert "COMPUTE_CA_FILE" in str(refused.value.hint)
    # It would only come again.
    assert "is tried again" not in caplog.text


async def test_no_authority_helps_a_certificate_of_another_name(authority: trustme.CA, ca_file: str):
    async with scripted_server(WORKERS, tls=of_server(authority, "elsewhere.example.org")) as server:
        async with ComputeClient(server.url, verify=ca_file) as client:
            with pytest.raises(CertificateError, match=r"not valid for|[Mm]ismatch") as refused:
                await client.get_capabilities()
    assert refused.value.hint is None


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_certificates_is_one_line(tmp_path: Path, text: str | None):
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidParameterError, match=r"cannot trust .*ca\.pem") as refused:
        ComputeClient(verify=file)
    assert "COMPUTE_CA_FILE" in str(refused.value.hint)


# Transports and clients of the program.


def transport_of(library: ModuleType) -> tuple[object, list[str]]:
    """A transport of a program, and what happens to it."""
    happened: list[str] = []

    class Told(library.AsyncHTTPTransport):
        async def handle_async_request(self, request: object) -> object:
            happened.append(f"{request.method} {request.url.path}")
            return await super().handle_async_request(request)

        async def aclose(self) -> None:
            happened.append("closed")
            await super().aclose()

    return Told(), happened


@LIBRARIES
async def test_a_job_is_done_through_a_transport_of_the_program(library: ModuleType, tmp_path: Path):
    transport, happened = transport_of(library)
    with FakeComputeServer() as fake:
        fake.script("media_thumbnail", Completes({"thumbnail_path": "output/t.jpg"}, {"output/t.jpg": b"JPEG"}))
        async with ComputeClient(fake.url, transport=transport) as client:
            job = await client.media_thumbnail.generate(b"pixels" * 100_000, wait=True)
            assert (await job.download(tmp_path / "t.jpg")).read_bytes() == b"JPEG"
        assert fake.submissions[0].files["file"].content == b"pixels" * 100_000
    assert happened[0] == "POST /jobs/media_thumbnail"
    assert "closed" not in happened
    await transport.aclose()


@LIBRARIES
async def test_a_job_is_done_through_a_client_of_the_program(library: ModuleType, tmp_path: Path):
    heard: list[str] = []

    async def hear(request: object) -> None:
        heard.append(f"{request.method} {request.headers['X-Team']}")

    async with library.AsyncClient(headers={"X-Team": "red"}, event_hooks={"request": [hear]}) as mine:
        with FakeComputeServer() as fake:
            fake.script("media_thumbnail", Completes({"thumbnail_path": "output/t.jpg"}, {"output/t.jpg": b"JPEG"}))
            async with ComputeClient(fake.url, http_client=mine) as client:
                job = await client.media_thumbnail.generate(b"pixels", wait=True)
                assert (await job.download(tmp_path / "t.jpg")).read_bytes() == b"JPEG"
        assert not mine.is_closed
    assert heard[0] == "POST red"


@LIBRARIES
async def test_what_such_a_client_signs_with_is_for_our_server_alone(library: ModuleType, tmp_path: Path):
    async with (
        scripted_server(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nJPEG") as elsewhere,
        scripted_server(answer(302, b"", Location=f"{elsewhere.url}/t.jpg")) as server,
        library.AsyncClient(auth=("me", "secret"), headers={"X-Key": "secret"}) as mine,
        ComputeClient(server.url, http_client=mine) as client,
    ):
        await client.download_job_file("1", "output/t.jpg", tmp_path)
    assert "Authorization: Basic" in server.requests[0]
    assert "x-key: secret" in server.requests[0].lower()
    assert "Basic" not in elsewhere.requests[0]
    assert "secret" not in elsewhere.requests[0]


async def test_an_auth_provider_goes_before_the_authentication_of_such_a_client():
    async with scripted_server(WORKERS) as server, httpx.AsyncClient(auth=("me", "secret")) as mine:
        async with ComputeClient(server.url, http_client=mine, auth_provider=JWTAuthProvider("token")) as client:
            await client.get_capabilities()
    assert "Authorization: Bearer token" in server.requests[0]
    assert "Basic" not in server.requests[0]


@LIBRARIES
@pytest.mark.parametrize("kind", ["transport", "http_client"])
async def test_errors_of_both_libraries_are_ours_and_tried_again(library: ModuleType, kind: str):
    make = library.AsyncHTTPTransport if kind == "transport" else library.AsyncClient
    async with scripted_server(CLOSE, WORKERS) as server, make() as mine:
        async with ComputeClient(server.url, **{kind: mine}) as client:
            assert (await client.get_capabilities()).num_workers == 1
        assert len(server.requests) == 2
    async with make() as mine, ComputeClient(server.url, **{kind: mine}) as client:
        with pytest.raises(ServerUnreachableError, match=r"[Cc]onnect"):
            await client.get_capabilities()
    async with scripted_server(b"HTTP/1.1 ") as silent, make() as mine:
        async with ComputeClient(silent.url, timeout=0.05, **{kind: mine}) as client:
            with pytest.raises(TimeoutError):
                await client.get_capabilities()


async def test_a_transport_of_our_library_may_stand_on_the_other_one():
    class Bridge(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx2.ConnectTimeout("too far away")

    async with ComputeClient("http://127.0.0.1:1", transport=Bridge()) as client:
        with pytest.raises(TimeoutError, match="no answer in time"):
            await client.get_capabilities()


@LIBRARIES
async def test_an_answer_that_a_hook_of_the_program_has_read_is_read_whole(library: ModuleType):
    async def read(response: object) -> None:
        await response.aread()

    async with scripted_server(WORKERS) as server, library.AsyncClient(event_hooks={"response": [read]}) as mine:
        async with ComputeClient(server.url, http_client=mine) as client:
            assert (await client.get_capabilities()).num_workers == 1


async def test_a_client_of_the_program_that_is_closed_is_said():
    mine = httpx.AsyncClient()
    await mine.aclose()
    async with ComputeClient(http_client=mine) as client:
        with pytest.raises(ClientClosedError, match="http_client"):
            await client.get_capabilities()


def test_what_is_no_async_client_is_refused_in_one_line():
    with httpx.Client() as blocking:
        with pytest.raises(InvalidParameterError, match=r"is a Client, and has to be an httpx\.AsyncClient"):
            ComputeClient(http_client=blocking)
    with pytest.raises(InvalidParameterError, match=r"is a HTTPTransport, .*AsyncBaseTransport"):
        ComputeClient(transport=httpx.HTTPTransport())


def test_options_that_exclude_each_other_are_refused():
    with pytest.raises(InvalidParameterError, match="transport and verify exclude each other"):
        ComputeClient(transport=httpx.AsyncHTTPTransport(), verify=True)
    with pytest.raises(InvalidParameterError, match="no event 'answer'"):
        ComputeClient(event_hooks={"answer": []})
    with pytest.raises(TypeError, match="unexpected keyword argument 'verfy'"):
        ComputeClient(verfy=True)


# Clients that were made for httpx2.


class Httpx2Client(ComputeClient):
    http_library = "httpx2"


async def test_a_client_made_for_httpx2_has_its_connections_certificates_and_proxies(
    authority: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
):
    async with connect_proxy() as proxy, scripted_server(CLOSE, WORKERS, tls=of_server(authority)) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with Httpx2Client(server.url, verify=ca_file) as client:
            assert (await client.get_capabilities()).num_workers == 1
        assert set(proxy.asked) == {server.url.removeprefix("https://")}
        async with Httpx2Client(server.url) as client:
            with pytest.raises(CertificateError):
                await client.get_capabilities()
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        async with Httpx2Client(server.url) as client:
            assert (await client.get_capabilities()).num_workers == 1


async def test_a_client_made_for_httpx2_reads_all_that_there_is_and_closes_what_it_opened():
    async with scripted_server(answer(200, bytes(8 * 1024 * 1024))) as server:
        async with Httpx2Client(server.url) as client:
            async with client.api.get_async_httpx_client().stream("GET", "/") as response:
                sizes = [len(piece) async for piece in response.aiter_raw()]
        await server.left_alone()
    assert sum(sizes) == 8 * 1024 * 1024
    assert max(sizes) > 64 * 1024


# Hooks.


async def test_hooks_hear_each_try_and_each_answer_and_may_be_async():
    heard: list[str] = []

    async def later(response: httpx.Response) -> None:
        heard.append(str(response.status_code))

    async with scripted_server(answer(503), WORKERS) as server:
        hooks = {"request": [lambda request: heard.append(request.headers["Authorization"])], "response": [later]}
        async with ComputeClient(server.url, auth_provider=JWTAuthProvider("T"), event_hooks=hooks) as client:
            await client.get_capabilities()
    assert heard == ["Bearer T", "503", "Bearer T", "200"]


async def test_what_a_hook_raises_ends_the_call_as_it_is():
    def refuse(request: httpx.Request) -> None:
        raise LookupError("not today")

    async with scripted_server(WORKERS) as server:
        async with ComputeClient(server.url, event_hooks={"request": [refuse]}) as client:
            with pytest.raises(LookupError, match="not today"):
                await client.get_capabilities()
        assert server.requests == []


async def test_a_session_its_clients_and_a_monitor_have_the_same_options():
    heard: list[str] = []
    hooks = {"request": [lambda request: heard.append(request.url.path)]}
    token = answer(200, b'{"access_token": "T", "token_type": "bearer"}')
    async with scripted_server(token, WORKERS) as server:
        config = cl_client.ServerConfig(auth_url=server.url, compute_url=server.url)
        async with SessionManager(config, keep=False, event_hooks=hooks) as session:
            await session.login("me", "secret")
            await session.create_compute_client().get_capabilities()
    assert heard == ["/auth/token", "/capabilities"]
    async with MQTTJobMonitor(event_hooks=hooks):
        pass


# Without async.


def test_the_client_without_async_takes_the_same_options(ca_file: str):
    heard: list[str] = []
    hooks = {"request": [lambda request: heard.append(request.url.path)]}
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"job_id": "7", "status": "queued", "task_type": "hash"})
    )
    with cl_client.sync.ComputeClient(transport=transport, event_hooks=hooks) as client:
        assert client.hash.compute(b"x").job_id == "7"
    assert heard == ["/jobs/hash"]
    with cl_client.sync.ComputeClient(verify=ca_file), pytest.raises(InvalidParameterError):
        cl_client.sync.ComputeClient(verify="nothing.pem")


# What else is in the process.


async def test_the_program_keeps_its_own_httpcore_and_the_client_reads_all_that_there_is():
    before = httpcore.AsyncHTTP11Connection.READ_NUM_BYTES
    sizes: list[int] = []
    async with scripted_server(answer(200, bytes(8 * 1024 * 1024))) as server, ServerClient(server.url) as client:
        async with client.api.get_async_httpx_client().stream("GET", "/") as response:
            sizes.extend([len(piece) async for piece in response.aiter_raw()])
    assert sum(sizes) == 8 * 1024 * 1024
    assert max(sizes) > 64 * 1024
    assert before == httpcore.AsyncHTTP11Connection.READ_NUM_BYTES == 64 * 1024
