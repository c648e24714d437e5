"""What a server, or a proxy before it, may answer to a download: the file arrives, or an error says why not."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import signal
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cl_client import ComputeClient, DownloadError, JWTAuthProvider, ResponseError, ServerUnreachableError
from cl_client.errors import UnsupportedError
from cl_client.files.content_coding import PIECE, ContentCoding
from cl_client.http.auth import AuthProvider
from tests.faults.scripted import CUT, Answer, answer, scripted_server

WHOLE = b"hello world, " * 4000


def packed(content: bytes) -> bytes:
    """gzip, the same at any time."""
    return gzip.compress(content, mtime=0)


RAW_DEFLATE = zlib.compress(WHOLE)[2:-4]
TWO_MEMBERS = packed(WHOLE[:7000]) + packed(WHOLE[7000:])


def chunked(body: bytes, *, ended: bool = True, **headers: str) -> bytes:
    """A response whose length is not told (RFC 9112 §7.1)."""
    head = answer(200, b"", Transfer_Encoding="chunked", **headers).replace(b"Content-Length: 0\r\n", b"")
    return head + b"%x\r\n" % len(body) + body + b"\r\n" + (b"0\r\n\r\n" if ended else CUT)


async def fetched(folder: Path, *answers: Answer) -> tuple[bytes, list[str]]:
    async with scripted_server(*answers) as server, ComputeClient(server.url) as client:
        saved = await client.download_job_file("a", "output/x.txt", folder / "x")
        return saved.read_bytes(), server.requests


async def refused(folder: Path, *answers: Answer) -> str:
    with pytest.raises((DownloadError, ResponseError)) as error:
        await fetched(folder, *answers)
    assert list(folder.iterdir()) == []
    return str(error.value)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", packed(WHOLE)),
        ("X-GZIP", TWO_MEMBERS),
        ("gzip", packed(WHOLE) + b"\0" * 600),
        ("deflate", zlib.compress(WHOLE)),
        ("deflate", RAW_DEFLATE),
        ("deflate, gzip", packed(zlib.compress(WHOLE))),
        ("identity", WHOLE),
    ],
)
@pytest.mark.parametrize("told", ["length", "chunks"])
async def test_content_that_was_compressed_unasked_is_unpacked(tmp_path: Path, coding: str, body: bytes, told: str):
    made = answer(200, body, Content_Encoding=coding) if told == "length" else chunked(body, Content_Encoding=coding)
    content, [request] = await fetched(tmp_path, made)
    assert content == WHOLE
    assert "accept-encoding: identity" in request.lower()


@pytest.mark.parametrize("of", [WHOLE, packed(WHOLE)], ids=["the file", "what is sent"])
async def test_a_digest_may_be_of_the_file_or_of_what_is_sent(tmp_path: Path, of: bytes):
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(of).digest()).decode()}:"
    body = packed(WHOLE)
    assert (await fetched(tmp_path, answer(200, body, Content_Encoding="gzip", Repr_Digest=digest)))[0] == WHOLE
    (tmp_path / "x").unlink()
    other = packed(WHOLE[1:])
    assert "arrived damaged" in await refused(tmp_path, answer(200, other, Content_Encoding="gzip", Repr_Digest=digest))


@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        ("br", WHOLE, "encoded as br"),
        ("gzip, zstd", WHOLE, "encoded as zstd"),
        ("gzip", WHOLE, "is damaged"),
        ("deflate", b"\xff" * 50, "is damaged"),
        ("gzip", packed(WHOLE)[:-9], "ends too soon"),
        ("deflate", zlib.compress(WHOLE)[:-3], "ends too soon"),
    ],
)
async def test_content_that_cannot_be_unpacked_is_never_saved(tmp_path: Path, coding: str, body: bytes, said: str):
    assert said in await refused(tmp_path, answer(200, body, Content_Encoding=coding))
    assert said in await refused(tmp_path, chunked(body, Content_Encoding=coding))


async def test_an_answer_that_is_compressed_and_damaged_is_an_error_of_ours():
    async with scripted_server(answer(200, b"none", Content_Encoding="gzip")) as server:
        async with ComputeClient(server.url) as client:
            with pytest.raises(ResponseError, match="compressed, and damaged"):
                await client.get_job("a")


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_much_comes_out_of_little_in_pieces(size: int):
    coding = ContentCoding("gzip")
    pieces = [len(inner) for inner in coding.decoded(packed(bytes(size)))]
    coding.finish()
    assert sum(pieces) == size
    assert max(pieces) <= PIECE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_file_that_has_moved_is_fetched_from_there(tmp_path: Path, status: int):
    content, (first, second) = await fetched(
        tmp_path, answer(status, b"", Location="/elsewhere/x?key=1"), answer(200, WHOLE)
    )
    assert content == WHOLE
    assert first.startswith("GET /jobs/a/files/output/x.txt ")
    assert second.startswith("GET /elsewhere/x?key=1 ")


class _WithKey(AuthProvider):
    def get_headers(self) -> dict[str, str]:
        return {"X-Api-Key": "secret"}


@pytest.mark.parametrize(
    ("provider", "secret"), [(JWTAuthProvider("secret.to.ken"), "secret.to.ken"), (_WithKey(), "x-api-key")]
)
async def test_who_we_are_is_told_to_no_other_server(tmp_path: Path, provider: AuthProvider, secret: str):
    async with scripted_server(answer(200, WHOLE)) as other:
        here, there = answer(302, b"", Location="/signed"), answer(307, b"", Location=f"{other.url}/bucket/x")
        async with scripted_server(here, there) as server, ComputeClient(server.url, auth_provider=provider) as client:
            saved = await client.download_job_file("a", "output/x", tmp_path / "x")
            assert saved.read_bytes() == WHOLE
            assert all(secret in request.lower() for request in server.requests)
        assert [secret in request.lower() for request in other.requests] == [False]


async def test_a_password_in_the_address_stays_with_its_server(tmp_path: Path):
    async with scripted_server(answer(200, WHOLE)) as other:
        async with scripted_server(answer(302, b"", Location=f"{other.url}/x")) as server:
            async with ComputeClient(server.url.replace("//", "//ada:secret@")) as client:
                await client.download_job_file("a", "output/x", tmp_path / "x")
            assert "authorization: basic" in server.requests[0].lower()
        assert "authorization" not in other.requests[0].lower()


@pytest.mark.parametrize("location", ["", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://[::1"])
async def test_a_file_that_is_nowhere_is_an_error(tmp_path: Path, location: str):
    assert "the server redirects to" in await refused(tmp_path, answer(302, b"", Location=location))


async def test_a_circle_of_redirects_ends(tmp_path: Path):
    assert "in a circle" in await refused(tmp_path, answer(308, b"", Location="/jobs/a/files/output/x.txt"))


async def test_a_server_that_we_are_sent_to_and_that_is_away_is_the_one_that_is_named(tmp_path: Path):
    with pytest.raises(ServerUnreachableError, match=r"cannot reach http://127\.0\.0\.1:1/") as error:
        await fetched(tmp_path, answer(302, b"", Location="http://127.0.0.1:1/x"))
    assert "sent us there" in str(error.value.hint)


async def test_the_rest_of_a_file_that_has_moved_is_fetched_from_there(tmp_path: Path):
    begin = answer(200, b"", ETag='"v"').replace(b"Length: 0", b"Length: 10") + b"0123" + CUT
    moved, rest = answer(302, b"", Location="/s"), answer(206, b"456789", ETag='"v"', Content_Range="bytes 4-9/10")
    content, requests = await fetched(tmp_path, moved, begin, moved, rest)
    assert content == b"0123456789"
    assert [request.split()[1] for request in requests] == ["/jobs/a/files/output/x.txt", "/s"] * 2
    assert "range: bytes=4-" in requests[-1].lower()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_where_anything_else_has_moved_is_told(status: int):
    moved = answer(status, b"<html>", Location="https://new.example/api/jobs/a")
    async with scripted_server(moved) as server, ComputeClient(server.url) as client:
        with pytest.raises(ResponseError, match=r"moved to https://new\.example/api/jobs/a") as error:
            await client.get_job("a")
        assert error.value.hint == "give its address: https://new.example/api"
        with pytest.raises(ResponseError, match=r"moved to https://new\.example/api/jobs/a"):
            await client.hash.compute(b"x")
        with pytest.raises(ResponseError, match=r"moved to https://new\.example/api/jobs/a"):
            await anext(client.jobs.list())
        assert len(server.requests) == 3


@pytest.mark.parametrize("location", ["/jobs/", "http://127.0.0.1/jobs/"])
async def test_a_server_that_only_adds_a_slash_has_no_such_route(location: str):
    async with scripted_server(answer(307, b"", Location=location)) as server, ComputeClient(server.url) as client:
        with pytest.raises(UnsupportedError, match="cannot list jobs"):
            await anext(client.jobs.list())


@pytest.mark.parametrize("location", ["/jobs/a/", "http://[", "https://ada:pw@h/jobs/a", "\x1b[31m"])
async def test_a_strange_address_is_told_without_a_fault(location: str):
    async with scripted_server(answer(302, b"", Location=location)) as server, ComputeClient(server.url) as client:
        with pytest.raises(ResponseError, match=r"moved to|to an invalid address") as error:
            await client.get_job("a")
        assert "pw" not in str(error.value.hint)


@pytest.mark.parametrize("status", [201, 202, 204, 205])
async def test_an_answer_that_is_good_and_has_no_file_is_an_error(tmp_path: Path, status: int):
    (tmp_path / "before").mkdir()
    made = answer(status, b"").replace(b"Content-Length: 0\r\n", b"" if status == 204 else b"Content-Length: 0\r\n")
    with pytest.raises(DownloadError, match=f"without a file .HTTP {status}"):
        await fetched(tmp_path / "before", made)
    assert list((tmp_path / "before").iterdir()) == []


def part(start: int, end: int, total: object, **headers: str) -> bytes:
    return answer(206, WHOLE[start : end + 1], Content_Range=f"bytes {start}-{end}/{total}", **headers)


LAST = len(WHOLE) - 1
BEGIN = answer(200, b"", ETag='"v"').replace(b"Length: 0", b"Length: %d" % len(WHOLE)) + WHOLE[:100] + CUT
NO_MORE = answer(416, b"", Content_Range=f"bytes */{len(WHOLE)}")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([chunked(WHOLE, ended=False, ETag='"v"'), NO_MORE], id="only the end of the chunks is lost"),
        pytest.param([BEGIN, part(100, LAST, "*", ETag='"v"'), NO_MORE], id="the rest does not say of how much"),
        pytest.param([BEGIN, part(100, LAST, "*"), NO_MORE], id="the rest has no validator"),
        pytest.param(
            [BEGIN, part(100, 999, len(WHOLE), ETag='"v"'), part(1000, LAST, len(WHOLE), ETag='"v"')],
            id="the rest comes in two parts",
        ),
        pytest.param([BEGIN, part(100, LAST, len(WHOLE), ETag='"w"'), answer(200, WHOLE)], id="of another file by now"),
        pytest.param([BEGIN, answer(416, b""), answer(200, WHOLE)], id="it has become shorter"),
        pytest.param([BEGIN, answer(416, b"", Content_Range="bytes */50"), answer(200, WHOLE)], id="shorter, and told"),
        pytest.param([part(0, LAST, "*", ETag='"v"')], id="all of it as a part of unknown length"),
        pytest.param([part(0, LAST, len(WHOLE))], id="all of it as a part"),
        pytest.param([part(0, 99, len(WHOLE), ETag='"v"'), part(100, LAST, len(WHOLE), ETag='"v"')], id="unasked"),
        pytest.param([answer(203, WHOLE)], id="changed by a proxy"),
    ],
)
async def test_a_file_arrives_whole_in_whatever_parts(tmp_path: Path, answers: list[bytes]):
    assert (await fetched(tmp_path, *answers))[0] == WHOLE


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([answer(206, WHOLE)], "does not say which"),
        ([answer(206, WHOLE, Content_Type="multipart/byteranges; boundary=b")], "does not say which"),
        ([part(0, 99, len(WHOLE))], "broke off after 100 of 52000 bytes"),
        ([part(7, 99, len(WHOLE))], "asked for the bytes from 0, got those from 7"),
        ([part(0, LAST, 5)], "has 52000 bytes, and was to have 5"),
        ([BEGIN, part(100, 199, len(WHOLE)), part(7, 99, len(WHOLE))], "from 200, got those from 7"),
        ([answer(416, b"")], "broke off after 0"),
    ],
)
async def test_a_part_that_is_not_the_file_is_never_saved(tmp_path: Path, answers: list[bytes], said: str):
    assert said in await refused(tmp_path, *answers)


@contextlib.asynccontextmanager
async def endless() -> AsyncIterator[str]:
    """A server whose files never come to their end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(200, b"", ETag='"v"').replace(b"Length: 0", b"Length: 99999999") + bytes(3_000_000))
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from cl_client import ComputeClient

