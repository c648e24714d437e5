"""The commands of the plugins do what they say, and print it where it belongs."""

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.integration.cli.conftest import Cli
from tests.media.face import group
from tests.media.film import film
from tests.media.photo import encoded, photo, write


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write(tmp_path / "photo.jpg", photo(400, 300))


def test_the_result_is_on_stdout_and_nothing_else_is(cli: Cli, picture: Path):
    ran = cli("hash", "compute", str(picture))
    rows = dict(line.split(": ", 1) for line in ran.out.splitlines())
    assert ran.code == 0
    assert rows["sha256"].strip() == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert set(rows) == {"phash", "dhash", "sha256", "md5", "hash_version", "job"}
    assert ran.err == ""


def test_as_json_the_result_is_one_object_on_one_line(cli: Cli, picture: Path):
    ran = cli("hash", "compute", str(picture), "--algorithm", "md5", "--json")
    assert ran.out.count("\n") == 1
    record = json.loads(ran.out)
    assert record["status"] == "completed"
    assert record["task_type"] == "hash"
    assert record["output"]["md5"] == hashlib.md5(picture.read_bytes()).hexdigest()
    assert record["output"]["sha256"] is None
    assert record["files"] == []


def test_quiet_prints_the_id_alone(cli: Cli, picture: Path):
    ran = cli("-q", "hash", "compute", str(picture))
    assert len(ran.out.split()) == 1
    assert ran.err == ""


@pytest.mark.parametrize("before", [True, False])
def test_global_options_stand_before_or_after_the_command(cli: Cli, picture: Path, before: bool):
    command = ["hash", "compute", str(picture)]
    ran = cli(*(["--json", *command] if before else [*command, "--json"]))
    assert json.loads(ran.out)["status"] == "completed"


def test_addresses_on_the_command_line_go_before_the_environment(
    cli: Cli, picture: Path, monkeypatch: pytest.MonkeyPatch, local_stack
):
    monkeypatch.setenv("COMPUTE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MQTT_BROKER_PORT", "9")
    ran = cli(
        "hash", "compute", str(picture), "--compute-url", local_stack.compute_url, "--mqtt-broker", "127.0.0.1",
        "--mqtt-port", str(local_stack.mqtt_port),
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "")


def test_a_conversion_is_written_where_output_says(cli: Cli, picture: Path, tmp_path: Path):
    ran = cli("image-conversion", "convert", str(picture), "--format", "webp", "--quality", "80", "-o", "new/out.webp")
    assert ran.code == 0
    with Image.open(tmp_path / "new" / "out.webp") as made:
        assert (made.format, made.size) == ("WEBP", (400, 300))
    assert "saved:" in ran.out
    assert "new/out.webp" in ran.out


def test_w_and_h_are_the_size_of_a_thumbnail(cli: Cli, picture: Path, tmp_path: Path):
    (tmp_path / "thumbnails").mkdir()
    ran = cli(
        "media-thumbnail", "generate", str(picture), "-w", "64", "-h", "64", "-o", "thumbnails", "--json"
    )  # fmt: skip
    (file,) = json.loads(ran.out)["files"]
    assert Path(file).parent == Path("thumbnails")
    with Image.open(tmp_path / file) as made:
        assert made.size == (64, 48)


def test_a_flag_of_the_plugin_has_a_no(cli: Cli, picture: Path):
    stretched = cli(
        "media-thumbnail", "generate", str(picture), "-w", "50", "-h", "60", "--no-maintain-aspect-ratio", "--json"
    )
    assert json.loads(stretched.out)["output"]["height"] == 60


def test_without_output_the_hint_is_the_command_that_fetches_the_file(cli: Cli, picture: Path, tmp_path: Path):
    ran = cli("image-conversion", "convert", str(picture), "--format", "png")
    (line,) = ran.lines
    assert line.startswith("hint: cl-client download ")
    fetched = cli(*line.removeprefix("hint: cl-client ").split())
    assert fetched.code == 0
    assert (tmp_path / "photo.png").stat().st_size > 0


