"""Whatever goes wrong: one clear line, what to do, the right exit code, and nothing half-written."""

import hashlib
import json
import resource
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli, Ran
from tests.media.photo import photo, slow, write


def says(ran: Ran, code: int, *words: str, hint: bool = False) -> None:
    """Hold a failed run against what it has to be."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    errors = [line for line in ran.lines if line.startswith("error: ")]
    hints = [line for line in ran.lines if line.startswith("hint: ")]
    assert len(errors) == 1, ran.err
    assert len(hints) == (1 if hint else 0), ran.err
    assert len(ran.lines) == len(errors) + len(hints), ran.err
    for word in words:
        assert word in ran.err


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write(tmp_path / "photo.jpg", photo(200, 150))


def test_a_file_that_does_not_exist(process: Cli):
    says(process("hash", "compute", "no-such.jpg"), 2, "no-such.jpg does not exist")


def test_an_empty_file(cli: Cli, tmp_path: Path):
    write(tmp_path / "empty.jpg", b"")
    says(cli("hash", "compute", "empty.jpg"), 2, "empty.jpg is empty")


def test_a_folder_with_nothing_in_it(cli: Cli, tmp_path: Path):
    says(cli("hash", "compute", str(tmp_path)), 2, "there are no files in")
    says(cli("hash", "compute", "*.jpg"), 2, "no file is like *.jpg")


def test_a_text_that_is_sent_as_an_image(process: Cli, tmp_path: Path):
    write(tmp_path / "notes.txt", b"this is no picture")
    ran = process("media-thumbnail", "generate", "notes.txt", "-o", "small.jpg")
    says(ran, 1, "notes.txt is not an image", "(text/plain)", "HTTP 415", "[request ")
    assert not (tmp_path / "small.jpg").exists()


def test_an_image_whose_end_is_missing(cli: Cli, tmp_path: Path):
    write(tmp_path / "half.jpg", photo(640, 480)[:4_000])
    ran = cli("image-conversion", "convert", "half.jpg", "--format", "png")
    says(ran, 1, "half.jpg is damaged: its end is missing", "HTTP 422")


def test_an_image_whose_end_is_missing_has_the_hashes_of_its_bytes(cli: Cli, tmp_path: Path):
    half = photo(640, 480)[:4_000]
    write(tmp_path / "half.jpg", half)
    ran = cli("hash", "compute", "half.jpg", "--json")
    assert (ran.code, ran.err) == (0, "")
    output = json.loads(ran.out)["output"]
    assert (output["phash"], output["sha256"]) == (None, hashlib.sha256(half).hexdigest())
    says(cli("hash", "compute", "half.jpg", "--algorithm", "phash"), 1, "failed", "half.jpg is damaged: ")


def test_a_text_in_which_a_worker_finds_no_image(cli: Cli, tmp_path: Path):
    write(tmp_path / "notes.txt", b"this is no picture")
    says(cli("hash", "compute", "notes.txt", "--algorithm", "phash"), 1, "failed", "notes.txt is not an image")


def test_a_quality_of_zero(cli: Cli, picture: Path):
    says(
        cli("image-conversion", "convert", str(picture), "--format", "webp", "--quality", "0"),
        2,
        "quality is 0",
        "at least 1",
    )


def test_a_format_that_nobody_knows(cli: Cli, picture: Path):
    ran = cli("image-conversion", "convert", str(picture), "--format", "xyz")
    says(ran, 2, '"xyz"', '"webp"', "hint: cl-client image-conversion convert --help", hint=True)


def test_a_width_of_minus_one(cli: Cli, picture: Path):
    says(cli("media-thumbnail", "generate", str(picture), "-w", "-1"), 2, "width is -1", "at least 1")


def test_a_server_that_is_down(cli: Cli, picture: Path, nothing_there: int):
    ran = cli("hash", "compute", str(picture), "--compute-url", f"http://127.0.0.1:{nothing_there}")
    says(ran, 1, f"cannot reach http://127.0.0.1:{nothing_there}", "cl-client server up", hint=True)


def test_server_and_broker_that_are_down(process: Cli, picture: Path, nothing_there: int):
    ran = process(
        "hash", "compute", str(picture), "--compute-url", f"http://127.0.0.1:{nothing_there}",
        "--mqtt-port", str(nothing_there),
    )  # fmt: skip
    assert ran.code == 1
    assert len([line for line in ran.lines if line.startswith("error: ")]) == 1


def test_a_broker_that_is_down_is_said_once_and_stops_nothing(cli: Cli, tmp_path: Path, nothing_there: int):
    write(tmp_path / "slow.png", slow())
    ran = cli(
        "image-conversion", "convert", "slow.png", "--format", "bmp", "--mqtt-port", str(nothing_there), "-o", "a.bmp"
    )
    assert ran.code == 0
    (line,) = ran.lines
    assert line.startswith(f"warning: MQTT broker 127.0.0.1:{nothing_there} is not reachable")
    assert "over HTTP" in line
    assert (tmp_path / "a.bmp").stat().st_size > 0


def test_a_job_that_does_not_exist(cli: Cli, tmp_path: Path):
    ran = cli("download", "0000", "output/photo.jpg", "photo.jpg")
    says(ran, 1, "there is no job 0000", "[request ", "deleted jobs are gone", hint=True)
    assert not any(tmp_path.iterdir())


def test_a_path_outside_of_the_job(cli: Cli):
    says(cli("download", "0000", "../../etc/passwd", "x"), 2, "not a path inside of a job")


def test_a_disk_that_is_full_during_a_download(cli: Cli, process: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(600, 400))
    job = cli("-q", "image-conversion", "convert", "photo.jpg", "--format", "bmp").out.strip()
    before = {path.name for path in tmp_path.iterdir()}

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ran = process("download", job, "output/photo.bmp", "photo.bmp", before=small_disk, PYTHONDONTWRITEBYTECODE="1")
    says(ran, 1, "cannot write photo.bmp", "File too large", hint=True)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_download_that_fails_keeps_what_was_there(cli: Cli, process: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", photo(600, 400))
    write(tmp_path / "photo.bmp", b"the old one")
    ran = process(
        "image-conversion", "convert", "photo.jpg", "--format", "bmp", "-o", "photo.bmp",
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)), PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    assert ran.code == 1
    assert (tmp_path / "photo.bmp").read_bytes() == b"the old one"


def test_a_device_is_no_place_for_a_result(cli: Cli, picture: Path):
    says(cli("hash", "compute", str(picture), "-o", "/dev/null"), 2, "it is a device or a pipe", hint=True)
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hsh"], ['Unknown command "hsh"', "hint: cl-client --help"]),
        (["hash", "compte"], ['"compute"', "hint: cl-client hash --help"]),
        (["hash", "compute"], ["IMAGE", "hint: cl-client hash compute --help"]),
        (["hash", "compute", "photo.jpg", "--nope"], ["--nope", "hint: cl-client hash compute --help"]),
        (["download"], ["hint: cl-client download --help"]),
        (["--mqtt-port", "0", "download", "a", "b", "c"], ["--mqtt-port", "hint: cl-client"]),
    ],
)
def test_a_command_that_cannot_be_read_names_its_help(cli: Cli, arguments: list[str], words: list[str]):
    says(cli(*arguments), 2, *words, hint=True)


def test_addresses_that_are_none(cli: Cli, picture: Path, monkeypatch: pytest.MonkeyPatch):
    says(cli("hash", "compute", str(picture), "--compute-url", "here"), 2, "'here' is not the address")
    monkeypatch.setenv("MQTT_BROKER_PORT", "many")
    says(cli("hash", "compute", str(picture)), 2, "'many' is not a number")


def test_a_timeout_that_is_no_time(cli: Cli, picture: Path):
    says(cli("hash", "compute", str(picture), "--timeout", "0"), 2, "--timeout", hint=True)


def test_options_that_exclude_each_other(cli: Cli, picture: Path):
    says(cli("hash", "compute", str(picture), "--no-wait", "--watch"), 2, "--no-wait")


def test_quiet_never_hides_an_error(cli: Cli):
    ran = cli("-q", "hash", "compute", "no-such.jpg")
    assert ran.err == "error: no-such.jpg does not exist\n"


def test_debug_adds_the_traceback(cli: Cli):
    ran = cli("--debug", "hash", "compute", "no-such.jpg")
    assert "Traceback" in ran.err
    assert ran.lines[-1] == "error: no-such.jpg does not exist"
