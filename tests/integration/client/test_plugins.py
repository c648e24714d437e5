"""Every plugin from the client to the worker and back: what was sent returns as a typed output."""

from pathlib import Path

import m3u8
import pytest

from cl_client import BadRequestError, ComputeClient, JobFailedError, ValidationError
from tests.media.film import film


async def test_exif_is_read(local_client: ComputeClient, photo: Path):
    job = await local_client.exif.extract(photo, tags="Make, -execute", wait=True)
    assert job.output.metadata == {"Make": "cl-client"}
    assert (job.output.make, job.output.orientation) == ("cl-client", 6)
    assert (job.output.width, job.output.height) == (120, 80)


async def test_a_video_becomes_a_stream(local_client: ComputeClient, tmp_path: Path):
    video = tmp_path / "holiday.mp4"
    video.write_bytes(film(5, sound=True))
    heard: list[int] = []
    job = await local_client.hls_streaming.generate_manifest(
        video,
        variants=[{"resolution": "120p", "bitrate": 300_000}, {"resolution": "80x60", "bitrate": "100k"}],
        wait=True,
        on_progress=lambda state: heard.append(state.progress),
    )
    assert (job.output.variants_generated, job.output.total_segments, job.output.audio) == (2, 4, True)
    assert heard == sorted(heard)
    master = m3u8.load(str(await job.download(tmp_path / "master.m3u8")))
    for playlist in master.playlists:
        saved = await local_client.download_job_file(job.job_id, f"output/{playlist.uri}", tmp_path)
        for segment in m3u8.load(str(saved)).segments:
            found = await local_client.download_job_file(job.job_id, f"output/{segment.uri}", tmp_path)
            assert found.read_bytes()[:1] == b"G"


async def test_variants_that_make_no_sense_are_refused_before_the_job(local_client: ComputeClient):
    with pytest.raises(ValidationError, match=r"variants: .*at most 8 variants") as refused:
        await local_client.hls_streaming.submit_with_files(
            {"file": film(1)}, {"variants": [{"resolution": "720p", "bitrate": 100_000}] * 1_000}
        )
    assert refused.value.status == 422
    with pytest.raises(BadRequestError, match="Part exceeded maximum size of 64KB"):
        await local_client.hls_streaming.submit_with_files(
            {"file": film(1)}, {"variants": [{"resolution": "720p", "bitrate": 100_000}] * 10_000}
        )
    with pytest.raises(ValidationError, match=r"variants: .*not JSON; expected a list like"):
        await local_client.hls_streaming.submit_with_files({"file": film(1)}, {"variants": "[{720p}]"})


async def test_an_uploaded_playlist_reads_nothing(local_client: ComputeClient, tmp_path: Path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film(1))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    with pytest.raises(JobFailedError, match="is not a video that FFmpeg can read"):
        await local_client.hls_streaming.generate_manifest(playlist, wait=True)


async def test_a_video_has_a_thumbnail(local_client: ComputeClient):
    job = await local_client.media_thumbnail.generate(film(2), width=64, wait=True)
    assert (job.output.media_type, job.output.width, job.output.height) == ("video", 64, 48)
