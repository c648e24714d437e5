"""Servers of the same family that say less than ours: where a file is, and that they have no list of files."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cl_client import ComputeClient
from cl_client.cli.main import main
from cl_client.errors import DownloadError, UnsupportedError
from tests.codegen_server.running import running_server
from tests.fake_family_server import FakeFamilyServer


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    return tmp_path / "photo.jpg"


@pytest.fixture
def served() -> Iterator[Callable[[FakeFamilyServer], str]]:
    with contextlib.ExitStack() as running:
        yield lambda fake: running.enter_context(running_server(fake.app))


@pytest.mark.parametrize("path", ["output/photo.webp", "/srv/jobs/{job_id}/output/photo.webp"])
async def test_a_file_that_the_output_does_not_name_is_where_the_parameters_say(served, photo, path):
    async with ComputeClient(served(FakeFamilyServer(output_path=path))) as client:
        job = await client.image_conversion.convert(photo, "webp", wait=True, timeout=20)
        assert job.artifact == "output/photo.webp"
        assert (await job.download(photo.parent / "a.webp")).read_bytes() == b"the bytes"
        said = path.format(job_id=job.job_id)
        assert (await job.download(photo.parent / "b.webp", said)).read_bytes() == b"the bytes"


async def test_a_server_that_redirects_the_list_of_files_has_none(served, photo):
    async with ComputeClient(served(FakeFamilyServer())) as client:
        job = await client.image_conversion.convert(photo, "webp", wait=True, timeout=20)
        with pytest.raises(UnsupportedError, match="cannot list the files of a job"):
            await job.files()


async def test_a_server_without_logs_is_told_from_one_without_the_job(served, photo):
    async with ComputeClient(served(FakeFamilyServer())) as client:
        job = await client.image_conversion.convert(photo, "webp", wait=True, timeout=20)
        with pytest.raises(UnsupportedError, match="cannot give the log of a job: it has no such route"):
            await job.log()


async def test_a_file_that_nobody_names_is_no_result_in_the_output(served, photo):
    async with ComputeClient(served(FakeFamilyServer(output_path=None))) as client:
        job = await client.image_conversion.convert(photo, "webp", wait=True, timeout=20)
        with pytest.raises(DownloadError, match="does not say where its file is"):
            await job.download(photo.parent / "a.webp")


async def test_json_in_place_of_a_picture_is_no_picture(served, photo):
    fake = FakeFamilyServer()
    fake.answers_json = True
    async with ComputeClient(served(fake)) as client:
        job = await client.image_conversion.convert(photo, "webp", wait=True, timeout=20)
        with pytest.raises(DownloadError, match="JSON in place of the file"):
            await job.download(photo.parent / "a.webp")
    assert not (photo.parent / "a.webp").exists()


async def test_a_job_of_which_only_the_id_is_known_has_its_file_too(served, photo):
    async with ComputeClient(served(FakeFamilyServer())) as client:
        made = await client.media_thumbnail.generate(photo, wait=True, timeout=20)
        job = await client.jobs.get(made.job_id)
        assert job.artifact == "output/photo.webp"
        assert [path.name for path in await job.download_all(photo.parent / "all")] == ["photo.webp"]
    user_said = FakeFamilyServer(output_path="/home/ada/photo.webp")
    async with ComputeClient(served(user_said)) as client:
        assert (await client.hash.compute(photo, wait=True, timeout=20)).artifact is None


async def test_a_stream_has_all_files_that_its_playlists_name(served, photo):
    named = {
        "all.m3u8": b'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI="sound/a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv%201.m3u8\n',
        "sound/a.m3u8": b'#EXTM3U\n#EXT-X-MAP:URI="head.mp4"\n#EXTINF:1,\na0.m4s\n#EXTINF:1,\nhttps://cdn.test/a1.m4s\n',
        "v 1.m3u8": b"#EXTM3U\n#EXTINF:1,\nv0.ts\n#EXTINF:1,\nv0.ts\n",
    }
    segments = {name: name.encode() for name in ("sound/head.mp4", "sound/a0.m4s", "v0.ts")}
    fake = FakeFamilyServer({"master_playlist": "/srv/jobs/{job_id}/output/all.m3u8"}, output_path="output")
    fake.files = {f"output/{name}": content for name, content in (named | segments).items()}
    async with ComputeClient(served(fake)) as client:
        job = await client.hls_streaming.generate_manifest(photo, wait=True, timeout=20)
        for each, folder in ((job, "one"), (await client.jobs.get(job.job_id), "two")):
            saved = await each.download_all(photo.parent / folder)
            assert {str(path.relative_to(photo.parent / folder)) for path in saved} == {*named, *segments}
            assert (photo.parent / folder / "sound" / "head.mp4").read_bytes() == b"sound/head.mp4"


def test_a_file_by_the_id_of_its_job_is_never_json_in_its_place(served, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    to = ["--compute-url", served(FakeFamilyServer({"media_type": "image"}, "output/result.json")), "--no-auth"]
    assert main([*to, "hash", "compute", str(photo), "--output", "hash.json"]) == 0
    assert main([*to, "download", "hash-1"]) == 0
    assert main([*to, "jobs", "fetch", "hash-1", "--output-dir", "fetched"]) == 0
    for name in ("hash.json", "result.json", "fetched/hash-1.json"):
        assert (photo.parent / name).read_bytes() == b"the bytes"


def command(url: str, *words: str) -> int:
    return main(["--compute-url", url, "--no-auth", "image-conversion", "convert", *words, "--format", "webp"])


def test_the_command_line_saves_the_file_and_never_json_under_its_name(served, photo, capsys):
    target = photo.parent / "a.webp"
    assert command(served(FakeFamilyServer()), str(photo), "--output", str(target)) == 0
    assert target.read_bytes() == b"the bytes"
    target.unlink()
    assert command(served(FakeFamilyServer(output_path=None)), str(photo), "--output", str(target)) == 1
    assert "does not say where its file is" in capsys.readouterr().err
    assert not target.exists()


def test_many_files_have_their_results_on_a_server_that_lists_none(served, photo):
    (photo.parent / "b.jpg").write_bytes(photo.read_bytes())
    url, folder = served(FakeFamilyServer()), photo.parent / "results"
    assert command(url, str(photo), str(photo.parent / "b.jpg"), "--output-dir", str(folder)) == 0
    assert {path.name for path in folder.glob("*.webp")} == {"photo.webp", "b.webp"}


@pytest.mark.parametrize("url", ["http://localhost", "mqtt://", "mqtt://a:b@host:port"])
def test_an_mqtt_url_that_is_none_is_refused_by_the_name_of_its_option(url, capsys):
    assert main(["--mqtt-url", url, "capabilities"]) == 2
    assert "--mqtt-url" in capsys.readouterr().err


def test_an_mqtt_url_goes_before_the_environment_and_hides_its_password(monkeypatch):
    monkeypatch.setenv("MQTT_URL", "mqtt://one:secret@first:1")
    client = ComputeClient("http://127.0.0.1:1", mqtt_url="mqtts://two:other@second:2")
    assert (client.mqtt_broker, client.mqtt_port) == ("second", 2)
    assert "other" not in repr(client)
    assert ComputeClient("http://127.0.0.1:1").mqtt_broker == "first"
