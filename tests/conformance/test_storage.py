"""Files of jobs: what holds wherever they are kept."""

import hashlib
import io
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from cl_server.files.local import open_storage
from cl_server.files.protocol import JobStorage, StorageUnavailableError
from cl_server.settings_error import SettingsError
from tests.s3 import S3Server

CONTENT = bytes(range(256)) * 1000


class Uploaded:
    """What FastAPI hands over."""

    def __init__(self, content: bytes) -> None:
        self.file: BinaryIO = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)


class Place:
    """A storage, as any process finds it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder = folder
        self.url = url
        self.storage = self.another("here")

    def another(self, process: str) -> JobStorage:
        return open_storage(self.folder, self.url, process)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty storage of each kind."""
    if request.param == "local":
        return Place(tmp_path, None)
    server: S3Server = request.getfixturevalue("s3")
    return Place(tmp_path, server.bucket())


@pytest.fixture
def storage(place: Place) -> JobStorage:
    return place.storage


async def upload(storage: JobStorage, job_id: str = "job", content: bytes = CONTENT, name: str = "source.jpg") -> str:
    """A job with an input; the path of that."""
    storage.create_job_directory(job_id)
    saved = await storage.save_input_file(job_id, name, Uploaded(content))
    assert saved["size"] == len(content)
    return saved["path"]


def publish(storage: JobStorage, job_id: str, token: int, **files: str) -> None:
    """An attempt that goes well. `__` in a name stands for a folder."""
    workspace = storage.begin_attempt(job_id, token)
    for name, text in files.items():
        path = workspace.outputs / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    workspace.hand_in()
    workspace.publish()
    workspace.close()


def text_of(storage: JobStorage, job_id: str, path: str) -> str | None:
    """What a file says; `None` when there is none."""
    file = storage.find(job_id, path)
    return None if file is None else b"".join(storage.read(file)).decode()


async def test_what_was_uploaded_is_found_and_read_whole_and_in_ranges(storage: JobStorage) -> None:
    path = await upload(storage)
    assert Path(path) == storage.get_input_path("job") / "source.jpg"
    file = storage.find("job", "input/source.jpg")
    assert file is not None
    assert (file.name, file.size) == ("source.jpg", len(CONTENT))
    assert storage.sha256(file) == hashlib.sha256(CONTENT).hexdigest()
    assert b"".join(storage.read(file)) == CONTENT
    assert b"".join(storage.read(file, 300)) == CONTENT[300:]
    assert b"".join(storage.read(file, 255, 258)) == CONTENT[255:258]
    assert b"".join(storage.read(file, 7, 7)) == b""


async def test_a_large_file_comes_in_pieces(storage: JobStorage) -> None:
    content = CONTENT * 40
    await upload(storage, content=content)
    file = storage.find("job", "input/source.jpg")
    assert file is not None
    pieces = list(storage.read(file))
    assert len(pieces) > 1
    assert b"".join(pieces) == content


async def test_an_empty_file_is_a_file(storage: JobStorage) -> None:
    await upload(storage, content=b"")
    file = storage.find("job", "input/source.jpg")
    assert file is not None
    assert list(storage.read(file)) == []


async def test_the_tag_of_a_file_stays_while_its_content_does(place: Place) -> None:
    await upload(place.storage)
    publish(place.storage, "job", 1, result="one")
    first = place.storage.find("job", "output/result")
    assert first is not None
    assert first == place.another("there").find("job", "output/result")
    assert first.etag.startswith('"')
    publish(place.storage, "job", 2, result="two")
    second = place.storage.find("job", "output/result")
    assert second is not None
    assert second.etag != first.etag


async def test_the_list_has_everything_with_its_digest(storage: JobStorage) -> None:
    await upload(storage)
    publish(storage, "job", 1, **{"result.txt": "words", "folder__inner.txt": "more"})
    listed = storage.list_files("job")
    assert [entry.path for entry in listed] == ["input/source.jpg", "output/folder/inner.txt", "output/result.txt"]
    assert listed[0].sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert listed[0].size == len(CONTENT)
    assert (listed[2].size, listed[2].media_type) == (5, "text/plain")
    assert text_of(storage, "job", "output/folder/inner.txt") == "more"
    assert storage.list_files("another") == []


async def test_a_task_reads_its_inputs_as_local_files(storage: JobStorage) -> None:
    path = await upload(storage)
    workspace = storage.begin_attempt("job", 1)
    assert (workspace.inputs / Path(path).name).read_bytes() == CONTENT
    workspace.close()