async def main():
    def told(received, total):
        print(received, flush=True)
    async with ComputeClient(sys.argv[1]) as client:
        await client.download_job_file("a", "output/x", sys.argv[2], on_progress=told)

asyncio.run(main())
"""


async def test_what_a_killed_download_left_is_used_up_by_the_next(tmp_path: Path):
    async with endless() as url:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, url, str(tmp_path / "x"), stdout=asyncio.subprocess.PIPE
        )
        assert running.stdout is not None
        await running.stdout.readline()
        # A second one of the same file, meanwhile, disturbs it as little as it is disturbed.
        assert (await fetched(tmp_path, answer(200, WHOLE)))[0] == WHOLE
        assert running.returncode is None
        running.send_signal(signal.SIGKILL)
        await running.wait()
    assert len(list(tmp_path.iterdir())) == 2
    assert (await fetched(tmp_path, answer(200, WHOLE[1:])))[0] == WHOLE[1:]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("kind", ["link", "hard link", "folder"])
async def test_what_somebody_put_in_the_place_of_a_part_is_left_alone(tmp_path: Path, kind: str):
    precious, in_the_way = tmp_path / "precious", tmp_path / ".x.cl-client.part"
    precious.write_bytes(b"mine")
    match kind:
        case "link":
            in_the_way.symlink_to(precious)
        case "hard link":
            in_the_way.hardlink_to(precious)
        case _:
            in_the_way.mkdir()
    assert (await fetched(tmp_path, answer(200, WHOLE)))[0] == WHOLE
    assert precious.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"x", "precious", in_the_way.name}


JOB = (
    b'{"job_id": "j1", "task_type": "hash", "status": "completed", "progress": 100, "params": {}, "priority": 5,'
    b' "task_output": {}, "error_message": null, "created_at": 1, "updated_at": 2, "started_at": 1, "completed_at": 2}'
)


@pytest.mark.parametrize("asked", ["J1", " j1", "{j1}", "j1\x1b[31m"])
async def test_an_answer_for_another_job_is_an_error_that_names_both(asked: str):
    async with scripted_server(answer(200, JOB)) as server, ComputeClient(server.url, mqtt_port=1) as client:
        with pytest.raises(ResponseError) as error:
            await client.wait_for_job(asked, timeout=30)
        assert repr(asked) in str(error.value)
        assert "'j1'" in str(error.value)
        watch = client.jobs.watcher.watch(asked, None, None)
        with pytest.raises(ResponseError, match="answers for job 'j1'"):
            await asyncio.wait_for(watch.end(), 30)
