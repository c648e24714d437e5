"""A journal survives whatever a crash leaves of it, and is never mistaken for something else."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cl_client.batch.journal import Journal
from cl_client.errors import JournalError
from cl_client.model import JobState


def state(job_id: str) -> JobState:
    return JobState.from_dict(
        {
            "job_id": job_id, "task_type": "hash", "status": "completed", "progress": 100, "params": {},
            "task_output": {"sha256": "é"}, "error_message": None, "priority": 5, "created_at": 1, "updated_at": 2,
            "started_at": 1, "completed_at": 2,
        }
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of one item that is done, one that is under way and one that failed twice."""
    path = tmp_path / "new" / "batch.jsonl"
    with Journal(path) as journal:
        journal.submitted("a", "job-a", "/a")
        journal.completed("a", state("job-a"))
        journal.failed("c", "job-c1", "broken")
        journal.failed("c", "job-c2", "broken")
        journal.submitted("b", "job-b", "/b")
    return path


def seen(path: Path) -> dict[str, tuple[str, str, int]]:
    with Journal(path) as journal:
        found = {item: journal.find(item) for item in "abc"}
        return {item: (entry.status, entry.job_id, entry.attempt) for item, entry in found.items() if entry is not None}


WHOLE = {"a": ("completed", "job-a", 0), "b": ("submitted", "job-b", 0), "c": ("failed", "job-c2", 2)}


def test_what_was_noted_is_read_again(path: Path):
    assert seen(path) == WHOLE
    with Journal(path) as journal:
        entry = journal.find("a")
        assert entry is not None
        assert journal.state(entry) == state("job-a")
        journal.completed("b", state("job-b"))
        entry = journal.find("b")
        assert entry is not None
        assert journal.state(entry) == state("job-b")
    assert path.stat().st_mode & 0o777 == 0o600


def test_wherever_the_last_line_is_torn_the_rest_stands_and_goes_on(path: Path):
    lines = path.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:-1])
    for size in range(1, len(lines[-1])):
        path.write_bytes(kept + lines[-1][:size])
        assert seen(path) == {item: word for item, word in WHOLE.items() if item != "b"}
        with Journal(path) as journal:
            journal.submitted("b", "job-b", "/b")
        assert seen(path) == WHOLE


def test_a_journal_that_was_hardly_begun_begins_again(path: Path):
    head = path.read_bytes().splitlines(keepends=True)[0]
    for size in range(len(head)):
        path.write_bytes(head[:size])
        assert seen(path) == {}


def test_keys_stay_until_an_attempt_has_failed_and_are_another_in_another_journal(path: Path, tmp_path: Path):
    with Journal(path) as journal, Journal(tmp_path / "other") as other:
        key = journal.key("b", 5)
        assert key != journal.key("b", 6)
        assert key != other.key("b", 5)
        assert len(key) == 64
        journal.failed("b", "job-b", "broken")
        assert journal.key("b", 5) != key
        later = journal.key("b", 5)
    with Journal(path) as journal:
        assert journal.key("b", 5) == later


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"my own notes", "of another kind"),
        (b'{"a": 1}\n', "of another kind"),
        (b"\x00\xff\n", "of another kind"),
        (b'{"journal": "cl-client", "version": 2, "batch": "x"}\n', "another version"),
        (b'{"journal": "cl-client", "version": 1, "batch": "x"}\nwhat?\n', "line 2 cannot be read"),
        (b'{"journal": "cl-client", "version": 1, "batch": "x"}\n{"item": "a"}\n', "line 2 cannot be read"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=said):
        Journal(path)
    assert path.read_bytes() == content
    with pytest.raises(JournalError, match="directory"):
        Journal(tmp_path)


def test_two_processes_cannot_hold_it(path: Path):
    script = "import sys; from cl_client.batch.journal import Journal; Journal(sys.argv[1])"
    with Journal(path):
        with pytest.raises(JournalError, match="another process is at it"):
            Journal(path)
        other = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
        assert "another process is at it" in other.stderr
    assert seen(path) == WHOLE


def test_a_full_disk_is_told_and_tears_nothing(path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        try:
            with pytest.raises(JournalError, match="cannot use"):
                journal.completed("b", state("job-b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        journal.submitted("d", "job-d", "/d")
    assert seen(path) == WHOLE
    assert [json.loads(line)["item"] for line in path.read_text().splitlines()[-2:]] == ["b", "d"]
