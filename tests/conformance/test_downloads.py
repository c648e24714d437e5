"""What the API says of files, wherever they are kept: the same answers for a folder and for S3."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_server.compute.app import create_app
from cl_server.files.local import open_storage
from cl_server.files.s3 import S3FileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from tests.s3 import S3Server

CONTENT = bytes(range(256)) * 1000
PATH = "input/source.bin"


class Api:
    """The application on a storage; each test has a job of its own."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.storage = open_storage(folder, url, "compute")
        self.queue = MemoryJobRepository()
        self.app = create_app(self.queue, self.storage, Capabilities(), GuestMode(folder / "guest-mode"))
        self.http = httpx.AsyncClient(verify=False)
        self.job_id = ""

    async def submit(self) -> httpx.Response:
        return await self.http.post("/jobs/hash", files={"file": ("a.bin", CONTENT)})


@pytest.fixture(scope="module", params=["local", "s3"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The API on each kind of storage."""
    url: str | None = None
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        url = server.bucket()
    return Api(tmp_path_factory.mktemp("api"), url)


@pytest.fixture
async def api(served: Api) -> AsyncGenerator[Api]:
    """The API, with one job."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served.app), base_url="http://localhost") as http:
        served.http = http
        served.job_id = str((await served.submit()).json()["job_id"])
        yield served


async def test_a_download_has_its_length_its_name_and_a_tag(api: Api) -> None:
    answer = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}")
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "source.bin" in answer.headers["content-disposition"]
    again = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=255990-", 255_990, 256_000),
        ("bytes=-10", 255_990, 256_000),
        ("bytes=-999999999", 0, 256_000),
        ("bytes=255999-999999999", 255_999, 256_000),
        ("BYTES = 3 - 5", 3, 6),
    ],
)
async def test_a_range_is_honoured(api: Api, asked: str, first: int, end: int) -> None:
    answer = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[first:end]
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - first)


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=9-3", "bytes=a-b"])
async def test_a_range_that_cannot_be_read_is_refused(api: Api, asked: str) -> None:
    answer = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers={"range": asked})
    assert (answer.status_code, answer.json()["detail"]) == (400, "the Range header cannot be read")


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-1000000"])
async def test_a_range_outside_the_file_is_refused_with_its_size(api: Api, asked: str) -> None:
    answer = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers={"range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */256000")
    assert answer.json()["detail"] == "the range lies outside the file of 256000 bytes"


async def test_a_range_of_what_has_changed_is_the_whole(api: Api) -> None:
    headers = {"range": "bytes=0-9", "if-range": '"another"'}
    assert (await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers=headers)).content == CONTENT


async def test_several_ranges_come_as_parts_or_as_the_whole(api: Api) -> None:
    """RFC 9110 §14.2 leaves it to the server."""
    answer = await api.http.get(f"/jobs/{api.job_id}/files/{PATH}", headers={"range": "bytes=0-1,10-11"})
    parts = answer.headers.get("content-type", "").startswith("multipart/byteranges")
    assert answer.status_code == (206 if parts else 200)
    assert parts or answer.content == CONTENT


async def test_an_empty_file_cannot_be_a_job_and_leaves_nothing(api: Api) -> None:
    before = api.storage.sizes().keys()
    assert (await api.http.post("/jobs/hash", files={"file": ("a.bin", b"")})).status_code == 400
    assert api.storage.sizes().keys() == before


async def test_a_job_that_is_deleted_takes_its_files_along(api: Api) -> None:
    assert (await api.http.delete(f"/jobs/{api.job_id}")).status_code == 204
    assert (await api.http.get(f"/jobs/{api.job_id}/files/{PATH}")).status_code == 404
    assert api.job_id not in api.storage.sizes()


async def test_a_job_that_is_done_again_has_files_of_its_own(api: Api) -> None:
    await api.http.post(f"/jobs/{api.job_id}/cancel")
    again = str((await api.http.post(f"/jobs/{api.job_id}/retry")).json()["job_id"])
    await api.http.delete(f"/jobs/{api.job_id}")
    assert (await api.http.get(f"/jobs/{again}/files/{PATH}")).content == CONTENT
    workspace = api.storage.begin_attempt(again, 1)
    assert [path.read_bytes() for path in workspace.inputs.glob("source*")] == [CONTENT]


@pytest.mark.parametrize("served", ["s3"], indirect=True)
async def test_a_storage_that_is_away_is_said_and_passes(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(api.storage, S3FileStorage)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = open_storage(tmp_path, "s3://bucket", "away")
    assert isinstance(away, S3FileStorage)
    there, api.storage.store = api.storage.store, away.store
    for answer in (
        await api.http.get(f"/jobs/{api.job_id}/files/{PATH}"),
        await api.submit(),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["detail"] == "the server's file storage does not answer; try again"
    api.storage.store = there
    assert (await api.http.get(f"/jobs/{api.job_id}/files/{PATH}")).status_code == 200
