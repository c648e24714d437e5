"""Every plugin from the client to the worker and back: what was sent returns as a typed output."""

import json
from pathlib import Path

import m3u8
import pytest

from cl_client import ComputeClient, UnsupportedMediaTypeError, ValidationError
from cl_client.errors import ResponseError
from tests.media.film import film


async def test_exif_is_read(anyones_client: ComputeClient, photo: Path):
    job = await anyones_client.exif.extract(photo, tags="Make, -execute", wait=True)
    assert job.output.metadata == {"Make": "cl-client"}
    assert (job.output.make, job.output.orientation) == ("cl-client", 6)
    assert (job.output.width, job.output.height) == (120, 80)


async def test_a_video_becomes_a_stream(anyones_client: ComputeClient, tmp_path: Path):
    video = tmp_path / "holiday.mp4"
    video.write_bytes(film(5, sound=True))
    heard: list[int] = []
    job = await anyones_client.hls_streaming.generate_manifest(
        video,
        variants=[{"resolution": "120p", "bitrate": 300_000}, {"resolution": "80x60", "bitrate": "100k"}],
        wait=True,
        on_progress=lambda state: heard.append(state.progress),
    )
    assert (job.output.variants_generated, job.output.total_segments, job.output.audio) == (2, 4, True)
    assert heard == sorted(heard)
    written: list[tuple[int, int | None]] = []
    folder = tmp_path / "stream"
    files = await job.download_all(folder, concurrency=3, on_progress=lambda *at: written.append(at))
    assert {path.relative_to(folder) for path in files} == {
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file()
    }
    whole = sum(path.stat().st_size for path in files)
    assert written[-1] == (whole, whole)
    master = m3u8.load(str(folder / Path(job.output.master_playlist).name))
    segments = [
        folder / segment.uri
        for playlist in master.playlists
        for segment in m3u8.load(str(folder / playlist.uri)).segments
    ]
    assert len(segments) == job.output.total_segments
    assert all(segment.read_bytes()[:1] == b"G" for segment in segments)


async def test_a_job_whose_output_is_all_there_is_has_no_files(
    anyones_client: ComputeClient, photo: Path, tmp_path: Path
):
    job = await anyones_client.hash.compute(photo, wait=True)
    assert await job.download_all(tmp_path / "none") == []


async def test_variants_that_make_no_sense_are_refused_before_the_job(local_client: ComputeClient):
    one = {"resolution": "720p", "bitrate": 100_000}
    with pytest.raises(ValidationError, match=r"variants: .*at most 8 variants") as refused:
        await local_client.hls_streaming.submit_with_files({"file": film(1)}, {"variants": [one] * 50})
    assert refused.value.status == 422
    # More fields, or longer ones, than any form of ours has are refused before they are looked at.
    for many in ([one] * 10_000, json.dumps([one] * 10_000)):
        with pytest.raises(ResponseError) as too_many:
            await local_client.hls_streaming.submit_with_files({"file": film(1)}, {"variants": many})
        assert 400 <= too_many.value.status < 500
    with pytest.raises(ValidationError, match=r"variants: .*not JSON; expected a list like"):
        await local_client.hls_streaming.submit_with_files({"file": film(1)}, {"variants": "[{720p}]"})


async def test_an_uploaded_playlist_reads_nothing(local_client: ComputeClient, tmp_path: Path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film(1))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    with pytest.raises(UnsupportedMediaTypeError, match="is not a video that FFmpeg can read"):
        await local_client.hls_streaming.generate_manifest(playlist)


async def test_a_video_has_a_thumbnail(anyones_client: ComputeClient):
    job = await anyones_client.media_thumbnail.generate(film(2), width=64, wait=True)
    assert (job.output.media_type, job.output.width, job.output.height) == ("video", 64, 48)
