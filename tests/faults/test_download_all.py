"""All files of a job in a folder: verified, whole, and nowhere else, whatever the server says."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from cl_client import ComputeClient, DownloadError, NotFoundError
from tests.faults.scripted import CUT, answer, scripted_server


def listed(*files: tuple[str, bytes]) -> bytes:
    entries = [
        {"path": path, "size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "media_type": "text/plain"}
        for path, body in files
    ]
    return answer(200, json.dumps({"files": entries}).encode())


async def fetched(folder: Path, *answers: bytes) -> list[Path]:
    async with scripted_server(*answers) as server, ComputeClient(server.url) as client:
        return await client.jobs.download_files("a", folder, concurrency=1)


async def test_files_are_held_against_what_the_server_says_of_them(tmp_path: Path):
    answers = listed(("output/a", b"right"), ("output/b", b"right")), answer(200, b"right"), answer(200, b"wrong")
    with pytest.raises(DownloadError, match=r"/jobs/a/files/output/b arrived damaged: its SHA-256 is"):
        await fetched(tmp_path / "new", *answers)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


async def test_a_digest_in_the_response_is_held_too_also_across_a_cut(tmp_path: Path):
    digest = f"sha-512=:AA==:, sha-256=:{base64.b64encode(hashlib.sha256(b'0123456789').digest()).decode()}:"
    for rest, right in ((b"456789", True), (b"456780", False)):
        cut = answer(200, b"", ETag='"v"', Repr_Digest=digest).replace(b"Length: 0", b"Length: 10") + b"0123" + CUT
        more = answer(206, rest, ETag='"v"', Content_Range="bytes 4-9/10", Repr_Digest=digest)
        async with scripted_server(cut, more) as server, ComputeClient(server.url) as client:
            if right:
                await client.download_job_file("a", "output/x", tmp_path / "x")
            else:
                with pytest.raises(DownloadError, match="arrived damaged"):
                    await client.download_job_file("a", "output/x", tmp_path / "y")
            assert all("want-repr-digest: sha-256=1" in request.lower() for request in server.requests)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


async def test_a_name_that_points_outside_fetches_nothing(tmp_path: Path):
    folder = tmp_path / "folder"
    with pytest.raises(DownloadError, match="points outside"):
        await fetched(folder, listed(("output/a", b"x"), ("output/../../evil", b"x")), answer(200, b"x"))
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_cannot_list_says_so(tmp_path: Path):
    with pytest.raises(NotFoundError):
        await fetched(tmp_path, answer(404))
