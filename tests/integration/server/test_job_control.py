"""Finding, cancelling and repeating jobs, and the same submit twice."""

import hashlib
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import httpx
import pytest

from cl_server.embedded import LocalStack
from cl_server.stack.supervisor import wait_until
from tests.integration.server.client import FINAL, Api, Event, Watch
from tests.integration.server.freeze import freeze
from tests.media import photo


def listed(api: Api, **params: object) -> list[str]:
    answer = api.http.get("/jobs", params=cast("dict[str, str]", params))
    assert answer.status_code == 200, answer.text
    return [job["job_id"] for job in answer.json()["jobs"]]


def ended(api: Api, job_id: str) -> Event:
    assert wait_until(lambda: api.job(job_id)["status"] in FINAL, 30)
    return api.job(job_id)


def test_jobs_are_listed_page_by_page(local_api: Api) -> None:
    ids = [local_api.submit("hash", b"words") for _ in range(3)]
    for job_id in ids:
        ended(local_api, job_id)
    found = local_api.http.get("/jobs", params={"ids": ids, "limit": 2}).json()
    assert [job["job_id"] for job in found["jobs"]] == [ids[2], ids[1]]
    assert found["jobs"][0] == local_api.job(ids[2])
    rest = local_api.http.get("/jobs", params={"ids": ids, "limit": 2, "cursor": found["cursor"]}).json()
    assert [job["job_id"] for job in rest["jobs"]] == [ids[0]]
    assert rest["cursor"] is None
    assert listed(local_api, ids=ids, status="completed", task_type="hash") == ids[::-1]
    assert listed(local_api, ids=ids, status="failed") == []
    assert listed(local_api, ids=ids, task_type="exif") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "cursor=%C2%B2", "status=lost"])
def test_a_filter_that_makes_no_sense_is_refused(local_api: Api, query: str) -> None:
    answer = local_api.http.get(f"/jobs?{query}")
    assert answer.status_code == 422
    assert set(answer.json()) == {"detail", "request_id"}


def test_the_files_of_a_job_are_listed(local_api: Api) -> None:
    content = photo.photo(64, 48)
    job_id = local_api.submit("image_conversion", content, format="png")
    output = cast("dict[str, str]", ended(local_api, job_id)["task_output"])
    files = local_api.http.get(f"/jobs/{job_id}/files").json()["files"]
    assert [file["media_type"] for file in files] == ["image/jpeg", "image/png"]
    assert files[0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert files[1]["path"] == output["output_path"]
    for file in files:
        body = local_api.file(job_id, file["path"]).content
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["size"], file["sha256"])
    assert local_api.http.get("/jobs/none/files").status_code == 404


def test_a_queued_job_is_cancelled_and_can_be_done_again(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http, Watch(own_stack) as watch:
        freeze(own_stack, "w0", "w1")
        job_id = api.submit("image_conversion", photo.photo(64, 48), format="png", priority=3)
        assert api.http.post(f"/jobs/{job_id}/retry").status_code == 409
        answer = api.http.post(f"/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert api.http.post(f"/jobs/{job_id}/cancel").status_code == 200
        for name in ("w0", "w1"):
            own_stack.kill(name, signal.SIGCONT)
        assert watch.final(job_id)["status"] == "cancelled"
        again = api.http.post(f"/jobs/{job_id}/retry").json()
        assert (again["status"], again["task_type"]) == ("queued", "image_conversion")
        watch.final(again["job_id"])
        done = api.job(again["job_id"])
        output = cast("dict[str, str]", done["task_output"])
        params = cast("dict[str, object]", api.job(job_id)["params"]) | {"output_path": output["output_path"]}
        assert (done["status"], done["priority"], done["params"]) == ("completed", 3, params)
        api.http.delete(f"/jobs/{job_id}")
        assert api.file(again["job_id"], output["output_path"]).status_code == 200
        assert api.http.post(f"/jobs/{again['job_id']}/cancel").status_code == 409
        assert api.job(again["job_id"])["status"] == "completed"


def test_a_running_job_is_cancelled_whatever_its_task_does(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http, Watch(own_stack) as watch:
        job_id = api.submit("image_conversion", photo.slow(), format="webp", quality=100)
        watch.until(lambda: "processing" in watch.statuses(job_id))
        assert api.http.post(f"/jobs/{job_id}/cancel").status_code == 200
        assert watch.final(job_id)["status"] == "cancelled"
        assert api.job(job_id)["status"] == "cancelled"
        names = [file["path"] for file in api.http.get(f"/jobs/{job_id}/files").json()["files"]]
        assert [name.partition("/")[0] for name in names] == ["input"]
        # The task may have had to be left behind with its process, and there is another.
        assert ended(api, api.submit("hash", b"words"))["status"] == "completed"


def test_what_is_not_there_cannot_be_cancelled_or_done_again(local_api: Api) -> None:
    for verb in ("cancel", "retry"):
        answer = local_api.http.post(f"/jobs/none/{verb}")
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no job none")


def submit(api: Api, key: str, content: bytes = b"words", algorithm: str = "md5") -> httpx.Response:
    return api.http.post(
        "/jobs/hash",
        files={"file": ("a.txt", content)},
        data={"algorithm": algorithm},
        headers={"Idempotency-Key": key},
    )


def test_the_same_key_gives_the_same_job(local_api: Api) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = {answer.json()["job_id"] for answer in pool.map(lambda _: submit(local_api, "same"), range(12))}
    assert len(made) == 1
    job_id = made.pop()
    ended(local_api, job_id)
    late = submit(local_api, "same").json()
    assert late == {"job_id": job_id, "status": "completed", "task_type": "hash"}
    assert submit(local_api, "other").json()["job_id"] != job_id


@pytest.mark.parametrize("other", [{"content": b"others"}, {"algorithm": "sha256"}])
def test_a_key_with_another_body_is_refused(local_api: Api, other: dict[str, object]) -> None:
    key = f"conflict {sorted(other)}"
    assert submit(local_api, key).status_code == 200
    answer = submit(local_api, key, **other)  # pyright: ignore[reportArgumentType]
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("this Idempotency-Key came with another file or other parameters")
