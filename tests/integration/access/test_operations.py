"""A stack as somebody runs it: quotas, a log for machines, and passwords that are lost."""

import json
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import pytest

from cl_server.embedded import LocalStack
from cl_server.stack.supervisor import wait_until
from tests.integration.access.conftest import PASSWORD, People
from tests.integration.server.client import Api, Watch
from tests.integration.server.freeze import freeze

MOST_JOBS = 10
MOST_BYTES = 1 << 20
MOST_UPLOAD = 3 << 20
TOKEN_LIFETIME = 600


@pytest.fixture(scope="module")
def limited() -> Iterator[People]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CL_LOG", "json")
        patch.setenv("CL_QUOTA_JOBS", str(MOST_JOBS))
        patch.setenv("CL_QUOTA_BYTES", str(MOST_BYTES))
        patch.setenv("CL_TOKEN_LIFETIME", str(TOKEN_LIFETIME))
        patch.setenv("CL_MAX_UPLOAD", str(MOST_UPLOAD))
        # Where others are is none of its business.
        patch.setenv("CL_DATABASE", "postgresql://nobody@nowhere.invalid/jobs")
        patch.setenv("CL_STORAGE", "s3://nowhere/jobs")
        patch.setenv("MQTT_URL", "mqtt://nowhere.invalid")
        stack = LocalStack(workers=1, auth=True).start()
    people = People(stack)
    yield people
    people.close()
    stack.stop()


def at_once(api: Api, many: int, content: bytes) -> list[httpx.Response]:
    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(lambda number: api.try_submit("hash", content, f"{number}.txt"), range(many)))


def announce(api: Api, size: int) -> bytes:
    """What is answered to somebody who asks before sending so many bytes."""
    url = api.http.base_url
    head = f"POST /jobs/hash HTTP/1.1\r\nHost: localhost\r\nAuthorization: {api.http.headers['Authorization']}\r\n"
    head += (
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(head.encode())
        return connection.recv(4096)


def test_of_a_hundred_uploads_at_once_a_user_gets_as_many_as_the_quota_says(limited: People) -> None:
    with Watch(limited.stack) as watch:
        freeze(limited.stack, "w0")
        try:
            answers = at_once(limited.alice, 100, b"words")
            taken = [answer.json()["job_id"] for answer in answers if answer.status_code == 200]
            assert Counter(answer.status_code for answer in answers) == {200: MOST_JOBS, 429: 90}
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.json()["detail"] == (
                "you have 10 unfinished jobs, which is the limit: wait for some to finish, or cancel some"
            )
            assert refused.headers["retry-after"]
            assert {path.name for path in (limited.stack.data / "jobs").iterdir()} == set(taken)
            assert list((limited.stack.data / "spool").iterdir()) == []
            # Others have a quota of their own, and what was cancelled makes room.
            assert limited.bob.try_submit("hash", b"words").status_code == 200
            assert limited.alice.http.post(f"/jobs/{taken.pop()}/cancel").status_code == 200
            taken.append(limited.alice.submit("hash", b"words"))
        finally:
            limited.stack.kill("w0", signal.SIGCONT)
        for job_id in taken:
            assert watch.final(job_id)["status"] == "completed"


def test_files_over_the_quota_are_refused_until_some_are_deleted(limited: People) -> None:
    with Watch(limited.stack) as watch:
        answers = at_once(limited.admin, 8, os.urandom(MOST_BYTES // 4))
        taken = [answer.json()["job_id"] for answer in answers if answer.status_code == 200]
        assert Counter(answer.status_code for answer in answers) == {200: 4, 413: 4}
        for job_id in taken:
            watch.final(job_id)
    refused = limited.admin.try_submit("hash", b"words")
    assert (refused.status_code, refused.json()["detail"]) == (
        413,
        "you have 1048576 of 1048576 bytes in files, and this needs 5 more: delete jobs that you no longer need",
    )
    assert announce(limited.admin, 200 << 10).startswith(b"HTTP/1.1 413")
    limited.admin.http.delete(f"/jobs/{taken[0]}")
    assert announce(limited.admin, 200 << 10).startswith(b"HTTP/1.1 100")
    assert limited.admin.try_submit("hash", b"words").status_code == 200


def test_no_log_holds_a_secret_and_each_line_is_an_object(limited: People) -> None:
    wrong, token = "a wrong password", limited.tokens["alice"]
    assert limited.auth.post("/auth/token", data={"username": "alice", "password": wrong}).status_code == 401
    assert limited.auth.post("/auth/token", params={"password": wrong}, json={"password": wrong}).status_code == 422
    for path in ("/jobs/none", "/"):
        limited.guest.http.get(path, params={"access_token": token}, headers={"X-Request-ID": "with-a-token"})
    limited.guest.http.get("/jobs/none", headers={"Authorization": f"Bearer {token}x"})
    limited.alice.try_submit("hash", b"words", "secret name.txt")
    logs = limited.stack.data / "logs"
    # A line is written when the answer has gone.
    assert wait_until(lambda: '"/jobs/hash"' in (logs / "compute.log").read_text(), 30)
    lines: list[dict[str, object]] = []
    for part in ("compute", "auth", "w0"):
        text = (logs / f"{part}.log").read_text()
        lines += [json.loads(line) for line in text.splitlines()]
        for secret in (wrong, PASSWORD, limited.stack.admin_password, *limited.tokens.values(), "secret name"):
            assert str(secret) not in text
    told = [line for line in lines if line["logger"] == "cl_server.http.request_log"]
    assert {line["process"] for line in told} == {"compute", "auth"}
    assert [line["path"] for line in told if line["request_id"] == "with-a-token"] == ["/jobs/none", "/"]
    submits = [line for line in told if line["path"] == "/jobs/hash" and line["status"] == 200]
    assert {line["user"] for line in submits} >= {str(limited.ids["alice"])}
    # Who manages users is known by name of the token, on the auth server too.
    assert any(line["path"] == "/users/" and line["user"] == "1" for line in told)


def test_metrics_tell_what_was_done(limited: People) -> None:
    with Watch(limited.stack) as watch:
        watch.final(limited.bob.submit("hash", b"words"))
    limited.auth.post("/auth/token", data={"username": "nobody", "password": "none"})
    completed = re.compile(r'cl_job_transitions_total\{status="completed",task="hash"\} [1-9]')
    # It is counted a moment after it was told.
    assert wait_until(lambda: completed.search(limited.guest.http.get("/metrics").text) is not None, 30)
    text = limited.guest.http.get("/metrics").text
    assert 'cl_http_requests_total{method="POST",route="/jobs/hash",status="200"}' in text
    assert 'cl_workers_idle{task="hash"}' in text
    assert re.search(r"process_resident_memory_bytes [1-9]", text)
    assert 'route="/auth/token",status="401"' in limited.auth.get("/metrics").text
    assert limited.guest.http.get("/readyz").json() == {"status": "ready", "broker": "connected", "workers": 1}
    assert limited.auth.get("/readyz").json() == {"status": "ready"}


def test_the_variables_of_whoever_starts_a_stack_hold_in_its_parts(limited: People) -> None:
    token = str(limited.alice.http.headers["Authorization"]).removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == TOKEN_LIFETIME
    assert limited.alice.try_submit("hash", bytes(MOST_UPLOAD + 1)).status_code == 413
