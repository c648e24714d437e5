"""Where a command takes its files from and puts them: paths, URLs, stdin and stdout."""

import hashlib
import io
import json
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image

from tests.integration.cli.conftest import CL_CLIENT, Cli
from tests.integration.cli.terminal import typed
from tests.media.photo import corners, encoded

PHOTO = encoded(corners(200, 100))
SHA256 = hashlib.sha256(PHOTO).hexdigest()

Bytes = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def shell(addresses: None, tmp_path: Path) -> Bytes:
    """Runs a command line as a shell does, and gives its bytes."""
    (tmp_path / "photo.jpg").write_bytes(PHOTO)

    def run(line: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        line = line.replace("cl-client", shlex.quote(CL_CLIENT))
        return subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, input=stdin, capture_output=True, timeout=60, check=False
        )

    return run


@contextmanager
def web_server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/photo")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(PHOTO if found else b"nothing")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_stdin_is_a_file_whether_it_is_a_pipe_or_a_file(shell: Bytes):
    for line in ("cat photo.jpg | cl-client hash compute -", "cl-client hash compute - < photo.jpg"):
        ran = shell(f"{line} --json")
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert json.loads(ran.stdout)["output"]["sha256"] == SHA256


def test_stdout_has_the_result_and_nothing_else(shell: Bytes):
    line = "cat photo.jpg | cl-client image-conversion convert - --format png --watch -o - 2>said | cat"
    ran = shell(line)
    with Image.open(io.BytesIO(ran.stdout)) as image:
        assert (image.format, image.size) == ("PNG", (200, 100))
    assert shell("cat said").stdout.startswith(b"stdin: ")
    ran = shell("cl-client hash compute photo.jpg -o - 2>&1")
    assert json.loads(ran.stdout)["sha256"] == SHA256


