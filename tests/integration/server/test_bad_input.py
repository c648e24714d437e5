import os
import socket

import httpx
import pytest

from cl_server.embedded import LocalStack
from cl_server.files.protocol import finished
from tests.integration.server.client import Api, Watch
from tests.media import photo

HOSTILE = [
    "../../../../escaped.jpg",
    "..\\..\\escaped.jpg",
    "/etc/passwd",
    "nul\0.jpg",
    "x" * 300 + ".jpg",
    "żółw 🐢.jpg",
    ".hidden",
    "..",
    "a.b/c.jpg",
    "photo.jpg; rm -rf ~",
    "photo." + "e" * 100,
    "\n\r.jpg",
]

FORM_START = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def detail(response: httpx.Response) -> str:
    """What a person would read: one line, whichever shape it came in."""
    found = response.json()["detail"]
    line = found if isinstance(found, str) else "; ".join(f"{issue['loc'][-1]}: {issue['msg']}" for issue in found)
    assert "\n" not in line
    assert response.json()["request_id"] == response.headers["x-request-id"]
    return line


@pytest.mark.parametrize(
    ("task", "params", "said"),
    [
        ("image_conversion", {"format": "png", "quality": 0}, "quality: Input should be greater than or equal to 1"),
        ("image_conversion", {"format": "png", "quality": "best"}, "quality: Input should be a valid integer"),
        ("image_conversion", {"format": "doc"}, "format: Input should be 'png'"),
        ("image_conversion", {}, "format: Field required"),
        ("media_thumbnail", {"width": -1}, "width: Input should be greater than or equal to 1"),
        ("media_thumbnail", {"height": 8193}, "height: Input should be less than or equal to 8192"),
        (
            "media_thumbnail",
            {"maintain_aspect_ratio": "perhaps"},
            "maintain_aspect_ratio: Input should be a valid bool",
        ),
        ("hash", {"algorithm": "crc"}, "algorithm: Input should be 'all'"),
        ("hash", {"priority": 11}, "priority: Input should be less than or equal to 10"),
        ("hash", {"priority": -1}, "priority: Input should be greater than or equal to 0"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(
    local_api: Api, task: str, params: dict[str, object], said: str
) -> None:
    response = local_api.try_submit(task, photo.photo(64, 48), **params)
    assert response.status_code == 422
    assert detail(response).startswith(said)


def test_an_empty_file_is_refused(local_api: Api, local_stack: LocalStack) -> None:
    before = set((local_stack.data / "jobs").glob("*"))
    response = local_api.try_submit("hash", b"", "empty.jpg")
    assert response.status_code == 400
    assert detail(response) == "empty.jpg is empty: there is nothing to work on"
    assert set((local_stack.data / "jobs").glob("*")) == before


def test_a_form_without_a_file_is_refused(local_api: Api) -> None:
    response = local_api.http.post("/jobs/hash", data={"algorithm": "all"})
    assert response.status_code == 422
    assert detail(response) == "file: Field required"


def test_a_file_that_is_sent_as_text_is_refused(local_api: Api) -> None:
    assert local_api.http.post("/jobs/hash", data={"file": "words"}).status_code == 422


def test_what_is_not_a_form_is_refused(local_api: Api) -> None:
    assert local_api.http.post("/jobs/hash", json={"file": "words"}).status_code == 422
    broken = local_api.http.post(
        "/jobs/hash", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code in {400, 422}
    assert detail(broken)


def test_a_task_that_does_not_exist_is_refused(local_api: Api) -> None:
    response = local_api.try_submit("alchemy", b"lead")
    assert response.status_code in {404, 405}
    assert detail(response)


@pytest.mark.parametrize("job_id", ["none", "0" * 32, "a/b", "%00", "x" * 500])
def test_a_job_that_does_not_exist_is_not_found(local_api: Api, job_id: str) -> None:
    response = local_api.http.get(f"/jobs/{job_id}")
    assert response.status_code == 404
    assert detail(response)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_name_is_only_data(local_api: Api, local_stack: LocalStack, name: str) -> None:
    around = set(local_stack.data.iterdir())
    with Watch(local_stack) as watch:
        # By hand, because a client would mend some of these names.
        body = b'--edge\r\nContent-Disposition: form-data; name="format"\r\n\r\npng\r\n'
        quoted = name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22").encode()
        body += b'--edge\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
        body += photo.photo(64, 48) + b"\r\n--edge--\r\n"
        response = local_api.http.post(
            "/jobs/image_conversion", content=body, headers={"content-type": "multipart/form-data; boundary=edge"}
        )
        assert response.status_code == 200, response.text
        job_id = response.json()["job_id"]
        job = watch.final(job_id)
    assert job["status"] == "completed", job
    output = job["task_output"]
    assert isinstance(output, dict)
    folder, _, file = str(output["output_path"]).partition("/")
    assert folder == "output"
    assert "/" not in file
    assert len(file) <= 80
    assert local_api.file(job_id, output["output_path"]).status_code == 200
    place = local_stack.data / "jobs" / job_id
    written = [path.relative_to(place) for path in finished(place)]
    assert [path.parts[0] for path in written] == ["input", "output"]
    assert written[0].stem == "source"
    assert set(local_stack.data.iterdir()) == around


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing() -> None:
    with LocalStack(workers=1, max_upload=1 << 20) as stack:
        api = Api(stack)
        with api.http:
            announced = api.try_submit("hash", os.urandom(2 << 20))
            assert announced.status_code == 413
            assert detail(announced)
            unannounced = api.http.post(
                "/jobs/hash",
                content=iter([FORM_START, *[os.urandom(1 << 16)] * 100]),
                headers={"content-type": "multipart/form-data; boundary=edge"},
            )
            assert unannounced.status_code == 413
            assert detail(unannounced) == "the upload is too large: this server takes at most 1048576 bytes"
            inside = api.try_submit("hash", os.urandom(1 << 19))
            assert inside.status_code == 200
        assert len(list((stack.data / "jobs").iterdir())) == 1


def test_an_upload_that_breaks_off_leaves_nothing(local_api: Api, local_stack: LocalStack) -> None:
    before = set((local_stack.data / "jobs").glob("*"))
    host, _, port = local_stack.compute_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /jobs/hash HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
            b"Content-Length: 1000000\r\n\r\n" + FORM_START + b"abc"
        )
    assert local_api.http.get("/healthz").status_code == 200
    assert set((local_stack.data / "jobs").glob("*")) == before
