"""Resuming a download from servers that answer in every way they may."""

from pathlib import Path

import pytest

from cl_client import ComputeClient, DownloadError, ServerUnreachableError
from tests.faults.scripted import CUT, answer, scripted_server

WHOLE = b"0123456789"


def cut(body: bytes, total: int = 10, **headers: str) -> bytes:
    """The beginning of a response, and then nothing: the connection is closed before it is whole."""
    head = answer(200, b"", **headers).replace(b"Content-Length: 0", b"Content-Length: %d" % total)
    return head + body + CUT


def rest(start: int, body: bytes, **headers: str) -> bytes:
    return answer(206, body, Content_Range=f"bytes {start}-9/10", **headers)


async def fetched(folder: Path, *answers: bytes) -> tuple[bytes, list[str]]:
    async with scripted_server(*answers) as server, ComputeClient(server.url) as client:
        saved = await client.download_job_file("a", "output/x", folder / "x")
        return saved.read_bytes(), server.requests


async def test_the_rest_is_asked_for_by_the_validator(tmp_path: Path):
    content, (first, second) = await fetched(tmp_path, cut(b"0123", ETag='"v1"'), rest(4, b"456789", ETag='"v1"'))
    assert content == WHOLE
    assert "range:" not in first.lower()
    assert "range: bytes=4-" in second.lower()
    assert 'if-range: "v1"' in second.lower()


async def test_another_file_by_now_is_fetched_whole(tmp_path: Path):
    content, requests = await fetched(tmp_path, cut(b"old!", ETag='"v1"'), answer(200, WHOLE, ETag='"v2"'))
    assert content == WHOLE
    assert len(requests) == 2


@pytest.mark.parametrize("etag", ["", 'W/"v1"'])
async def test_without_a_strong_validator_nothing_is_pieced_together(tmp_path: Path, etag: str):
    headers = {"ETag": etag} if etag else {}
    with pytest.raises(ServerUnreachableError):
        await fetched(tmp_path, cut(b"0123", **headers), answer(200, WHOLE))
    assert list(tmp_path.iterdir()) == []


async def test_a_part_that_was_not_asked_for_is_refused(tmp_path: Path):
    with pytest.raises(DownloadError, match="asked for the bytes from 4, got those from 7"):
        await fetched(tmp_path, cut(b"0123", ETag='"v1"'), rest(7, b"789", ETag='"v1"'))
    assert list(tmp_path.iterdir()) == []


async def test_cuts_without_a_byte_in_between_are_not_for_ever(tmp_path: Path):
    with pytest.raises(ServerUnreachableError):
        await fetched(tmp_path, cut(b"0123", ETag='"v1"'), cut(b"", ETag='"v1"'))
    assert list(tmp_path.iterdir()) == []
