"""docs/nginx.conf and docs/Caddyfile, run as they are written: TLS, a path for each server, large uploads."""

import os
import shutil
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cl_client import AuthClient, ComputeClient, JWTAuthProvider, PayloadTooLargeError
from cl_client.errors import NotFoundError, ServerError
from cl_server.stack import broker_certificates
from cl_server.stack.supervisor import wait_until
from tests.accounts import USER, Accounts
from tests.conftest import absent
from tests.hosts import DOCS, Part, listens
from tests.media.photo import photo
from tests.ports import free_port

# What a distribution has around a server block. Where it is root, it would become another user, who cannot read here.
AROUND = """daemon off; {user} pid {folder}/pid; error_log stderr; worker_processes 1;
events {{}}
http {{
    access_log off;
    {places}
    include {folder}/nginx.conf;
}}
"""
BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Proxy(Part):
    """In front of two servers, on `https://localhost:PORT`."""

    def __init__(self, folder: Path, site: str, here: Mapping[str, str], argv: Sequence[str]) -> None:
        self.port = free_port()
        self.ca_file = folder / "ca.pem"
        for name, text in broker_certificates.make(["localhost"]).items():
            (folder / name).write_text(text)
        text = (DOCS / site).read_text()
        for there, mapped in here.items():
            assert there in text
            text = text.replace(there, mapped.format(port=self.port, folder=folder))
        (folder / site).write_text(text)
        places = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        super().__init__([part.format(folder=folder) for part in argv], folder / "log", places)

    def url(self, server: str) -> str:
        """Where clients find one of the two."""
        return f"https://localhost:{self.port}/{server}"


def nginx_for(folder: Path, compute: int, auth: int, **change: str) -> Proxy:
    """nginx, with what a distribution has around the block of the docs."""
    places = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in BODIES)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "whole.conf").write_text(AROUND.format(folder=folder, places=places, user=user))
    here = {
        "jobs.example.org": "localhost",
        "listen 443 ssl": "listen 127.0.0.1:{port} ssl",
        "/etc/nginx/": "{folder}/",
        ":8002": f":{compute}",
        ":8000": f":{auth}",
        **change,
    }
    return Proxy(folder, "nginx.conf", here, [program("nginx"), "-p", "{folder}", "-c", "{folder}/whole.conf"])


def caddy_for(folder: Path, compute: int, auth: int) -> Proxy:
    """Caddy, with a certificate that it need not ask anybody for."""
    (folder / "whole").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\nimport {folder}/Caddyfile\n")
    own = "https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/server.pem {folder}/server.key\n"
    here = {"jobs.example.org {\n": own, ":8002": f":{compute}", ":8000": f":{auth}"}
    run = [program("caddy"), "run", "--config", "{folder}/whole", "--adapter", "caddyfile"]
    return Proxy(folder, "Caddyfile", here, run)


def program(name: str) -> str:
    """Distributions install some where the PATH of a normal user does not lead."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or absent(name)


def started(proxy: Proxy) -> Iterator[Proxy]:
    proxy.start()
    try:
        assert wait_until(lambda: listens(proxy.port), 30), proxy.log.read_text()
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path, accounts: Accounts) -> Iterator[Proxy]:
    """In front of a stack with accounts."""
    kind: str = request.param
    make = nginx_for if kind == "nginx" else caddy_for
    yield from started(make(tmp_path, *ports_of(accounts)))


@pytest.fixture
def narrow(tmp_path: Path, accounts: Accounts) -> Iterator[Proxy]:
    """nginx with the limit on requests that it has by itself."""
    change = {"client_max_body_size 0;": ""}
    yield from started(nginx_for(tmp_path, *ports_of(accounts), **change))


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Proxy]:
    """nginx in front of servers that are not there."""
    yield from started(nginx_for(tmp_path, free_port(), free_port()))


def ports_of(accounts: Accounts) -> tuple[int, int]:
    compute, auth = (urlsplit(url).port for url in (accounts.stack.compute_url, accounts.auth_url))
    assert compute
    assert auth
    return compute, auth


def client_of(proxy: Proxy, token: str | None = None) -> ComputeClient:
    """A client of the compute server behind it; the broker's address is of no use here."""
    provider = None if token is None else JWTAuthProvider(token)
    return ComputeClient(base_url=proxy.url("compute"), auth_provider=provider, verify=str(proxy.ca_file))


async def test_a_user_signs_in_and_runs_a_job_through_it(proxy: Proxy, accounts: Accounts, tmp_path: Path) -> None:
    async with AuthClient(proxy.url("auth"), verify=str(proxy.ca_file)) as auth:
        token = (await auth.login(USER, accounts.passwords[USER])).access_token
    async with client_of(proxy, token) as client:
        job = await client.media_thumbnail.generate(photo(64, 48), width=16, wait=True, timeout=60)
        made = await job.download(tmp_path / "thumbnail.jpg")
        assert made.read_bytes() == await job.read()


async def test_an_upload_above_the_usual_limit_of_a_proxy_passes(proxy: Proxy, accounts: Accounts) -> None:
    async with client_of(proxy, accounts.tokens[USER]) as client:
        job = await client.hash.compute(b"0" * 3_000_000, wait=True, timeout=60)
        assert job.status == "completed"


async def test_the_limit_of_a_proxy_is_named_as_its_own(narrow: Proxy, accounts: Accounts) -> None:
    async with client_of(narrow, accounts.tokens[USER]) as client:
        with pytest.raises(PayloadTooLargeError, match=r"nginx, a proxy .* the request is larger than it permits"):
            await client.hash.compute(b"0" * 3_000_000)


async def test_a_server_that_is_away_is_told_from_a_proxy_that_is(alone: Proxy) -> None:
    async with client_of(alone) as client:
        with pytest.raises(ServerError, match=r"nginx, a proxy .* it cannot reach the server"):
            await client.get_capabilities()


async def test_a_path_that_leads_nowhere_is_named(alone: Proxy) -> None:
    async with ComputeClient(base_url=alone.url("elsewhere"), verify=str(alone.ca_file)) as client:
        with pytest.raises(NotFoundError, match=r"nginx, a proxy .* it has nothing at this path"):
            await client.get_capabilities()


async def test_metrics_stay_behind_it(proxy: Proxy) -> None:
    trust = ssl.create_default_context(cafile=proxy.ca_file)
    async with httpx.AsyncClient(verify=trust) as http:
        assert (await http.get(f"{proxy.url('compute')}/metrics")).status_code == 403