def test_stdout_is_not_for_two_things_at_once(cli: Cli, tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    ran = cli("--json", "hash", "compute", "photo.jpg", "-o", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "-o - and --json both write to stdout" in ran.err


def test_an_empty_stdin_is_one_line(shell: Bytes):
    ran = shell("cl-client hash compute - < /dev/null")
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, b"", b"error: stdin is empty: there is nothing to send\n")


def test_ctrl_c_ends_a_command_that_waits_for_stdin(addresses: None, tmp_path: Path):
    command = subprocess.Popen(
        [CL_CLIENT, "hash", "compute", "-", "--watch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdin is not None
    assert command.stderr is not None
    command.stdin.write(b"a")
    command.stdin.flush()
    assert b"uploading" in command.stderr.readline()
    command.send_signal(signal.SIGINT)
    assert command.wait(20) == 130
    command.communicate()


def test_a_file_that_is_called_like_stdin_is_named_with_its_folder(cli: Cli, tmp_path: Path):
    (tmp_path / "-").write_bytes(PHOTO)
    for name in ("./-", str(tmp_path / "-")):
        ran = cli("--json", "hash", "compute", name)
        assert json.loads(ran.out)["output"]["sha256"] == SHA256
    (tmp_path / "-a.jpg").write_bytes(PHOTO)
    assert SHA256 in cli("hash", "compute", "--", "-a.jpg").out


@pytest.mark.parametrize(("typed", "meant"), [("--algoritm", "--algorithm"), ("--watsh", "--watch")])
def test_a_misspelt_option_is_no_file(cli: Cli, typed: str, meant: str):
    ran = cli("hash", "compute", "a.jpg", typed)
    assert ran.code == 2
    assert f"Unknown option: {typed}. Did you mean {meant}?" in ran.err


def test_a_url_is_a_file(cli: Cli, tmp_path: Path):
    with web_server() as url:
        ran = cli("--json", "hash", "compute", f"{url}/photo.jpg?size=1")
        assert json.loads(ran.out)["output"]["sha256"] == SHA256
        ran = cli("media-thumbnail", "generate", f"{url}/photos//photo.jpg", "-w", "50", "-o", "thumbnails/")
        assert ran.code == 0
        [thumbnail] = (tmp_path / "thumbnails").iterdir()
        assert "photo" in thumbnail.name
        missing = cli("hash", "compute", f"{url}/nothing.jpg?key=secret")
        assert missing.code == 2
        assert missing.err == f"error: cannot fetch {url}/nothing.jpg: HTTP 404\nhint: is the URL right?\n"
    assert json.loads(cli("--json", "hash", "compute", "data:,hello").out)["output"]["sha256"] != SHA256
    ran = cli("hash", "compute", "s3://bucket/photo.jpg")
    assert ran.code == 2
    assert "s3 is not http, https or data" in ran.lines[0]


def test_urls_and_files_are_a_batch_that_goes_on(cli: Cli, tmp_path: Path):
    (tmp_path / "local.jpg").write_bytes(PHOTO)
    with web_server() as url:
        command = ("media-thumbnail", "generate", "local.jpg", f"{url}/photo.jpg", f"{url}/photo.png", "-w", "40")
        assert cli(*command, "--output-dir", "out").code == 0
        names = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
        assert names == ["local.jpg", "photo.jpg.jpg", "photo.png.jpg"]
        again = cli("--json", *command, "--output-dir", "out", "--resume")
        assert [json.loads(line)["resumed"] for line in again.out.splitlines()] == [True] * 3


def test_the_jobs_of_a_batch_come_from_stdin(shell: Bytes):
    lines = b'{"command": "hash compute", "file": "photo.jpg"}\n' * 2
    ran = shell("cl-client --json batch -", lines)
    assert ran.returncode == 0
    assert [json.loads(line)["output"]["sha256"] for line in ran.stdout.splitlines()] == [SHA256] * 2
    ran = shell("cl-client batch -", b"photo.jpg")
    assert ran.stderr.startswith(b"error: stdin, line 1: expected an object")
    assert shell("cl-client batch hash -").stderr.startswith(b"error: unexpected argument: -")


def test_the_suffix_of_the_result_says_the_format(cli: Cli, tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    for name, format in (("p.webp", "WEBP"), ("p.JPG", "JPEG"), ("p.tif", "TIFF")):
        assert cli("image-conversion", "convert", "photo.jpg", "-o", name).code == 0
        with Image.open(tmp_path / name) as image:
            assert image.format == format
    ran = cli("image-conversion", "convert", "photo.jpg")
    assert ran.code == 2
    assert ran.lines == [
        "error: the format is missing: add --format, which is one of png, jpg, jpeg, webp, gif, bmp, tiff",
        "hint: or name a file with its suffix: -o result.png",
    ]


def test_a_suffix_that_contradicts_the_format_is_an_error_with_the_right_one(cli: Cli, tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    ran = cli("image-conversion", "convert", "photo.jpg", "--format", "webp", "-o", "out/p.png")
    assert (ran.code, ran.out) == (2, "")
    assert ran.lines == [
        "error: the result is a webp file, and out/p.png has another suffix",
        "hint: -o out/p.webp",
    ]
    ran = cli("media-thumbnail", "generate", "photo.jpg", "-o", "t.png")
    assert ran.code == 2
    assert "t.png has another suffix" in ran.lines[0]
    download = ran.lines[1].removeprefix("hint: cl-client ").split()
    assert download[-1] == "t.jpg"
    assert cli(*download).code == 0
    assert not (tmp_path / "t.png").exists()


def test_all_files_of_a_job_are_downloaded_and_replace_nothing(cli: Cli, tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    job = cli("-q", "image-conversion", "convert", "photo.jpg", "--format", "png").out.strip()
    ran = cli("--json", "download", job)
    [saved] = [json.loads(line)["file"] for line in ran.out.splitlines()]
    with Image.open(tmp_path / saved) as image:
        assert image.format == "PNG"
    (tmp_path / saved).write_text("mine")
    refused = cli("download", job)
    assert refused.code == 1
    assert "is there already, and is not replaced" in refused.err
    assert (tmp_path / saved).read_text() == "mine"
    assert cli("download", job, "--overwrite").code == 0
    assert (tmp_path / saved).read_bytes().startswith(b"\x89PNG")
    path = json.loads(cli("--json", "jobs", "get", job).out)["task_output"]["output_path"]
    (tmp_path / saved).unlink()
    assert cli("download", job, path).code == 0
    assert (tmp_path / saved).exists()
    nothing = cli("download", cli("-q", "hash", "compute", "photo.jpg").out.strip())
    assert nothing.code == 2
    assert "made no files" in nothing.lines[0]


def test_a_file_of_a_job_goes_to_stdout(shell: Bytes):
    job = shell("cl-client -q image-conversion convert photo.jpg --format png").stdout.decode().strip()
    for path in ("output/photo.png -", "-"):
        ran = shell(f"cl-client download {job} {path} | cat")
        assert ran.stderr == b""
        assert ran.stdout.startswith(b"\x89PNG")


def test_the_results_of_many_jobs_are_fetched(cli: Cli, tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    (tmp_path / "again.jpg").write_bytes(PHOTO)
    ran = cli("image-conversion", "convert", "photo.jpg", "again.jpg", "--format", "png")
    hint = ran.lines[-1]
    assert "the files are on the server; fetch them with --output-dir FOLDER, or" in hint
    fetch = hint.partition("cl-client ")[2].split()
    hashed = cli("-q", "hash", "compute", "photo.jpg").out.strip()
    assert cli(*fetch, hashed, "--output-dir", "results").code == 0
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {f"{fetch[2]}.png", f"{fetch[3]}.png", f"{hashed}.json"}
    # Where it was cut, the same command does the rest, and touches nothing that is there.
    kept, lost = tmp_path / "results" / f"{fetch[2]}.png", tmp_path / "results" / f"{fetch[3]}.png"
    before = kept.stat().st_mtime_ns
    lost.unlink()
    assert cli(*fetch, hashed, "--output-dir", "results").code == 0
    assert (kept.stat().st_mtime_ns, lost.is_file()) == (before, True)
    kept.write_bytes(b"of somebody else")
    assert cli(*fetch, hashed, "--output-dir", "results").code == 1
    assert kept.read_bytes() == b"of somebody else"
    assert "fetch" not in cli("hash", "compute", "photo.jpg", "again.jpg").err
    one_failed = cli("image-conversion", "convert", "photo.jpg", "lost.jpg", "--format", "png")
    assert one_failed.lines[-1].startswith("hint: the files are on the server; fetch them with")


def test_results_of_many_files_go_into_the_folder_that_output_names(cli: Cli, tmp_path: Path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(PHOTO)
    for output in ("made/", "made"):
        ran = cli("image-conversion", "convert", "a.jpg", "b.jpg", "--format", "png", "-o", output, "--overwrite")
        assert ran.code == 0, ran.err
    assert {"a.png", "b.png"} < {path.name for path in (tmp_path / "made").iterdir()}


def test_a_dry_run_lists_the_files_that_patterns_leave_and_sends_nothing(cli: Cli, tmp_path: Path):
    for name in ("a.jpg", "b.png", "raw/c.jpg", "raw/d.dng"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(PHOTO)

    def listed(*options: str) -> list[str]:
        ran = cli("hash", "compute", "photos", "--dry-run", "--compute-url", "http://127.0.0.1:1", *options)
        assert ran.code == 0, ran.err
        assert ran.err.endswith("files; nothing was sent\n")
        return [line.removeprefix("photos/") for line in ran.out.splitlines()]

    assert listed() == ["a.jpg", "b.png", "raw/c.jpg", "raw/d.dng"]
    assert listed("--include", "*.jpg", "--include", "*.png") == ["a.jpg", "b.png", "raw/c.jpg"]
    assert listed("--include", "*.jpg", "--exclude", "raw/*") == ["a.jpg"]
    none = cli("hash", "compute", "photos", "--include", "*.tiff")
    assert (none.code, none.lines[0]) == (2, "error: there are no files in photos")


def test_on_a_terminal_a_batch_is_a_line_for_each_file_and_a_list_of_jobs_fits(cli: Cli, tmp_path: Path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(PHOTO)
    seen = typed(["image-conversion", "convert", ".", "--format", "png"], [], tmp_path)
    assert seen.code == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.screen).replace("\r", "\n").splitlines()
    rows = [line for line in shown if re.match(r"[abc]\.jpg  \w{32}  ", line)]
    assert sorted(row[:5] for row in rows) == ["a.jpg", "b.jpg", "c.jpg"]
    assert "cl-client jobs fetch" in " ".join(shown)
    listed = typed(["jobs", "list"], [], tmp_path).screen.splitlines()
    jobs = [line for line in listed if re.match(r"\w{32}  ", line)]
    assert len(jobs) >= 3
    assert all(len(line.rstrip()) <= 80 and line.rstrip().endswith(" ago") for line in jobs)
