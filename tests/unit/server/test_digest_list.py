"""What is noted of the files of a folder when they are written."""

import hashlib
from pathlib import Path

import pytest

from cl_server.files import digests
from cl_server.files.local import LocalFileStorage

OLD, NEW = (hashlib.sha256(content).hexdigest() for content in (b"old", b"new"))


def published(base: Path, *names: str) -> LocalFileStorage:
    """A job that wrote files of these names."""
    storage = LocalFileStorage(base)
    storage.create_job_directory("job")
    workspace = storage.begin_attempt("job", 1)
    for name in names:
        (workspace.outputs / name).parent.mkdir(exist_ok=True)
        (workspace.outputs / name).write_bytes(b"old")
    workspace.hand_in()
    workspace.publish()
    return storage


def test_it_is_in_the_format_of_sha256sum(tmp_path: Path) -> None:
    output = published(tmp_path, "b.jpg", "a/1.ts").get_output_path("job")
    assert (output / ".sha256").read_text() == f"{OLD}  b.jpg\n{OLD}  a/1.ts\n"


def test_it_is_what_was_written_that_counts_not_what_the_disk_gives_back(tmp_path: Path) -> None:
    storage = published(tmp_path, "a/1.ts")
    (storage.get_output_path("job") / "a/1.ts").write_bytes(b"new")
    file = storage.find("job", "output/a/1.ts")
    assert file is not None
    assert storage.sha256(file) == OLD
    assert [entry.sha256 for entry in storage.list_files("job")] == [OLD]


@pytest.mark.parametrize("name", ["two\nlines", "a\\b", " \t"])
def test_any_name_that_a_plugin_gives_has_its_digest(tmp_path: Path, name: str) -> None:
    storage = published(tmp_path, name, "other")
    file = storage.find("job", f"output/{name}")
    assert file is not None
    assert storage.sha256(file) == OLD


def test_a_file_that_was_never_noted_is_read(tmp_path: Path) -> None:
    storage = published(tmp_path)
    (storage.get_output_path("job") / "late").write_bytes(b"new")
    file = storage.find("job", "output/late")
    assert file is not None
    assert storage.sha256(file) == NEW


def test_a_list_that_is_broken_counts_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    digests.note(tmp_path, [("a", OLD)])
    with (tmp_path / ".sha256").open("ab") as file:
        file.write(b"\xff\x00 half a li")
    assert digests.noted(tmp_path) == {"a": OLD}


def test_no_request_reads_the_list_itself(tmp_path: Path) -> None:
    storage = published(tmp_path, "a")
    assert storage.find("job", "output/.sha256") is None
    assert [entry.path for entry in storage.list_files("job")] == ["output/a"]
