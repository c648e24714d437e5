"""Many small files in one request: each is answered as its own submit would be, whatever the others are."""

import json
import socket
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from cl_ml_tools.batch_submit import AROUND, MOST_BYTES, MOST_FILES
from cl_server.embedded import LocalStack
from tests.integration.server.client import Api, Watch
from tests.integration.server.test_bad_input import detail
from tests.media import photo

PHOTO = photo.photo(64, 48)

Sent = tuple[str, bytes, dict[str, object]]
Answer = dict[str, dict[str, object]]


def job(**said: object) -> dict[str, object]:
    return {"key": uuid4().hex, **said}


def post(api: Api, task: str, jobs: object, files: Sequence[tuple[str, bytes]]) -> httpx.Response:
    form = {"jobs": jobs if isinstance(jobs, str) else json.dumps(jobs)}
    return api.http.post(f"/jobs/{task}/batch", data=form, files=[("files", file) for file in files])


def answers(response: httpx.Response) -> list[Answer]:
    assert response.status_code == 200, response.text
    return cast("list[Answer]", response.json()["jobs"])


SENT: list[Sent] = [
    ("good.jpg", PHOTO, {}),
    ("empty.jpg", b"", {}),
    ("no-picture.jpg", b"words", {}),
    ("cut.jpg", PHOTO[:-200], {}),
    ("large.jpg", PHOTO, {"width": 8193}),
    ("strange.jpg", PHOTO, {"colour": "red", "input_paths": ["/etc/passwd"]}),
    ("urgent.jpg", PHOTO, {"priority": 11}),
    ("../../also-good.jpg", PHOTO, {"width": "32", "height": "", "priority": "9"}),
]


def test_each_file_is_answered_as_its_own_submit_would_be(local_api: Api, local_stack: LocalStack) -> None:
    alone = [local_api.try_submit("media_thumbnail", content, name, **fields) for name, content, fields in SENT]
    jobs = [
        job(params={name: value for name, value in fields.items() if name != "priority"})
        | {name: value for name, value in fields.items() if name == "priority"}
        for _, _, fields in SENT
    ]
    before = {path.name for path in (local_stack.data / "jobs").iterdir()}
    with Watch(local_stack) as watch:
        together = answers(post(local_api, "media_thumbnail", jobs, [(name, content) for name, content, _ in SENT]))
        made = {str(answer["job"]["job_id"]) for answer in together if "job" in answer}
        ends = [watch.final(job_id) for job_id in made]
    assert [answer["status_code"] for answer in together] == [answer.status_code for answer in alone]
    for answer, own in zip(together, alone, strict=True):
        if own.status_code != 200 and "priority" not in own.text:
            assert _without_known_fields(answer["error"]["detail"]) == _without_known_fields(
                cast("Answer", own.json())["detail"]
            )
    assert {(end["status"], end["priority"]) for end in ends} == {("completed", 5), ("completed", 9)}
    assert {path.name for path in (local_stack.data / "jobs").iterdir()} - before == made


def _without_known_fields(said: object) -> object:
    """What a form names beside the parameters differs: the file of each is no field here."""
    if isinstance(said, str):
        return said
    return [(issue["loc"], issue["type"]) for issue in cast("list[dict[str, object]]", said)]


def test_what_comes_again_is_the_job_of_the_first_time_whichever_way_it_comes(local_api: Api) -> None:
    sent = [job(labels=["album=summer"]), job()]
    files = [("a", b"one of two"), ("b", b"two of two")]
    first = answers(post(local_api, "hash", sent, files))
    again = answers(post(local_api, "hash", [*sent, sent[0] | {"params": {"algorithm": "md5"}}], [*files, files[0]]))
    assert [answer["job"]["job_id"] for answer in again[:2]] == [answer["job"]["job_id"] for answer in first]
    assert again[2]["status_code"] == 422
    assert "a new job needs a new key" in str(again[2]["error"]["detail"])
    key = {"Idempotency-Key": str(sent[0]["key"])}
    alone = local_api.http.post("/jobs/hash", files={"file": files[0]}, headers=key, params={"label": "album=summer"})
    assert alone.json()["job_id"] == first[0]["job"]["job_id"]


@pytest.mark.parametrize(
    ("task", "jobs", "count", "status"),
    [
        ("hash", "[", 1, 422),
        ("hash", "{}", 1, 422),
        ("hash", "[" * 5_000 + "]" * 5_000, 1, 422),
        ("hash", json.dumps([job()] * 2), 1, 422),
        ("hash", json.dumps([job()]), 2, 422),
        ("hash", json.dumps([job(params={"algorithm": "x" * AROUND})]), 1, 422),
        ("hash", json.dumps([job()] * (MOST_FILES + 1)), MOST_FILES + 1, 422),
        ("alchemy", json.dumps([job()]), 1, 404),
    ],
    ids=["no JSON", "no list", "deep", "too few files", "too many files", "a long field", "above the limit", "no task"],
)
def test_what_is_not_one_file_for_each_job_is_refused_as_a_whole(
    local_api: Api, local_stack: LocalStack, task: str, jobs: str, count: int, status: int
) -> None:
    before = set((local_stack.data / "jobs").iterdir())
    response = post(local_api, task, jobs, [("a", b"content")] * count)
    assert response.status_code == status, response.text
    assert detail(response)
    assert set((local_stack.data / "jobs").iterdir()) == before


@pytest.mark.parametrize(
    "said",
    ["words", None, 5, {}, {"key": ""}, {"key": "k" * 256}, {"key": "k", "owner": "7"}, {"key": "k", "labels": ["x"]}],
    ids=repr,
)
def test_a_job_that_is_none_is_refused_alone(local_api: Api, said: object) -> None:
    good, bad = answers(post(local_api, "hash", [job(), said], [("a", b"one"), ("b", b"two")]))
    assert (good["status_code"], bad["status_code"]) == (200, 422)
    assert good["job"]["task_type"] == "hash"


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not announced"])
def test_a_request_that_is_too_large_is_refused(local_api: Api, announced: bool) -> None:
    head = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    content = head + bytes(MOST_BYTES + AROUND)
    response = local_api.http.post(
        "/jobs/hash/batch",
        content=content if announced else iter([content[:1000], content[1000:]]),
        headers={"content-type": "multipart/form-data; boundary=edge"},
    )
    assert response.status_code == 413
    assert detail(response)


def test_a_request_that_breaks_off_leaves_nothing(local_api: Api, local_stack: LocalStack) -> None:
    before = set((local_stack.data / "jobs").iterdir())
    where = urlsplit(local_stack.compute_url)
    with socket.create_connection((str(where.hostname), where.port or 80)) as connection:
        connection.sendall(
            b"POST /jobs/hash/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
            b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
            b'--edge\r\nContent-Disposition: form-data; name="jobs"\r\n\r\n[{"key": "k"}]\r\n'
            b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nhalf of'
        )
    # The server answers on: what it would have kept, it would have kept by then.
    assert answers(post(local_api, "hash", [job()], [("a", b"whole")]))[0]["status_code"] == 200
    assert len(set((local_stack.data / "jobs").iterdir()) - before) == 1