async def test_outputs_appear_all_at_once_and_replace_those_of_before(storage: JobStorage) -> None:
    await upload(storage)
    publish(storage, "job", 1, a="first", b="first")
    workspace = storage.begin_attempt("job", 2)
    (workspace.outputs / "a").write_text("second")
    workspace.hand_in()
    assert text_of(storage, "job", "output/a") == "first"
    workspace.publish()
    workspace.close()
    assert text_of(storage, "job", "output/a") == "second"
    assert storage.find("job", "output/b") is None


async def test_what_was_given_up_was_never_there(storage: JobStorage) -> None:
    await upload(storage)
    before = storage.size_of("job")
    workspace = storage.begin_attempt("job", 1)
    (workspace.outputs / "a").write_text("words")
    workspace.hand_in()
    workspace.close()
    assert not workspace.outputs.exists()
    assert storage.find("job", "output/a") is None
    assert storage.size_of("job") == before


async def test_what_is_half_written_is_not_handed_in(storage: JobStorage) -> None:
    await upload(storage)
    publish(storage, "job", 1, **{".a.part": "half", ".folder__a": "half", "a": "whole"})
    assert [entry.path for entry in storage.list_files("job")] == ["input/source.jpg", "output/a"]
    assert storage.find("job", "output/.a.part") is None


async def test_a_process_that_is_killed_before_it_publishes_leaves_nothing(place: Place) -> None:
    """kill -9; the next attempt has the job to itself."""
    await upload(place.storage)
    with Attempter(place) as process:
        process.until("handed in")
        process.kill()
    assert [entry.path for entry in place.storage.list_files("job")] == ["input/source.jpg"]
    publish(place.another("next"), "job", 2, **{"result.txt": "of the second"})
    assert text_of(place.storage, "job", "output/result.txt") == "of the second"
    assert place.storage.find("job", "output/more.txt") is None


async def test_a_process_that_is_killed_after_it_has_published_did_so_for_all(place: Place) -> None:
    await upload(place.storage)
    with Attempter(place) as process:
        process.until("published")
        process.kill()
    assert text_of(place.storage, "job", "output/result.txt") == "of the first"
    assert text_of(place.storage, "job", "output/more.txt") == "of the first"


