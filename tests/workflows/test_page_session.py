"""The session of the page, what it streams, and what it counts: as HTTP, without a browser."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.accounts import ADMIN, USER, Accounts

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def browser(accounts: Accounts) -> Iterator[httpx.Client]:
    """As a browser on our page: it says where it comes from, and keeps cookies."""
    with httpx.Client(base_url=accounts.stack.compute_url, headers=OURS, timeout=30) as client:
        yield client


def sign_in(browser: httpx.Client, accounts: Accounts, name: str) -> httpx.Response:
    return browser.post("/ui/session", data={"username": name, "password": accounts.passwords[name]})


def test_the_cookie_is_for_our_page_alone_and_no_script_reads_it(browser: httpx.Client, accounts: Accounts) -> None:
    answer = sign_in(browser, accounts, USER)
    assert answer.json()["signed_in"]
    assert "token" not in answer.text
    (cookie,) = answer.headers.get_list("set-cookie")
    name, *attributes = cookie.split("; ")
    port = httpx.URL(accounts.stack.compute_url).port
    assert name.startswith(f"cl-session-{port}=ey")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert browser.get("/jobs").status_code == 200
    job_id = browser.post("/jobs/hash", files={"file": ("a.txt", b"words")}).json()["job_id"]
    # A page on another port of this host is of the same site, and `SameSite` lets its cookie through.
    for headers in ({"sec-fetch-site": "same-site"}, {"sec-fetch-site": "cross-site"}):
        assert browser.get("/jobs", headers=headers).status_code == 401
        assert browser.delete(f"/jobs/{job_id}", headers=headers).status_code == 401
    with httpx.Client(base_url=accounts.stack.compute_url, cookies=browser.cookies) as old_browser:
        # Without a word on where it comes from, it may read; to change something, it has to say so.
        assert old_browser.get("/jobs").status_code == 200
        assert old_browser.delete(f"/jobs/{job_id}").status_code == 401
        origin = {"origin": accounts.stack.compute_url}
        assert old_browser.post(f"/jobs/{job_id}/cancel", headers=origin).status_code in {200, 409}


def test_signing_in_and_out_is_for_our_page_alone(browser: httpx.Client, accounts: Accounts) -> None:
    browser.headers["sec-fetch-site"] = "same-site"
    assert sign_in(browser, accounts, USER).status_code == 403
    browser.headers.update(OURS)
    wrong = browser.post("/ui/session", data={"username": USER, "password": "not it"})
    assert wrong.status_code == 401
    assert wrong.json()["detail"] == "the user name or the password is wrong"
    assert sign_in(browser, accounts, USER).status_code == 200
    assert browser.post("/ui/session/renew").json()["signed_in"]
    assert browser.get("/ui/session").json()["signed_in"]
    assert not browser.delete("/ui/session").json()["signed_in"]
    assert browser.get("/jobs").status_code == 401
    assert browser.get("/ui/session").json() == {
        "signed_in": False, "is_admin": False, "user_id": None, "guests": False, "accounts": True,
    }  # fmt: skip


def test_over_tls_the_cookie_is_for_tls_alone() -> None:
    from starlette.datastructures import Headers

    from cl_server.page.session_cookie import set_cookie

    headers = Headers({"origin": "https://jobs.example.org", "host": "jobs.example.org"})
    assert set_cookie(headers, "ey", 60) == "cl-session=ey; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"


def test_events_and_figures_are_of_ones_own_jobs(browser: httpx.Client, accounts: Accounts) -> None:
    """The admin hears of the user's job, and the user not of the admin's."""
    admin = {"authorization": f"Bearer {accounts.tokens[ADMIN]}"}
    sign_in(browser, accounts, USER)
    figures = browser.get("/overview").json()
    with httpx.Client(base_url=accounts.stack.compute_url, headers=admin, timeout=30) as other, ExitStack() as open_:
        heard = {
            who: events(open_.enter_context(client.stream("GET", "/events")))
            for who, client in (("user", browser), ("admin", other))
        }
        for stream in heard.values():
            # From now on nothing is missed.
            assert next(stream)[0] == "refetch"
        for client, name in ((other, "admins.txt"), (browser, "users.txt")):
            client.post("/jobs/hash", files={"file": (name, b"words")})
        seen = {
            who: until_completed(heard[who], client, "users.txt")
            for who, client in (("user", browser), ("admin", other))
        }
        assert "admins.txt" not in seen["user"]
        assert {"admins.txt", "users.txt"} <= seen["admin"]
        assert other.get("/overview", params={"window": "24h"}).json()["stored"] > figures["stored"]
    assert httpx.get(f"{accounts.stack.compute_url}/events").status_code == 401
    assert httpx.get(f"{accounts.stack.compute_url}/overview").status_code == 401


def events(response: httpx.Response) -> Iterator[tuple[str, list[dict[str, object]]]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    kind = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
            yield kind, data if isinstance(data, list) else []


def until_completed(stream: Iterator[tuple[str, list[dict[str, object]]]], client: httpx.Client, name: str) -> set[str]:
    """The files whose jobs somebody hears of, as the page does: it reads the list when it is told to."""
    seen: set[str] = set()
    for kind, told in stream:
        jobs = client.get("/jobs", params={"limit": 5}).json()["jobs"] if kind == "refetch" else told
        seen |= {str(names[0]) for job in jobs if isinstance(names := job["input_names"], list)}
        if any(job["input_names"] == [name] and job["status"] == "completed" for job in jobs):
            break
    return seen


def test_the_page_runs_nothing_but_its_own_files(browser: httpx.Client) -> None:
    page = browser.get("/ui")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert page.text.count("<script") == page.text.count('<script type="module" src=') == 1
    script = page.text.partition('<script type="module" src="')[2].partition('"')[0]
    sent = browser.get(f"/{script}")
    assert sent.headers["content-type"].startswith("text/javascript")
    assert "immutable" in sent.headers["cache-control"]
    outside = script.replace("main.js", "..%2f..%2froutes.py")
    assert browser.get(f"/{outside}").status_code == 404


def test_a_file_of_a_job_can_do_nothing_in_a_browser(browser: httpx.Client, accounts: Accounts) -> None:
    sign_in(browser, accounts, USER)
    page = b"<script>alert(document.cookie)</script>"
    job_id = browser.post("/jobs/hash", files={"file": ("a.html", page, "text/html")}).json()["job_id"]
    path = browser.get(f"/jobs/{job_id}/files").json()["files"][0]["path"]
    headers = browser.get(f"/jobs/{job_id}/files/{path}").headers
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment")
