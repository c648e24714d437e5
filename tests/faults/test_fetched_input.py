"""A file that is given as a URL: what another web server may answer, and what it learns of us."""

import gzip
from pathlib import Path

import pytest

from cl_client import ComputeClient, InputFileError, InvalidParameterError, JWTAuthProvider, ResponseError, Upload
from cl_client.http import remote_file
from cl_server.embedded import LocalStack
from tests.faults.scripted import CUT, Answer, answer, scripted_server
from tests.media import photo as photos
from tests.media.photo import write

WHOLE = b"hello world, " * 40_000


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG, stored turned."""
    return write(tmp_path / "photo.jpg", photos.photo(120, 80, orientation=6))


async def fetched(url: str, **bound: int) -> bytes:
    return b"".join([piece async for piece in Upload(url, **bound).pieces()])


async def refused(*answers: Answer, path: str = "/photo.jpg", **bound: int) -> str:
    async with scripted_server(*answers) as server:
        with pytest.raises(InputFileError) as error:
            await fetched(server.url + path, **bound)
        return str(error.value).replace(server.url, "SERVER")


async def test_a_url_is_fetched_and_passed_on_to_the_job(local_stack: LocalStack, photo: Path):
    async with scripted_server(answer(200, photo.read_bytes())) as other:
        async with ComputeClient(local_stack.compute_url, mqtt_port=local_stack.mqtt_port) as client:
            by_path = await client.hash.compute(photo, wait=True)
            by_url = await client.hash.compute(f"{other.url}/albums/photo.jpg?size=full#top", wait=True)
        assert by_url.output == by_path.output
        assert by_url.params == by_path.params
        assert other.requests[0].startswith("GET /albums/photo.jpg?size=full ")


async def test_a_batch_knows_a_url_again(local_stack: LocalStack, photo: Path, tmp_path: Path):
    async with scripted_server(answer(200, photo.read_bytes()), answer(404)) as other:
        async with ComputeClient(local_stack.compute_url, mqtt_port=local_stack.mqtt_port) as client:
            urls = [f"{other.url}/photo.jpg", "data:,hello"]
            first, second = [
                [each async for each in client.map(client.hash.compute, urls, journal=tmp_path / "journal")]
                for _ in range(2)
            ]
        assert [each.resumed for each in first + second] == [False, False, True, True]
        assert [each.output for each in first] == [each.output for each in second]


async def test_the_token_is_sent_to_no_server_of_a_url():
    async with scripted_server(answer(200, WHOLE)) as other, scripted_server(answer(200, b"{}")) as ours:
        async with ComputeClient(ours.url, auth_provider=JWTAuthProvider("secret.to.ken")) as client:
            with pytest.raises(ResponseError):
                await client.hash.compute(Upload(f"{other.url}/x.jpg", size=len(WHOLE)))
        assert "secret.to.ken" in ours.requests[0]
        assert not any("secret" in request or "authorization" in request.lower() for request in other.requests)


async def test_a_redirect_is_followed_and_a_password_stays_with_its_server():
    async with scripted_server(answer(200, WHOLE)) as other:
        async with scripted_server(answer(302, b"", Location=f"{other.url}/x")) as server:
            assert await fetched(server.url.replace("//", "//ada:secret@") + "/photo.jpg") == WHOLE
            assert "authorization: basic" in server.requests[0].lower()
        assert "authorization" not in other.requests[0].lower()


async def test_what_is_compressed_on_the_way_is_sent_as_it_was():
    async with scripted_server(answer(200, gzip.compress(WHOLE), Content_Encoding="gzip")) as server:
        assert await fetched(server.url) == WHOLE


async def test_it_is_fetched_again_when_it_is_sent_again():
    async with scripted_server(answer(200, WHOLE)) as server:
        upload = Upload(f"{server.url}/photo.jpg")
        assert (upload.file_name, upload.mime_type, upload.size) == ("photo.jpg", "image/jpeg", None)
        for _ in range(2):
            assert upload.replayable
            assert b"".join([piece async for piece in upload.pieces()]) == WHOLE


async def test_errors_name_the_file_and_no_secret_of_its_url():
    said = await refused(answer(404), path="/a.jpg?X-Amz-Signature=secret")
    assert said == "cannot fetch SERVER/a.jpg: HTTP 404"
    with pytest.raises(InputFileError, match=r"cannot fetch http://127\.0\.0\.1:1/a\.jpg: ") as error:
        await fetched("http://ada:secret@127.0.0.1:1/a.jpg?key=secret")
    assert "secret" not in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (answer(200, b""), "SERVER/photo.jpg is empty: there is nothing to send"),
        (answer(200, WHOLE + CUT).replace(b"Length: 5", b"Length: 6"), "cannot fetch SERVER/photo.jpg: "),
        (answer(302, b"", Location="ftp://elsewhere/x"), "cannot fetch SERVER/photo.jpg: "),
        (answer(301, b"", Location="/photo.jpg"), "cannot fetch SERVER/photo.jpg: "),
        (answer(200, b"no gzip", Content_Encoding="gzip"), "cannot fetch SERVER/photo.jpg: "),
    ],
    ids=["empty", "cut", "another scheme", "a circle", "damaged"],
)
async def test_a_file_that_does_not_arrive_is_one_line(told: bytes, said: str):
    assert (await refused(told)).startswith(said)


async def test_a_file_that_is_too_large_is_refused_by_its_length_or_by_what_comes(monkeypatch: pytest.MonkeyPatch):
    assert "SERVER/photo.jpg has more than 1000 bytes" in await refused(answer(200, WHOLE), max_size=1000)
    packed = answer(200, gzip.compress(WHOLE), Content_Encoding="gzip")
    assert len(packed) < 100_000
    assert "SERVER/photo.jpg has more than 100000 bytes" in await refused(packed, max_size=100_000)
    monkeypatch.setattr(remote_file, "LARGEST", 10)
    assert "more than 10 bytes" in await refused(answer(200, WHOLE))


@pytest.mark.parametrize("url", ["s3://bucket/a.jpg", "ftp://host/a.jpg", "file:///etc/passwd", "gs://a/b", "S3://a"])
def test_another_scheme_is_one_line_before_anything_is_sent(url: str):
    with pytest.raises(InvalidParameterError, match=r"is not fetched: \w+ is not http, https or data") as error:
        Upload(url)
    assert error.value.hint is not None


@pytest.mark.parametrize("url", ["http://", "https:///a.jpg", "http://[::1", "http://host:port/a"])
def test_a_url_that_names_no_server_is_refused(url: str):
    with pytest.raises(InvalidParameterError, match="is not a URL"):
        Upload(url)


def test_a_path_that_looks_like_a_url_is_a_path_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    (tmp_path / "s3:" / "a.jpg").write_bytes(b"abc")
    assert Upload("s3://a.jpg").size == 3
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "a.jpg").write_bytes(b"abc")
    assert Upload(Path("http://a.jpg")).size == 3


@pytest.mark.parametrize(
    ("url", "content", "name"),
    [
        ("data:,hello%20world", b"hello world", "file.txt"),
        ("data:image/png;base64,iVBORw0KGgo=", b"\x89PNG\r\n\x1a\n", "file.png"),
        ("DATA:image/jpeg;charset=x;base64,_9j_", b"\xff\xd8\xff", "file.jpg"),
        ("data:application/x-strange;base64, YWJj\nZGU ", b"abcde", "file"),
    ],
)
async def test_the_content_of_a_data_url_is_sent(url: str, content: bytes, name: str):
    upload = Upload(url)
    assert (upload.file_name, upload.size) == (name, len(content))
    assert b"".join([piece async for piece in upload.pieces()]) == content
    assert upload.replayable


@pytest.mark.parametrize("url", ["data:", "data:image/png;base64", "data:;base64,a", "data:;base64,a$b=", "data:,"])
def test_a_data_url_that_holds_nothing_is_refused(url: str):
    with pytest.raises(InputFileError, match=r"is no data URL|is empty"):
        Upload(url)
