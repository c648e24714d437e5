"""Who may do what on a stack with accounts."""

import socket
import time
from pathlib import Path

import httpx
import psutil
import pytest

from cl_client import AuthenticationError, ComputeClient, JobNotFoundError, JWTAuthProvider, PermissionError
from cl_server.auth.keys import KeyRing
from cl_server.embedded import LocalStack, StackError
from tests.integration.access.conftest import JOBS, PASSWORD, People
from tests.integration.server.client import Watch
from tests.unit.auth.forgery import FORGERIES, Forge

SHORT = {"job_id", "task_type", "event_type", "status", "progress", "timestamp", "error_message"}


def detail(answer: httpx.Response) -> str:
    line = answer.json()["detail"]
    assert isinstance(line, str)
    assert "\n" not in line
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return line


def client(people: People, name: str | None) -> ComputeClient:
    stack = people.stack
    return ComputeClient(
        stack.compute_url,
        mqtt_broker=stack.mqtt_host,
        mqtt_port=stack.mqtt_port,
        auth_provider=JWTAuthProvider(people.tokens[name]) if name else None,
    )


async def test_a_user_does_the_main_job(people: People, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"words")
    async with client(people, "alice") as alice, client(people, "bob") as bob, client(people, None) as guest:
        job = await alice.hash.compute(tmp_path / "words.txt", algorithm="md5", wait=True, timeout=30)
        assert job.output.md5 is not None
        with pytest.raises(JobNotFoundError):
            await bob.get_job(job.job_id)
        with pytest.raises(AuthenticationError):
            await guest.get_job(job.job_id)
        with pytest.raises(AuthenticationError):
            await guest.hash.compute(tmp_path / "words.txt")
    async with client(people, "eve") as eve:
        with pytest.raises(PermissionError):
            await eve.hash.compute(tmp_path / "words.txt")


def test_the_server_says_that_it_takes_no_guests(people: People) -> None:
    info = people.guest.http.get("/").json()
    assert (info["guestMode"], info["auth_required"]) == ("off", True)
    assert people.guest.http.get("/capabilities").json()["num_workers"] == 1
    assert set(people.stack.environment()) == {"COMPUTE_URL", "AUTH_URL", "MQTT_BROKER_HOST", "MQTT_BROKER_PORT"}


def test_a_job_is_there_for_its_owner_and_for_admins_alone(people: People) -> None:
    job_id = people.alice.submit("hash", b"mine", "mine.txt")
    nowhere = detail(people.bob.http.get("/jobs/none")).replace("none", job_id)
    for path in (f"/jobs/{job_id}", *(f"/jobs/{job_id}/{rest}" for rest in ("files", "files/input/source.txt", "log"))):
        assert people.alice.http.get(path).status_code == 200
        assert people.admin.http.get(path).status_code == 200
        for other in (people.bob, people.api(None)):
            answer = other.http.get(path)
            assert answer.status_code == (404 if other is people.bob else 401)
        assert detail(people.bob.http.get(path)) == nowhere
    for verb in ("cancel", "retry"):
        assert detail(people.bob.http.post(f"/jobs/{job_id}/{verb}")) == nowhere
        assert people.guest.http.post(f"/jobs/{job_id}/{verb}").status_code == 401
    assert people.bob.http.delete(f"/jobs/{job_id}").status_code == 404
    assert people.guest.http.delete(f"/jobs/{job_id}").status_code == 401
    assert people.admin.http.delete(f"/jobs/{job_id}").status_code == 204
    assert people.alice.http.get(f"/jobs/{job_id}").status_code == 404


def test_everybody_lists_their_own_jobs_and_admins_all(people: People) -> None:
    alices, bobs = people.alice.submit("hash", b"alice's"), people.bob.submit("hash", b"bob's")
    ids = {"ids": [alices, bobs]}
    for api, seen in ((people.alice, [alices]), (people.bob, [bobs]), (people.admin, [bobs, alices])):
        found = api.http.get("/jobs", params=ids).json()["jobs"]
        assert [job["job_id"] for job in found] == seen
    assert people.guest.http.get("/jobs").status_code == 401
    assert people.eve.http.get("/jobs").status_code == 403


def test_a_job_that_an_admin_does_again_stays_its_owners(people: People) -> None:
    with Watch(people.stack) as watch:
        job_id = people.alice.submit("hash", b"no picture", algorithm="phash")
        assert watch.final(job_id)["status"] == "failed"
    again = people.admin.http.post(f"/jobs/{job_id}/retry").json()["job_id"]
    assert people.alice.http.get(f"/jobs/{again}").status_code == 200
    assert people.bob.http.get(f"/jobs/{again}").status_code == 404


