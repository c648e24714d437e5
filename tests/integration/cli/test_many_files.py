"""Many files in one command: results where they were wanted, failures at the end, and the rest after a crash."""

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from cl_server.embedded import LocalStack
from tests.integration.cli.conftest import CL_CLIENT, Cli
from tests.media.film import film
from tests.media.photo import photo, write


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two pictures of one name, one below, and something hidden."""
    folder = tmp_path / "pictures"
    for name in ("a.jpg", "a.png", "b.jpg", "below/b.jpg", ".hidden.jpg", ".git/x.jpg"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, photo(40 + len(name), 30))
    return folder


def test_each_result_is_called_as_its_file(cli: Cli, pictures: Path, tmp_path: Path):
    ran = cli("image-conversion", "convert", "pictures", "--format", "webp", "--output-dir", "out", "--json")
    assert (ran.code, ran.lines) == (0, ["ok 4 files done"] if "ok" in ran.err else ["✓ 4 files done, in out"])
    records = {record["source"]: record for record in map(json.loads, ran.out.splitlines())}
    assert {name: record["files"] for name, record in records.items()} == {
        "pictures/a.jpg": ["out/a.jpg.webp"],
        "pictures/a.png": ["out/a.png.webp"],
        "pictures/b.jpg": ["out/b.webp"],
        "pictures/below/b.jpg": ["out/below/b.webp"],
    }
    with Image.open(tmp_path / "out" / "below" / "b.webp") as made:
        assert made.size == (40 + len("below/b.jpg"), 30)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.jpg.webp", "a.png.webp", "b.webp", "below", ".cl-client-batch.jsonl",
    }  # fmt: skip


def test_without_a_folder_results_are_printed(cli: Cli, pictures: Path):
    files = sorted(str(path) for path in pictures.glob("*.jpg") if path.name[0] != ".")
    ran = cli("hash", "compute", *files, "--algorithm", "md5")
    told = [line.split(": ", 1)[1].strip() for line in ran.out.splitlines() if line.startswith("md5")]
    assert sorted(told) == sorted(hashlib.md5(Path(file).read_bytes()).hexdigest() for file in files)
    assert ran.out.count("file: ") == 2
    quoted = cli("-q", "hash", "compute", f"{pictures}/**/b.jpg")
    assert (len(quoted.out.split()), quoted.err) == (2, "")
    left = cli("-q", "hash", "compute", str(pictures), "--no-wait")
    assert (left.code, len(left.out.split())) == (0, 4)


def test_failures_are_summed_up_at_the_end_and_tried_again_with_resume(cli: Cli, pictures: Path, tmp_path: Path):
    write(pictures / "notes.txt", b"no picture")
    write(pictures / "empty.jpg", b"")
    command = ["media-thumbnail", "generate", "pictures", "-w", "16", "--output-dir", "out"]
    ran = cli(*command)
    assert ran.code == 1
    assert ran.lines[-2:] == [
        "error: 2 of 6 files failed; the others are in out",
        "hint: to try these again, run the same command with --resume",
    ]
    assert sorted(ran.lines[:-2]) == [
        "error: pictures/empty.jpg is empty: there is nothing to send",
        "error: pictures/notes.txt is not an image that Pillow can read (text/plain)",
    ]
    (refused,) = [line for line in cli("--debug", *command, "--resume").lines if line.startswith("error: pictures/n")]
    assert "(HTTP 415 from http://" in refused
    assert "pictures/b.jpg:" in ran.out
    quiet = cli("-q", *command, "--resume")
    assert (quiet.code, quiet.out) == (1, "")
    assert "error: 2 of 6 files failed; the others are in out" in quiet.err
    write(pictures / "notes.txt", photo(9, 9))
    (pictures / "empty.jpg").unlink()
    again = cli("--json", *command, "--resume", "--watch")
    assert again.code == 0
    records = [json.loads(line) for line in again.out.splitlines()]
    assert {record["source"]: record["resumed"] for record in records}["pictures/notes.txt"] is False
    assert [record["resumed"] for record in records].count(True) == 4
    assert "pictures/notes.txt: completed" in again.err
    assert again.lines[-1].endswith("5 files done, 4 of them before, in out")
    anew = cli("--json", *command)
    assert not any(json.loads(line)["resumed"] for line in anew.out.splitlines())


def test_a_job_that_failed_says_why_and_no_more(cli: Cli, pictures: Path):
    write(pictures / "notes.txt", b"no picture")
    ran = cli("hash", "compute", "pictures", "--algorithm", "phash")
    assert ran.lines[0] == "error: pictures/notes.txt is not an image that Pillow can read (text/plain)"


def test_options_for_one_file_are_refused_for_many(cli: Cli, pictures: Path):
    for options, said in (
        (["--output", "x"], "--output-dir results"),
        (["--resume"], "needs the --output-dir"),
        (["--no-wait", "--output-dir", "x"], "doesn't wait for results"),
    ):
        ran = cli("hash", "compute", str(pictures), *options)
        assert ran.code == 2
        assert said in ran.err


def test_a_stream_goes_into_a_folder_whole(cli: Cli, tmp_path: Path):
    video = write(tmp_path / "film.mp4", film(1))
    command = ["hls-streaming", "generate-manifest", str(video), "--json", "--variants"]
    command.append(json.dumps([{"resolution": "80x60", "bitrate": 100_000}]))
    (tmp_path / "there").mkdir()
    for options in (["-o", "there"], ["-o", "made"], ["--output-dir", "many"]):
        ran = cli(*command, *options)
        assert ran.code == 0, ran.err
        files = [tmp_path / file for file in json.loads(ran.out)["files"]]
        assert {path.suffix for path in files} == {".m3u8", ".ts"}
        assert all(path.stat().st_size for path in files)
        (master,) = [path for path in files if b"#EXT-X-STREAM-INF" in path.read_bytes()]
        assert master.parent == tmp_path / {"-o": options[1], "--output-dir": "many/film"}[options[0]]


def test_a_batch_is_a_command_on_each_line(cli: Cli, pictures: Path, tmp_path: Path):
    lines = [
        {"command": "hash compute", "file": "pictures/a.jpg", "parameters": {"algorithm": "md5"}},
        {"command": "media-thumbnail generate", "file": "pictures/a.jpg",
         "parameters": {"width": 16, "maintain_aspect_ratio": False, "height": 9, "priority": 9}},
        {"command": "image-conversion convert", "file": "pictures/b.jpg", "parameters": {"format": "png"}},
    ]  # fmt: skip
    (tmp_path / "jobs.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    ran = cli("batch", "jobs.jsonl", "--output-dir", "out", "--json")
    assert ran.code == 0, ran.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.json", "a-2.jpg", "b.png", ".cl-client-batch.jsonl",
    }  # fmt: skip
    with Image.open(tmp_path / "out" / "a-2.jpg") as made:
        assert made.size == (16, 9)
    again = cli("batch", "jobs.jsonl", "--output-dir", "out", "--resume")
    assert (again.code, again.out) == (0, "")
    assert again.lines[-1].endswith("3 files done, 3 of them before, in out")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "expected an object"),
        ('{"file": "a"}', "expected an object"),
        ('{"command": "server up"}', "is not a command of a plugin"),
        ('{"command": "hash"}', "is not a command of a plugin"),
        ('{"command": "hash compute", "file": "a", "parameters": {"algorithm": "sha3"}}', "sha3"),
        ('{"command": "hash compute", "file": "a", "parameters": {"speed": 3}}', "--speed"),
        ('{"command": "hash compute", "file": "a", "parameters": {"output": "x"}}', "for the whole batch"),
        ('{"command": "hash compute", "file": "a", "more": 1}', "have to be strings"),
        ('{"command": "hash compute"}', "image"),
    ],
)
def test_a_line_that_is_no_job_is_named_before_anything_is_done(cli: Cli, tmp_path: Path, line: str, said: str):
    (tmp_path / "jobs.jsonl").write_text('{"command": "hash compute", "file": "a.jpg"}\n' + line)
    ran = cli("batch", "jobs.jsonl")
    assert ran.code == 2
    assert "jobs.jsonl, line 2: " in ran.err
    assert said.lower() in ran.err.lower()
    assert cli("batch", "none.jsonl").code == 2


def test_a_list_of_jobs_is_a_batch_too(cli: Cli, pictures: Path, tmp_path: Path):
    job = {"command": "hash compute", "file": "pictures/a.jpg"}
    (tmp_path / "jobs.json").write_text(json.dumps([job, job], indent=2))
    assert len(cli("batch", "jobs.json", "-q").out.split()) == 2
    (tmp_path / "jobs.json").write_text(json.dumps([job, "x"]))
    assert "jobs.json, job 2: expected an object" in cli("batch", "jobs.json").err


def test_ctrl_c_says_how_to_go_on(idle_stack: LocalStack, pictures: Path, tmp_path: Path):
    command = subprocess.Popen(
        [CL_CLIENT, "hash", "compute", "pictures", "--output-dir", "out"],
        cwd=tmp_path,
        env={**os.environ, **idle_stack.environment(), "NO_COLOR": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / "out" / ".cl-client-batch.jsonl"
    while not journal.exists() or journal.read_text().count('"submitted"') < 4:
        assert command.poll() is None
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert err.splitlines() == [
        "warning: stopped after 0 of 4 files; to process the rest, run the same command with --resume"
    ]
