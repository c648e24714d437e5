import base64
import hashlib
import http.client

import pytest

from cl_server.embedded import LocalStack
from tests.integration.server.client import Api, Watch

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def uploaded(local_api: Api, local_stack: LocalStack) -> str:
    """A job whose input is `CONTENT`."""
    with Watch(local_stack) as watch:
        job = local_api.submit("hash", CONTENT, "source.bin", algorithm="md5")
        watch.final(job)
    return job


PATH = "input/source.bin"


def test_a_file_comes_whole_and_says_how_long_it_is(local_api: Api, uploaded: str) -> None:
    response = local_api.file(uploaded, PATH)
    assert response.content == CONTENT
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"].startswith('"')


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT)),
        (f"bytes=5-{10**12}", 5, len(CONTENT)),
    ],
)
def test_a_range_is_honoured(local_api: Api, uploaded: str, asked: str, first: int, end: int) -> None:
    response = local_api.file(uploaded, PATH, range=asked)
    assert response.status_code == 206
    assert response.content == CONTENT[first:end]
    assert response.headers["content-range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"


def test_the_digest_of_the_whole_is_given_to_who_wants_it(local_api: Api, uploaded: str) -> None:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()}:"
    for asked in ({}, {"range": "bytes=5-9"}):
        wanted = local_api.file(uploaded, PATH, **{"want-repr-digest": "sha-512=3, sha-256=1", **asked})
        assert wanted.headers["repr-digest"] == digest
    for want in ({}, {"want-repr-digest": "sha-256=0"}, {"want-repr-digest": "md5=1"}):
        assert "repr-digest" not in local_api.file(uploaded, PATH, **want).headers


def test_several_ranges_come_as_parts(local_api: Api, uploaded: str) -> None:
    response = local_api.file(uploaded, PATH, range="bytes=0-1,10-11")
    assert response.status_code == 206
    assert response.headers["content-type"].startswith("multipart/byteranges")


def test_a_range_outside_the_file_is_refused_with_its_size(local_api: Api, uploaded: str) -> None:
    response = local_api.file(uploaded, PATH, range=f"bytes={len(CONTENT)}-")
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert response.json()["detail"] == f"the range lies outside the file of {len(CONTENT)} bytes"


def test_a_range_that_cannot_be_read_is_refused(local_api: Api, uploaded: str) -> None:
    response = local_api.file(uploaded, PATH, range="bytes=x-y")
    assert response.status_code == 400
    assert response.json()["detail"] == "the Range header cannot be read"
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_head_tells_what_a_get_would(local_api: Api, uploaded: str) -> None:
    whole = local_api.file(uploaded, PATH)
    told = local_api.http.head(f"/jobs/{uploaded}/files/{PATH}")
    assert (told.status_code, told.content) == (200, b"")
    assert {name: told.headers[name] for name in ("content-length", "etag", "accept-ranges")} == {
        name: whole.headers[name] for name in ("content-length", "etag", "accept-ranges")
    }
    assert local_api.http.head(f"/jobs/{uploaded}/files/output/none").status_code == 404


def test_a_range_in_an_unknown_unit_is_ignored(local_api: Api, uploaded: str) -> None:
    response = local_api.file(uploaded, PATH, range="lines=1-2")
    assert (response.status_code, response.content) == (200, CONTENT)


def test_a_range_of_what_has_changed_is_the_whole(local_api: Api, uploaded: str) -> None:
    etag = local_api.file(uploaded, PATH).headers["etag"]
    assert local_api.file(uploaded, PATH, range="bytes=0-9", if_range=etag).status_code == 206
    other = local_api.file(uploaded, PATH, range="bytes=0-9", if_range='"another"')
    assert (other.status_code, other.content) == (200, CONTENT)


def test_what_the_client_has_is_not_sent_again(local_api: Api, uploaded: str) -> None:
    etag = local_api.file(uploaded, PATH).headers["etag"]
    for tags in (etag, f'"another", {etag}', f"W/{etag}", "*"):
        response = local_api.file(uploaded, PATH, if_none_match=tags)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert local_api.file(uploaded, PATH, if_none_match='"another"').status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../../jobs.sqlite",
        "..%2f..%2fjobs.sqlite",
        "%2e%2e/%2e%2e/jobs.sqlite",
        "input/../../../jobs.sqlite",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "input",
        "",
        "output/none.png",
        "input/%00",
        "input/source.bin%00.png",
        "%2e%2e%2f%2e%2e%2fjobs.sqlite",
        "%252e%252e%252f%252e%252e%252fjobs.sqlite",
        "..%5c..%5cjobs.sqlite",
        "..\\..\\jobs.sqlite",
        "%c0%ae%c0%ae/%c0%ae%c0%ae/jobs.sqlite",
        "%e0%80%ae%e0%80%ae/%e0%80%ae%e0%80%ae/jobs.sqlite",
        "%ff%fe/%2e%2e",
        "//etc/passwd",
        "file:///etc/passwd",
        "./../../jobs.sqlite",
        "input/....//....//jobs.sqlite",
        "input/source.bin/../../../../jobs.sqlite",
        "..;/..;/jobs.sqlite",
        "x" * 5000,
    ],
)
def test_only_files_of_the_job_can_be_had(local_api: Api, local_stack: LocalStack, uploaded: str, path: str) -> None:
    # httpx would tidy the path; the server has to hold on its own.
    connection = http.client.HTTPConnection(local_stack.compute_url.removeprefix("http://"))
    connection.request("GET", f"/jobs/{uploaded}/files/{path}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 404, body
    assert b"SQLite" not in body


def test_a_link_out_of_the_job_is_not_followed(local_api: Api, local_stack: LocalStack, uploaded: str) -> None:
    (local_stack.data / "jobs" / uploaded / "output" / "link").symlink_to("/etc/passwd")
    assert local_api.file(uploaded, "output/link").status_code == 404


def test_a_file_that_is_still_written_cannot_be_had(local_api: Api, local_stack: LocalStack, uploaded: str) -> None:
    (local_stack.data / "jobs" / uploaded / "output" / ".photo.png.part").write_bytes(b"half")
    assert local_api.file(uploaded, "output/.photo.png.part").status_code == 404


def test_a_missing_file_and_a_missing_job_are_told_apart(local_api: Api, uploaded: str) -> None:
    assert local_api.file(uploaded, "output/x").json()["detail"] == f"job {uploaded} has no file output/x"
    assert local_api.file("none", "output/x").json()["detail"] == "there is no job none"