@pytest.mark.parametrize(("output", "file"), [("hash.json", "hash.json"), (".", "photo.hash.json")])
def test_an_output_without_a_file_is_written_as_json(cli: Cli, picture: Path, tmp_path: Path, output: str, file: str):
    ran = cli("hash", "compute", str(picture), "--output", output)
    assert ran.code == 0
    assert json.loads((tmp_path / file).read_text())["md5"] == hashlib.md5(picture.read_bytes()).hexdigest()


def test_no_wait_prints_the_id_and_leaves(cli: Cli, picture: Path):
    ran = cli("hash", "compute", str(picture), "--no-wait", "--json")
    assert json.loads(ran.out).keys() == {"job_id", "status", "task_type"}
    quiet = cli("hash", "compute", str(picture), "--no-wait", "-q")
    assert len(quiet.out.split()) == 1


def test_watched_by_a_program_each_change_is_a_line_on_stderr(cli: Cli, picture: Path, tmp_path: Path):
    ran = cli("image-conversion", "convert", str(picture), "--format", "png", "--watch", "-o", "out.png")
    assert ran.lines[0].startswith("photo.jpg: uploading (")
    assert "photo.jpg: completed" in ran.lines
    assert ran.lines[-1].startswith("photo.jpg: downloading (")
    assert len(ran.lines) == len(set(ran.lines))
    assert ran.out.startswith("output_path: ")


def test_a_file_that_is_called_like_an_option_can_be_sent(cli: Cli, tmp_path: Path):
    write(tmp_path / "--json", b"content")
    ran = cli("hash", "compute", "--", "--json")
    assert ran.code == 0
    assert ran.out.startswith("sha256: ")


def test_downloads_go_into_a_folder_under_their_own_name(cli: Cli, picture: Path, tmp_path: Path):
    job = cli("-q", "media-thumbnail", "generate", str(picture)).out.strip()
    ran = cli("download", job, "output/photo_thumbnail.jpg", str(tmp_path), "--json")
    record = json.loads(ran.out)
    assert record["file"] == str(tmp_path / "photo_thumbnail.jpg")
    assert record["size"] == Path(record["file"]).stat().st_size
    named = cli("download", job, "output/photo_thumbnail.jpg", "small.jpg", "-q")
    assert named.out == "small.jpg\n"
    assert cli("download", job, "output/photo_thumbnail.jpg", "small.jpg").out.startswith("saved: small.jpg (")


def test_exif_is_printed(cli: Cli, tmp_path: Path):
    turned = write(tmp_path / "turned.jpg", photo(400, 300, orientation=6))
    ran = cli("exif", "extract", str(turned), "--tags", "Make,Orientation", "--json")
    output = json.loads(ran.out)["output"]
    assert output["metadata"] == {"Make": "cl-client", "Orientation": 6}
    flag = cli("exif", "extract", str(turned), "--tags=-execute", "--json")
    assert json.loads(flag.out)["output"]["metadata"] == {}


def test_a_stream_is_made(cli: Cli, tmp_path: Path):
    video = write(tmp_path / "film.mp4", film(1))
    variants = json.dumps([{"resolution": "80x60", "bitrate": 100_000}])
    ran = cli("hls-streaming", "generate-manifest", str(video), "--variants", variants, "-o", "film.m3u8", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["output"]["variants_generated"] == 1
    assert (tmp_path / "film.m3u8").read_text().startswith("#EXTM3U")


def test_faces_are_found(cli: Cli, tmp_path: Path):
    ran = cli("face-detection", "detect", str(write(tmp_path / "group.jpg", encoded(group([(40, 60)])))), "--json")
    assert json.loads(ran.out)["output"]["num_faces"] == 1


def test_a_task_without_its_model_says_which_file_is_missing(cli: Cli, picture: Path):
    ran = cli("clip-embedding", "embed", str(picture))
    assert ran.code != 0
    assert "clip_embedding needs the model file mobileclip_blt_vision_model.onnx" in ran.err
    assert "cl-client server models add" in ran.err
