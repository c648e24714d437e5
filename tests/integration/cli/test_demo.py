"""`cl-client demo`: a person sees it work, and it fails when it does not."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from PIL import ExifTags, Image

from cl_client.cli.demo import sample_photo
from tests.integration.cli.conftest import CL_CLIENT, Cli

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def outlines(lines: list[str]) -> set[str]:
    """The lines that say that something is there, without figures and whose broker it is."""
    return {re.sub(r"[\d.]+|mosquitto|amqtt", "…", line) for line in lines if "✓" in line}


def test_the_demo_shows_the_job_and_leaves_its_results(process: Cli, tmp_path: Path):
    ran = process("demo")
    assert ran.code == 0, ran.err
    folder = tmp_path / "demo-output"
    with Image.open(folder / "photo.jpg") as photo:
        assert photo.size == (2000, 1500)
        assert photo.getexif()[ExifTags.Base.Orientation] == 6
        assert photo.getexif()[ExifTags.Base.Model] == "Demo camera"
    with Image.open(folder / "photo_thumbnail.jpg") as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (192, 256))
    with Image.open(folder / "photo.webp") as converted:
        assert (converted.format, converted.size) == ("WEBP", (1500, 2000))
    for job in ("media_thumbnail", "image_conversion"):
        heard = [line.split()[3] for line in ran.lines if f" {job} " in line]
        # The API tells the first and a worker the others: two senders, whose order the broker does not keep.
        assert {"queued", "processing"} & set(heard)
        assert "completed" in heard
    assert "cl-client server up\n" in ran.err
    # The libraries are here, and no model file is.
    assert "Plugins that were left out: clip_embedding, dino_embedding, face_embedding." in ran.lines
    assert "cl-client server models list\n" in ran.err
    assert outlines(ran.lines) == outlines(README.splitlines())
    assert [line for line in [*ran.lines, *ran.out.splitlines()] if len(line) > 80] == []
    assert {line.split()[-1] for line in ran.out.splitlines()} == {
        f"demo-output/{name}" for name in ("photo.jpg", "photo_thumbnail.jpg", "photo.webp")
    }


def test_the_demo_shows_its_jobs_on_the_page_until_it_is_stopped(tmp_path: Path):
    # A machine without a screen: nothing is opened.
    env = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    command = [CL_CLIENT, "demo", "--ui"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        page = next(line.split()[-1] for line in demo.stderr if "page " in line)
        assert "<title>Jobs" in httpx.get(page).text
        jobs = httpx.get(f"{page.removesuffix('/ui')}/jobs").json()["jobs"]
        assert {job["input_names"][0] for job in jobs} == {"photo.jpg"}
        demo.send_signal(signal.SIGINT)
        said = demo.stderr.read()
    assert (demo.returncode, said.splitlines()[-1]) == (0, "stopped, with its server")


def test_a_result_that_is_not_right_fails_the_demo(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sample_photo, "fault_of", lambda *_, **__: "does not show the scene, or not upright")
    ran = cli("demo", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.lines[-1] == "error: demo-output/photo_thumbnail.jpg does not show the scene, or not upright"


def test_a_folder_that_cannot_be_written_is_named(cli: Cli, tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    ran = cli("demo", "-o", "taken", "-q")
    error, hint = ran.lines
    assert ran.code == 1
    assert error.startswith("error: cannot write to taken")
    assert "--output" in hint


def test_quiet_prints_the_folder_alone(cli: Cli):
    ran = cli("demo", "-q", "-o", "there")
    assert (ran.code, ran.out, ran.err) == (0, "there\n", "")
    assert json.loads(cli("demo", "--json").out)["files"][0] == "demo-output/photo.jpg"
