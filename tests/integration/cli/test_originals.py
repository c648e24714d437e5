"""A person's files are never replaced by results: that is refused before anything is sent, or kept apart."""

import json
import os
import unicodedata
from pathlib import Path

import pytest

from cl_client.batch.journal import Journal
from cl_client.cli.running.sources import result_names
from tests.integration.cli.conftest import Cli, Ran
from tests.media.photo import photo, write


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The current folder, with two pictures."""
    write(tmp_path / "a.jpg", photo(60, 40))
    write(tmp_path / "b.jpg", photo(50, 40))
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name[0] != "."}


def refused(ran: Ran, *words: str) -> None:
    """Before anything was sent: nobody paid for a job."""
    assert (ran.code, ran.out) == (2, "")
    line, *hint = ran.lines
    assert all(each.startswith("hint: ") for each in hint)
    assert "--overwrite" in line or "device or a pipe" in line or "is empty" in line
    for word in words:
        assert word in line


THUMBNAIL = ["media-thumbnail", "generate"]
TO_JPG = ["image-conversion", "convert", "-f", "jpg"]


def many_over(cli: Cli, here: Path, *options: str) -> Ran:
    return cli(*THUMBNAIL, "a.jpg", "b.jpg", *options)


def test_results_beside_their_originals_are_refused(cli: Cli, here: Path):
    before = snapshot(here)
    refused(many_over(cli, here, "--output-dir", "."), "a.jpg", "b.jpg")
    (here / "link").symlink_to(here, target_is_directory=True)
    refused(many_over(cli, here, "--output-dir", "link"))
    refused(many_over(cli, here, "--output-dir", str(here)))
    refused(cli(*THUMBNAIL, "a.jpg", "--output-dir", "."), "a.jpg")
    refused(cli(*TO_JPG, "a.jpg", "--output-dir", "."), "a.jpg")
    refused(cli(*TO_JPG, ".", "--output-dir", ".", "--resume"))
    (here / "jobs.jsonl").write_text(json.dumps({"command": "media-thumbnail generate", "file": "a.jpg"}))
    refused(cli("batch", "jobs.jsonl", "--output-dir", "."), "a.jpg")
    assert before.items() <= snapshot(here).items()
    assert many_over(cli, here, "--output-dir", ".", "--overwrite").code == 0
    assert snapshot(here)["a.jpg"] != before["a.jpg"]


def test_a_picture_that_has_the_name_of_a_result_is_no_result(cli: Cli, here: Path):
    write(here / "a.png", photo(9, 9))
    before = snapshot(here)
    refused(cli(*TO_JPG, "a.png", "--output-dir", "."), "a.jpg")
    refused(cli(*TO_JPG[:-1], "jpeg", "a.png", "--output-dir", "."), "a.jpg")
    assert before.items() <= snapshot(here).items()
    # Where nothing would be replaced, results may go there.
    assert cli(*TO_JPG[:-1], "webp", "a.png", "b.jpg", "--output-dir", ".").code == 0
    assert cli("hash", "compute", "a.jpg", "b.jpg", "--output-dir", ".").code == 0
    assert {"a.webp", "b.webp", "a.json", "b.json"} <= {path.name for path in here.iterdir()}
    assert before.items() <= snapshot(here).items()


def test_results_of_an_earlier_run_are_replaced_and_what_somebody_made_of_them_is_not(cli: Cli, here: Path):
    command = [*THUMBNAIL, "a.jpg", "b.jpg", "--output-dir", "out", "-w"]
    assert cli(*command, "16").code == 0
    small = snapshot(here / "out")
    assert cli(*command, "32").code == 0
    assert snapshot(here / "out")["a.jpg"] != small["a.jpg"]
    (here / "out" / "a.jpg").write_bytes(b"painted over")
    refused(cli(*command, "16"), "out/a.jpg")
    assert cli(*command, "8", "--resume").code == 1
    assert (here / "out" / "a.jpg").read_bytes() == b"painted over"
    assert cli(*command, "16", "--overwrite").code == 0
    assert snapshot(here / "out") == small


def test_a_run_that_was_killed_when_a_result_was_there_goes_on(cli: Cli, here: Path):
    command = [*THUMBNAIL, "a.jpg", "--output-dir", "out"]
    assert cli(*command).code == 0
    journal = here / "out" / ".cl-client-batch.jsonl"
    lines = [line for line in journal.read_text().splitlines(keepends=True) if '"completed"' not in line]
    journal.write_text("".join(lines))
    assert cli(*command, "--resume").code == 0
    with Journal(journal) as opened:
        assert list(opened.results) == ["a.jpg"]


@pytest.mark.parametrize("name", ["a.jpg", "./a.jpg", "link.jpg", "hard.jpg", "LINK"])
def test_a_result_is_never_called_as_its_original(cli: Cli, here: Path, name: str):
    (here / "link.jpg").symlink_to("a.jpg")
    (here / "LINK").symlink_to(here / "a.jpg")
    (here / "hard.jpg").hardlink_to(here / "a.jpg")
    before = snapshot(here)
    refused(cli(*THUMBNAIL, "a.jpg", "-o", name), "is the file that is sent")
    refused(cli("hash", "compute", "a.jpg", "-o", name), "is the file that is sent")
    assert snapshot(here) == before


def test_a_folder_for_one_result_keeps_its_original_and_other_results(cli: Cli, here: Path):
    before = snapshot(here)
    refused(cli(*TO_JPG, "a.jpg", "-o", "."), "a.jpg")
    assert cli(*THUMBNAIL, "a.jpg", "-o", ".", "-w", "9").code == 0
    assert cli(*THUMBNAIL, "a.jpg", "-o", ".", "-w", "9").code == 0
    assert set(snapshot(here)) == {*before, "a_thumbnail.jpg"}
    assert cli(*THUMBNAIL, "a.jpg", "-o", ".", "-w", "7").code == 0
    assert set(snapshot(here)) == {*before, "a_thumbnail.jpg", "a_thumbnail (2).jpg"}
    assert before.items() <= snapshot(here).items()


def test_results_of_names_in_any_script_stay_apart(cli: Cli, here: Path):
    names = ["日本", "中国", "हिन्दी", "हिन्दू", "Ünïcode", "🙂", "🙃"]
    for number, name in enumerate(names, 20):
        write(here / f"{name}.jpg", photo(number, 30))
        assert cli(*THUMBNAIL, f"{name}.jpg", "-o", ".").code == 0
    made = [name for name in snapshot(here) if "thumbnail" in name]
    assert sorted(name.partition("_")[0] for name in made) == sorted(names)
    # One file on macOS: é as one character, and as two.
    spelt = [Path("é.jpg"), Path("e\u0301.jpg")]
    assert len({unicodedata.normalize("NFC", str(name)) for name in result_names([*spelt])}) == 2


def test_links_stay_links_and_devices_are_none_of_ours(cli: Cli, here: Path):
    (here / "target").write_bytes(b"T")
    (here / "link").symlink_to("target")
    assert cli(*THUMBNAIL, "a.jpg", "-o", "link").code == 0
    assert (here / "link").is_symlink()
    assert (here / "target").read_bytes()[:2] == b"\xff\xd8"
    os.mkfifo(here / "pipe")
    (here / "null").symlink_to("/dev/null")
    for place in ("pipe", "null", "/dev/null", "/dev/full"):
        refused(cli(*THUMBNAIL, "a.jpg", "-o", place), "device or a pipe")
        refused(cli("hash", "compute", "a.jpg", "-o", place), "device or a pipe")
    assert (here / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()
    (here / "circle").symlink_to("back")
    (here / "back").symlink_to("circle")
    ran = cli(*THUMBNAIL, "a.jpg", "-o", "circle")
    assert (ran.code, ran.lines) == (2, ["error: cannot write circle: Too many levels of symbolic links"])
    assert (here / "circle").is_symlink()


@pytest.mark.parametrize(
    "arguments",
    [["hash", "compute", ""], ["hash", "compute", "a.jpg", ""], [*THUMBNAIL, "a.jpg", "-o", ""],
     [*THUMBNAIL, "a.jpg", "--output="], [*THUMBNAIL, "a.jpg", "--output-dir", ""], ["batch", ""]],
)  # fmt: skip
def test_an_empty_argument_is_never_the_whole_folder(cli: Cli, here: Path, arguments: list[str]):
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "is empty, and names no file" in ran.err
    (here / "jobs.jsonl").write_text(json.dumps({"command": "hash compute", "file": ""}))
    assert '"file" is an empty string' in cli("batch", "jobs.jsonl").err


def test_an_empty_value_that_is_no_path_is_one(cli: Cli, here: Path):
    assert cli("config", "set", "username", "").code == 0
    assert cli("hash", "compute", ".", "--algorithm", "md5").code == 0