def test_each_user_has_their_own_idempotency_keys(people: People) -> None:
    made = [
        api.http.post("/jobs/hash", files={"file": content}, headers={"Idempotency-Key": "mine"}).json()["job_id"]
        for api, content in ((people.alice, b"words"), (people.bob, b"others"), (people.alice, b"words"))
    ]
    assert made[0] == made[2] != made[1]


def test_without_the_permission_there_are_no_jobs(people: People) -> None:
    for answer in (people.eve.try_submit("hash", b"words"), people.eve.http.get("/jobs/none")):
        assert answer.status_code == 403
        assert detail(answer) == f"this needs the permission {JOBS}"


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused_in_one_line(people: People, name: str) -> None:
    key = KeyRing(people.stack.data / "auth" / "keys").signing()
    token = FORGERIES[name](Forge(people.tokens["alice"], key))
    for method, path in (("POST", "/jobs/hash"), ("GET", "/jobs/none"), ("GET", "/admin/config")):
        answer = people.guest.http.request(
            method,
            path,
            headers={"Authorization": f"Bearer {token}".encode("latin-1")},
            files={"file": b"words"} if method == "POST" else None,
        )
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert token not in detail(answer)


def test_a_token_counts_in_the_header_only(people: People) -> None:
    token = people.tokens["alice"]
    guest = people.guest.http
    places = [
        guest.get("/jobs/none", headers={"Cookie": f"token={token}; Authorization=Bearer {token}"}),
        guest.get("/jobs/none", params={"token": token, "access_token": token}),
        guest.get("/jobs/none", headers={"Authorization": f"Basic {token}"}),
        guest.post("/jobs/hash", files={"file": b"words"}, data={"token": token}),
    ]
    assert [answer.status_code for answer in places] == [401] * 4
    assert not any("set-cookie" in answer.headers for answer in places)


def test_who_may_not_send_a_file_is_told_before_it_is_read(people: People) -> None:
    host, _, port = people.stack.compute_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            b"POST /jobs/hash HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
            b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")
    assert not list((people.stack.data / "spool").iterdir())


def test_only_admins_manage_the_server(people: People) -> None:
    for method, path in (
        ("GET", "/admin/config"),
        ("GET", "/admin/pref"),
        ("GET", "/admin/pref/guest-mode"),
        ("PUT", "/admin/pref/guest-mode"),
        ("PUT", "/admin/config/guest-mode"),
        ("GET", "/admin/jobs/storage/size"),
        ("DELETE", "/admin/jobs/cleanup"),
        ("GET", "/admin/jobs/cleanup"),
    ):
        data = {"guest_mode": "true"} if method == "PUT" else None
        for api, status in ((people.guest, 401), (people.alice, 403), (people.eve, 403)):
            answer = api.http.request(method, path, data=data)
            assert answer.status_code == status
            assert "only an admin" in detail(answer) or "log in first" in detail(answer)
    assert people.admin.http.get("/admin/config").json() == {"guest_mode": False}
    for path in ("/admin/pref", "/admin/pref/guest-mode"):
        assert people.admin.http.get(path).json() == {"guest_mode": False}


def test_an_admin_looks_at_the_storage_and_cleans_up(people: People) -> None:
    with Watch(people.stack) as watch:
        job_id = people.alice.submit("hash", b"x" * 10_000)
        watch.final(job_id)
    before = people.admin.http.get("/admin/jobs/storage/size").json()
    assert before["total_size"] >= 10_000
    nothing = people.admin.http.delete("/admin/jobs/cleanup", params={"days": 1}).json()
    assert nothing == {"deleted_count": 0, "freed_space": 0, "remaining": 0, "running": False}
    assert people.admin.http.delete("/admin/jobs/cleanup", params={"days": -1}).status_code == 422
    removed = people.admin.http.delete("/admin/jobs/cleanup", params={"days": 0}).json()
    assert people.admin.http.get("/admin/jobs/cleanup").json() == removed
    after = people.admin.http.get("/admin/jobs/storage/size").json()
    assert removed["deleted_count"] == before["job_count"] - after["job_count"] > 0
    assert removed["freed_space"] == before["total_size"] - after["total_size"]
    assert people.alice.http.get(f"/jobs/{job_id}").status_code == 404


def test_events_tell_nobody_what_was_sent_or_made(people: People) -> None:
    with Watch(people.stack) as watch:
        job_id = people.alice.submit("hash", b"words", algorithm="md5")
        watch.final(job_id)
        watch.until(lambda: set(watch.statuses(job_id)) >= {"queued", "processing", "completed"})
    for event in watch.of(job_id):
        assert set(event) == SHORT
        assert event["event_type"] == event["status"]