class Attempter:
    """The other process."""

    def __init__(self, place: Place) -> None:
        argv = [sys.executable, "-m", "tests.conformance.attempter", str(place.folder), place.url or "", "job"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Attempter":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def until(self, word: str) -> None:
        """Let it go on until it says this."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        while (said := self._process.stdout.readline().strip()) != word:
            assert said, "the process ended"
            self._process.stdin.write("go\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()


async def test_a_new_job_gets_the_inputs_of_another_and_keeps_them(storage: JobStorage) -> None:
    await upload(storage)
    publish(storage, "job", 1, a="words")
    assert storage.copy_inputs("job", "again")
    assert [entry.path for entry in storage.list_files("again")] == ["input/source.jpg"]
    assert storage.cleanup_job("job")
    file = storage.find("again", "input/source.jpg")
    assert file is not None
    assert b"".join(storage.read(file)) == CONTENT
    assert not storage.copy_inputs("job", "third")
    assert storage.list_files("third") == []


async def test_cleaning_up_removes_everything_and_says_whether_there_was_something(storage: JobStorage) -> None:
    await upload(storage)
    await upload(storage, "jobber")
    publish(storage, "job", 1, a="words")
    file = storage.find("job", "output/a")
    assert file is not None
    assert storage.cleanup_job("job")
    assert storage.find("job", "input/source.jpg") is None
    assert storage.find("job", "output/a") is None
    with pytest.raises(FileNotFoundError):
        b"".join(storage.read(file))
    assert not storage.cleanup_job("job")
    assert storage.find("jobber", "input/source.jpg") is not None


async def test_sizes_are_those_of_the_files(storage: JobStorage) -> None:
    await upload(storage, "one", b"x" * 50_000)
    await upload(storage, "two", b"x" * 20_000)
    sizes = storage.sizes()
    assert sizes.keys() == {"one", "two"}
    # A storage may keep notes of its own beside them.
    assert 50_000 <= sizes["one"] == storage.size_of("one") < 51_000
    assert 20_000 <= sizes["two"] < 21_000
    assert storage.size_of("nothing") == 0


@pytest.mark.parametrize("name", ["../../../../escaped", "/etc/escaped", "..", "a/b/../../escaped"])
async def test_a_name_leads_nowhere_else(storage: JobStorage, name: str) -> None:
    storage.create_job_directory("job")
    try:
        saved = await storage.save_input_file("job", name, Uploaded(b"content"))
    except (OSError, ValueError):
        assert name == ".."
        return
    assert Path(saved["path"]) == storage.get_input_path("job") / "escaped"
    assert [entry.path for entry in storage.list_files("job")] == ["input/escaped"]


WRONG = (
    *("", ".", "..", "/", "input", "input/", "input//source.jpg/..", "../job/input/source.jpg", "/etc/passwd"),
    *("input/../../other/input/x", "input/\0", "output/" + "x" * 300, "input.json", "attempts/1/a", ".attempt-1/a"),
)


@pytest.mark.parametrize("path", WRONG)
async def test_only_the_names_of_its_files_find_something(storage: JobStorage, path: str) -> None:
    await upload(storage)
    workspace = storage.begin_attempt("job", 1)
    (workspace.outputs / "a").write_text("secret")
    workspace.hand_in()
    file = storage.find("job", path)
    assert file is None or b"".join(storage.read(file)) == CONTENT


@pytest.mark.parametrize("job_id", ["", "..", "a/b", "x" * 65, "a\0"])
def test_what_is_no_job_id_is_no_place(storage: JobStorage, job_id: str) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        storage.create_job_directory(job_id)
    with pytest.raises(ValueError, match="not a job id"):
        storage.cleanup_job(job_id)
    assert storage.find(job_id, "input/source") is None


async def test_what_is_published_twice_is_there_once(storage: JobStorage) -> None:
    """The transaction around the first time did not come to its end."""
    await upload(storage)
    workspace = storage.begin_attempt("job", 1)
    (workspace.outputs / "a.txt").write_text("result")
    workspace.hand_in()
    workspace.publish()
    workspace.publish()
    workspace.close()
    assert text_of(storage, "job", "output/a.txt") == "result"


async def test_a_job_without_inputs_gets_those_of_another_and_one_with_some_keeps_them(storage: JobStorage) -> None:
    await upload(storage, "lost")
    await upload(storage, "whole", b"its own")
    await upload(storage, "source", b"again")
    storage.cleanup_job("lost")
    assert storage.mend_inputs("lost", "source")
    assert not storage.mend_inputs("whole", "source")
    storage.cleanup_job("source")
    assert text_of(storage, "lost", "input/source.jpg") == "again"
    assert text_of(storage, "whole", "input/source.jpg") == "its own"
    publish(storage, "lost", 1, **{"a.txt": "result"})
    assert text_of(storage, "lost", "output/a.txt") == "result"


async def test_a_storage_knows_which_databases_have_used_it(place: Place) -> None:
    assert place.storage.databases() == set()
    for name in ("one", "two", "one"):
        place.storage.add_database(name)
    assert place.another("there").databases() == {"one", "two"}
    await upload(place.storage)
    assert set(place.storage.sizes()) == {"job"}


async def test_what_a_dead_attempt_left_goes_with_the_next_one(storage: JobStorage) -> None:
    await upload(storage)
    before = storage.size_of("job")
    for token in (1, 2):
        workspace = storage.begin_attempt("job", token)
        (workspace.outputs / "a.txt").write_text("x" * 1000)
        workspace.hand_in()
    assert before + 1000 <= storage.size_of("job") < before + 2000
    storage.clear_attempts("job")
    assert storage.size_of("job") == before
    publish(storage, "job", 3, **{"a.txt": "result"})
    storage.clear_attempts("job")
    assert text_of(storage, "job", "output/a.txt") == "result"


def test_a_bucket_that_is_not_there_is_found_out_at_the_start(s3: S3Server, tmp_path: Path) -> None:
    storage = open_storage(tmp_path, "s3://nosuchbucket/x", "here")
    with pytest.raises(SettingsError, match=r"CL_STORAGE: s3://nosuchbucket/x cannot be used .*make the bucket"):
        storage.check_settings()
    open_storage(tmp_path, s3.bucket(), "here").check_settings()


def test_a_storage_that_does_not_answer_may_come_and_is_given_up_soon(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        storage = open_storage(tmp_path, s3.bucket(), "here")
        started = time.monotonic()
        storage.check_settings()
        with pytest.raises(StorageUnavailableError):
            storage.keep_input("job", "source", io.BytesIO(b"words"))
        # Twice, and each within seconds: obstore alone takes three minutes.
        assert time.monotonic() - started < 60
