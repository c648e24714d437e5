"""What a web page in the browser of this machine can do to the server: nothing."""

import shutil
import subprocess

import httpx
import pytest

from cl_server.embedded import LocalStack
from cl_server.http.browser_guard import is_loopback
from tests.conftest import absent
from tests.integration.server.client import Api
from tests.integration.server.test_bad_input import detail

FORM = {"file": ("a.txt", b"words")}


def port_of(stack: LocalStack) -> int:
    return httpx.URL(stack.compute_url).port or 0


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://evil.example:{port}", "null", "https://127.0.0.1:{port}", "http://[", ""]
)
def test_a_form_of_another_site_makes_no_job(local_api: Api, local_stack: LocalStack, origin: str) -> None:
    before = set((local_stack.data / "jobs").iterdir())
    headers = {"origin": origin.format(port=port_of(local_stack))}
    response = local_api.http.post("/jobs/hash", files=FORM, headers=headers)
    assert response.status_code == 403
    assert detail(response) == "web pages of other sites may not use this server"
    assert set((local_stack.data / "jobs").iterdir()) == before
    assert local_api.http.get("/jobs/one", headers=headers).status_code == 403
    assert local_api.http.delete("/jobs/one", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""]
)
def test_a_name_that_was_made_to_lead_here_is_refused(local_api: Api, local_stack: LocalStack, host: str) -> None:
    host = host.format(port=port_of(local_stack))
    response = local_api.http.post("/jobs/hash", files=FORM, headers={"host": host, "origin": f"http://{host}"})
    assert response.status_code == 421
    assert detail(response).startswith("this server answers to localhost and 127.0.0.1 alone")
    assert local_api.http.get("/jobs/one", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[::1]:9", "127.0.0.2", "a.localhost"]
)
def test_programs_and_our_own_pages_are_served(local_api: Api, local_stack: LocalStack, host: str) -> None:
    host = host.format(port=port_of(local_stack))
    assert local_api.http.post("/jobs/hash", files=FORM, headers={"host": host}).status_code == 200
    page = {"host": host, "origin": f"http://{host}"}
    assert local_api.http.post("/jobs/hash", files=FORM, headers=page).status_code == 200


@pytest.mark.parametrize(
    "host", ["", "[", "[::1", "localhost@evil.example", "evil.example#localhost", "localhost.evil"]
)
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_curl_works(local_stack: LocalStack, name: str) -> None:
    if shutil.which("curl") is None:
        absent("curl")
    url = f"http://{name}:{port_of(local_stack)}/jobs/hash"
    ran = subprocess.run(["curl", "-sf", "-4", "-F", "file=@LICENSE", url], capture_output=True, text=True, timeout=30)
    assert '"status":"queued"' in ran.stdout