def test_an_admin_lets_guests_in_and_shuts_them_out(people: People) -> None:
    try:
        with Watch(people.stack) as watch:
            opened = people.admin.http.put("/admin/config/guest-mode", data={"guest_mode": "on"})
            assert opened.json() == {"guest_mode": True}
            assert people.guest.http.get("/").json()["guestMode"] == "on"
            guests, alices = people.guest.submit("hash", b"a guest's"), people.alice.submit("hash", b"alice's")
            assert "task_output" in watch.final(guests)
            assert set(watch.final(alices)) == SHORT
        assert people.guest.job(guests)["status"] == "completed"
        assert people.guest.http.get(f"/jobs/{alices}").status_code == 404
        for api, seen in ((people.guest, guests), (people.alice, alices)):
            found = api.http.get("/jobs", params={"ids": [guests, alices]}).json()["jobs"]
            assert [job["job_id"] for job in found] == [seen]
        assert people.alice.http.get(f"/jobs/{guests}").status_code == 404
        # A token that is sent counts, and guests are no admins.
        bad = people.guest.http.get(f"/jobs/{guests}", headers={"Authorization": "Bearer x"})
        assert bad.status_code == 401
        assert people.guest.http.get("/admin/config").status_code == 401
        people.stack.restart("compute")
        assert people.guest.http.get("/").json()["guestMode"] == "on"
        assert people.admin.http.put("/admin/config/guest-mode", data={"guest_mode": "maybe"}).status_code == 422
    finally:
        people.admin.http.put("/admin/pref/guest-mode", data={"guest_mode": "off"})
    assert people.guest.http.get(f"/jobs/{guests}").status_code == 401


def test_a_new_key_is_believed_at_once_and_the_old_one_still(people: People) -> None:
    ring = KeyRing(people.stack.data / "auth" / "keys")
    ring.rotate()
    fresh = people.api(people.token("alice"))
    assert fresh.http.get("/jobs/none").status_code == 404
    assert people.alice.http.get("/jobs/none").status_code == 404


def test_tokens_are_believed_while_the_auth_server_is_away(people: People) -> None:
    assert people.alice.http.get("/jobs/none").status_code == 404
    auth = psutil.Process(people.stack.pids()["auth"])
    people.stack.kill("auth")
    while auth.is_running() and auth.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.005)  # a signal is sent, not awaited: until then it may still accept what it will not answer
    assert people.alice.http.get("/jobs/none").status_code == 404
    deadline = time.monotonic() + 30
    # The socket is the stack's: what is asked meanwhile waits for the next incarnation.
    # A connection of its own: those that were open ended with the server that was killed.
    login = {"username": "alice", "password": PASSWORD}
    assert httpx.post(f"{people.stack.auth_url}/auth/token", data=login, timeout=30).status_code == 200
    assert time.monotonic() < deadline


def test_a_stack_of_guests_has_no_admins(local_stack: LocalStack) -> None:
    with httpx.Client(verify=False, base_url=local_stack.compute_url) as http:
        for headers in ({}, {"Authorization": "Bearer x"}):
            answer = http.get("/admin/config", headers=headers)
            assert answer.status_code == 401
            assert detail(answer) == "only an admin may do this: log in first"
    assert "AUTH_URL" not in local_stack.environment()
    assert local_stack.admin_password is None


def test_a_second_start_has_no_password_to_tell_and_keeps_the_users(tmp_path: Path) -> None:
    with LocalStack(tmp_path, workers=0, auth=True) as stack:
        password = stack.admin_password
        assert password is not None
        logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert password not in logs
    with LocalStack(tmp_path, workers=0, auth=True) as stack:
        assert stack.admin_password is None
        login = {"username": "admin", "password": password}
        assert httpx.post(f"{stack.auth_url}/auth/token", data=login).status_code == 200
    with pytest.raises(StackError, match="guest mode is off and there is no auth server"):
        LocalStack(tmp_path, workers=0, guest_mode=False).start()


def test_nothing_that_a_user_wrote_is_said_on_the_broker(people: People) -> None:
    with Watch(people.stack) as watch:
        alice = people.alice
        job_id = alice.submit("hash", b"secret words", "Ada-Lovelace-result.txt", algorithm="phash")
        event = watch.final(job_id)
        assert event["status"] == "failed"
        assert "Ada" not in str(watch.events)
        assert "Ada" in str(alice.http.get(f"/jobs/{job_id}").json()["error_message"])
