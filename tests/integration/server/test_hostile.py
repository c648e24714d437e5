"""What somebody sends who means harm, or whose program is broken: nothing of it stops the server or leaves its job.

`HOLES` says which test tries each hole that is known of servers of this kind, here or elsewhere. What is tried
elsewhere and is none of them: tokens (`FORGERIES`), uploads without a length that do not end (test_bad_input.py).
"""

import asyncio
import http.client
import io
import json
import os
import socket
import sys
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest

from cl_server.embedded import LocalStack
from cl_server.files.protocol import finished
from tests.integration.server.client import Api, Watch
from tests.integration.server.test_bad_input import FORM_START, detail
from tests.media import photo

ROOT = Path(__file__).parents[2]

HOLES = {
    "concurrent uploads and health checks deadlock the connections": "integration/server/test_hostile.py::"
    "test_five_hundred_uploads_and_as_many_health_checks_at_once_are_all_answered",
    "exif tags become flags of a program": "integration/server/test_hostile.py::"
    "test_tags_that_look_like_flags_are_names_of_tags",
    "the name of an upload leads out of the job": "integration/server/test_bad_input.py::"
    "test_a_hostile_file_name_is_only_data",
    "a file name over 255 bytes is a 500": "integration/server/test_bad_input.py::"
    "test_a_hostile_file_name_is_only_data",
    "an uploaded playlist reads local files": "integration/server/test_hostile.py::"
    "test_a_playlist_that_names_a_file_of_the_server_gets_nothing_of_it",
    "guests are admins": "integration/access/test_access.py::test_a_stack_of_guests_has_no_admins",
    "jobs are everybody's": "integration/access/test_access.py::test_a_job_is_there_for_its_owner_and_for_admins_alone",
    "inactive users log in": "unit/auth/test_routes.py::test_users_who_are_inactive_neither_log_in_nor_renew_a_token",
    "the time of a login tells which users there are": "unit/auth/test_routes.py::"
    "test_a_wrong_name_costs_what_a_wrong_password_costs",
    "the private key is for all to read": "unit/auth/test_keys.py::test_a_key_is_for_its_owner_alone",
    "admin/admin": "integration/auth/test_auth_server.py::test_there_is_no_password_that_everybody_knows",
    "it listens on all addresses": "integration/server/test_hostile.py::test_every_part_listens_on_this_machine_alone",
    "a job stays processing when its worker is killed": "integration/server/test_faults.py::"
    "test_a_worker_that_is_killed_in_a_job_does_not_take_it_along",
    "the last will is set too late": "integration/server/test_faults.py::"
    "test_a_worker_that_is_killed_in_a_job_does_not_take_it_along",
    "priority is ignored": "integration/server/test_faults.py::test_the_highest_priority_goes_first_then_the_oldest",
    "nobody hears of jobs that fail": "integration/server/test_jobs.py::"
    "test_a_file_that_is_not_an_image_fails_the_job_in_one_line",
    "uploads have no limit": "integration/server/test_hostile.py::"
    "test_ten_gigabytes_are_refused_when_they_are_announced",
    "files are read into memory": "integration/server/test_hostile.py::test_a_large_file_is_never_in_memory",
    "updated_at is created_at": "integration/server/test_jobs.py::test_times_tell_the_story_in_order",
    "outputs tell paths of the server": "integration/server/test_jobs.py::test_nothing_of_the_server_is_in_a_job",
    "JSON in a form that is none is a 500": "integration/server/test_hostile.py::"
    "test_variants_that_make_no_sense_are_one_rule",
    "thumbnails of videos fail": "unit/ml_tools/test_media_thumbnail.py::test_a_video_has_a_thumbnail",
    "thumbnails with transparency or a palette fail": "unit/ml_tools/test_media_thumbnail.py::test_every_mode",
    "the EXIF orientation is ignored": "integration/server/test_jobs.py::test_a_thumbnail_is_made_and_downloaded",
    "pictures of another shape have the same hash": "unit/ml_tools/test_hash.py::"
    "test_the_same_pixels_in_another_shape_are_another_picture",
    "a job is there without its files when the answer to a commit is lost": "unit/server/test_lost_commits.py::"
    "test_a_submit_that_nobody_answered_is_sent_again_and_becomes_one_job",
    "a claim, an end or a delete whose commit was lost happens twice": "conformance/test_lost_commits.py::"
    "test_an_end_is_kept_and_the_next_job_is_taken_once",
    "an empty or wrong database removes the files of all jobs": "unit/server/test_orphaned_files.py::"
    "test_a_database_that_did_not_make_the_files_removes_none_and_says_so_once",
    "what a killed worker wrote stays for ever": "unit/server/test_orphaned_files.py::"
    "test_what_dead_workers_left_goes_with_the_next_attempt_or_with_the_job_and_counts_until_then",
    "a second worker of one name does a job twice": "integration/server/test_processes.py::"
    "test_workers_in_the_folder_of_a_running_stack_are_refused_at_once",
    "a newer or damaged database is a traceback": "unit/server/test_migrations.py::"
    "test_a_server_that_finds_no_database_says_so_in_one_line",
    "everybody hears the names of users' files": "integration/access/test_access.py::"
    "test_nothing_that_a_user_wrote_is_said_on_the_broker",
    "an outage of the file storage fails every job that waits": "unit/server/test_attempt.py::"
    "test_an_outage_of_the_storage_is_nobodys_attempt",
    "a clock that is put forward takes jobs from healthy workers": "conformance/test_clocks.py::"
    "test_a_worker_keeps_its_job",
    "connections that say nothing stay for ever": "unit/server/test_connection_limit.py::"
    "test_a_head_that_does_not_come_ends_the_connection",
    "a server without descriptors answers nobody": "integration/server/test_few_descriptors.py::"
    "test_a_rush_of_submits_is_answered_with_so_few_descriptors",
    "requests wait for a silent database for ever": "conformance/test_silent_database.py::"
    "test_requests_are_refused_at_once_and_the_server_says_that_it_is_not_ready",
    "a small picture takes gigabytes in a worker": "integration/server/test_hostile.py::"
    "test_a_small_picture_that_takes_much_memory_fails_in_one_line_and_the_worker_goes_on",
    "lists get slower with each job that has ended": "conformance/test_many_jobs.py::test_a_list_is_found_by_an_index",
    "wrong logins behind a proxy shut out everybody": "unit/auth/test_limits.py::"
    "test_fifty_wrong_logins_shut_out_nobody_else_behind_the_same_proxy",
    "the first passwords that anybody tries are taken": "unit/auth/test_passwords.py::"
    "test_what_is_tried_first_is_no_password",
    "a disk that is unplugged hides the jobs that are on it": "unit/server/test_folder_away.py::"
    "test_what_needs_it_is_told_to_come_again",
    "a submit that is refused by a full disk is done twice": "unit/server/test_full_disk.py::"
    "test_a_job_that_was_taken_before_is_given_all_the_same",
    "a clean-up keeps its request waiting": "conformance/test_clean_up.py::test_who_asks_for_much_hears_how_far_it_is",
    "a clock that is put logs everybody out": "unit/auth/test_clock_steps.py::test_tokens_from_before_the_step_hold",
    "what runs counts in no quota": "conformance/test_quota.py::"
    "test_what_attempts_have_written_counts_before_more_is_uploaded",
    "a watch waits for ever for an id that is spelt otherwise": "faults/test_download_answers.py::"
    "test_an_answer_for_another_job_is_an_error_that_names_both",
    "a locked keyring makes a guest of whoever was logged in": "unit/client/test_session_store.py::"
    "test_a_keyring_that_is_locked_later_is_named",
    "a result replaces its own original": "integration/cli/test_originals.py::"
    "test_results_beside_their_originals_are_refused",
    "links and devices are replaced by results": "integration/cli/test_originals.py::"
    "test_links_stay_links_and_devices_are_none_of_ours",
    "an empty argument sends the whole folder": "integration/cli/test_originals.py::"
    "test_an_empty_argument_is_never_the_whole_folder",
    "what a server says moves the cursor of a terminal": "unit/cli/test_console.py::"
    "test_debugging_shows_what_a_server_says_and_does_not_do_it",
    "a password with an @ is shown": "unit/cli/test_config.py::test_a_password_in_an_address_is_not_shown",
    "the page of the operations runs scripts of another host": "unit/server/test_docs_page.py::"
    "test_the_page_of_the_operations_loads_nothing",
    "the header of an array is run": "unit/cli/test_embeddings.py::test_what_is_no_vector_of_that_length_is_named",
    "XMP in another encoding hides a document type": "unit/ml_tools/test_exif.py::test_xmp_that_is_none_is_left_out",
    "fields that nobody reads are dropped in silence": "unit/auth/test_routes.py::"
    "test_a_field_that_nobody_reads_is_refused_and_nobody_is_made_or_changed",
}

PICTURE_TASKS: dict[str, dict[str, object]] = {
    "exif": {},
    "image_conversion": {"format": "png"},
    "media_thumbnail": {"width": 64},
    "face_detection": {},
}


def bomb(side: int = 30_000) -> bytes:
    """A PNG of 900 million pixels in about 100 kB."""
    row = bytes(1 + side // 8)
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    size = side.to_bytes(4, "big") * 2

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = chunk(b"IHDR", size + bytes([1, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../escaped.txt", "words")
    return buffer.getvalue()


SVG = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY secret SYSTEM "file:///etc/passwd"> <!ENTITY a "aaaaaaaaaa"> <!ENTITY b "&a;&a;&a;&a;&a;">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">
<script>document.cookie</script><image xlink:href="file:///etc/passwd"/><text>&secret;&b;</text></svg>
"""

# What is sent, and what is said of it.
NO_PICTURES = {
    "bomb.png": (bomb, 422, "bomb.png is too large: more than 256 million pixels"),
    "archive.jpg": (zipped, 415, "archive.jpg is not an image that Pillow can read (application/zip)"),
    "drawing.svg": (lambda: SVG, 415, "drawing.svg is not an image that Pillow can read (text/plain)"),
    "half.jpg": (lambda: photo.photo(640, 480)[:4_000], 422, "half.jpg is damaged: its end is missing"),
    "half.png": (lambda: photo.encoded(photo.corners(), "PNG")[:90], 422, "half.png is damaged: its end is missing"),
}


class Around:
    """The server around a test: what it has besides jobs stays as it was, and its processes too."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._before = self._now()

    def _now(self) -> tuple[dict[str, int], set[str], set[str]]:
        data = self._stack.data
        beside = {
            str(path.relative_to(data))
            for path in data.rglob("*")
            if path.relative_to(data).parts[0] not in {"jobs", "workers"} and not path.name.startswith("jobs.sqlite")
        }
        escaped = {str(path) for folder in (data.parent, Path.cwd()) for path in folder.glob("*escaped*")}
        return self._stack.pids(), beside, escaped

    def is_as_it_was(self) -> bool:
        return self._now() == self._before


@pytest.fixture
def around(local_stack: LocalStack) -> Around:
    return Around(local_stack)


@pytest.mark.parametrize("place", HOLES.values(), ids=list(HOLES))
def test_each_hole_has_a_test_that_tries_it(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_refused_in_one_sentence_and_leaves_nothing(
    local_api: Api, local_stack: LocalStack, around: Around, name: str
) -> None:
    make, status, sentence = NO_PICTURES[name]
    before = set((local_stack.data / "jobs").iterdir())
    # The tags of a picture that is cut off stand before its end, and are read.
    tasks = {task: params for task, params in PICTURE_TASKS.items() if task != "exif" or not name.startswith("half")}
    for task, params in tasks.items():
        response = local_api.try_submit(task, make(), name, **params)
        assert (response.status_code, detail(response)) == (status, sentence)
    assert set((local_stack.data / "jobs").iterdir()) == before
    assert around.is_as_it_was()


@pytest.mark.parametrize("name", NO_PICTURES)
def test_a_worker_that_is_given_no_picture_fails_the_job_in_one_line(
    local_api: Api, local_stack: LocalStack, around: Around, name: str
) -> None:
    """As it may be by a plugin that looks at nothing before: hashes are made of any file."""
    with Watch(local_stack) as watch:
        job_id = local_api.submit("hash", NO_PICTURES[name][0](), name, algorithm="phash")
        job = watch.final(job_id)
        assert job["status"] == "failed", job
        line = str(job["error_message"])
        assert line.startswith(name), line
        assert len(line.splitlines()) == 1
        assert str(local_stack.data) not in line
        # The same workers go on.
        assert watch.final(local_api.submit("hash", b"words"))["status"] == "completed"
    place = local_stack.data / "jobs" / job_id
    written = list(finished(place))
    assert [path.parent.name for path in written] == ["input"]
    assert around.is_as_it_was()


def test_what_only_begins_like_a_picture_fails_the_job_in_one_line(local_api: Api, local_stack: LocalStack) -> None:
    with Watch(local_stack) as watch:
        for task, params in PICTURE_TASKS.items():
            job = watch.final(local_api.submit(task, b"GIF89a" + bytes(100), "moving.gif", **params))
            assert job["status"] == "failed", job
            assert str(job["error_message"]).startswith("moving.gif is ")
            assert len(str(job["error_message"]).splitlines()) == 1


def test_tags_that_look_like_flags_are_names_of_tags(local_api: Api, local_stack: LocalStack, around: Around) -> None:
    flags = "-execute,-config,/etc/passwd,-o,../../escaped,$(touch escaped),;touch escaped"
    with Watch(local_stack) as watch:
        job = watch.final(local_api.submit("exif", photo.photo(64, 48), tags=flags))
    assert job["status"] == "completed", job
    assert "root:" not in str(job)
    assert around.is_as_it_was()


@pytest.mark.parametrize("target", ["/etc/passwd", "file:///etc/passwd", "concat:/etc/passwd"])
def test_a_playlist_that_names_a_file_of_the_server_gets_nothing_of_it(
    local_api: Api, local_stack: LocalStack, around: Around, target: str
) -> None:
    """Nor does a worker that is given one: unit/ml_tools/test_hls_streaming.py."""
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()
    before = set((local_stack.data / "jobs").iterdir())
    for task, name in (("hls_streaming", "film.mp4"), ("media_thumbnail", "film.m3u8")):
        response = local_api.try_submit(task, playlist, name)
        assert response.status_code == 415
        assert detail(response).startswith(f"{name} is not ")
    assert set((local_stack.data / "jobs").iterdir()) == before
    assert around.is_as_it_was()


VARIANT = '{"resolution": "720p", "bitrate": 2500000}'


@pytest.mark.parametrize(
    "fields",
    [
        ["[{720p}]"],
        ["{"],
        ["[" * 20_000],
        ["null"],
        ['["720p"]'],
        ['[{"resolution": "1e9x1e9", "bitrate": -1}]'],
        [f"[{','.join([VARIANT] * 9)}]"],
        [f"[{','.join([VARIANT] * 10_000)}]"],
        [VARIANT] * 10_000,
    ],
    ids=["no JSON", "half", "deep", "null", "words", "numbers", "nine", "10,000", "10,000 fields"],
)
def test_variants_that_make_no_sense_are_one_rule(local_api: Api, local_stack: LocalStack, fields: list[str]) -> None:
    before = set((local_stack.data / "jobs").iterdir())
    files = {"file": ("film.mp4", b"film")}
    response = local_api.http.post("/jobs/hls_streaming", files=files, data={"variants": fields})
    assert response.status_code == 422, response.text
    assert len(detail(response)) < 1000
    assert set((local_stack.data / "jobs").iterdir()) == before


@pytest.mark.parametrize("expect", [True, False])
def test_ten_gigabytes_are_refused_when_they_are_announced(
    local_api: Api, local_stack: LocalStack, around: Around, expect: bool
) -> None:
    url = local_api.http.base_url
    head = "POST /jobs/hash HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
    head += f"Content-Length: {10 << 30}\r\n" + ("Expect: 100-continue\r\n" if expect else "") + "\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(head.encode() + (b"" if expect else FORM_START + bytes(1 << 20)))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        assert b"the upload is too large: this server takes at most" in answer.read()
    assert local_api.http.get("/healthz").status_code == 200
    assert around.is_as_it_was()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory a process had at most")
def test_a_large_file_is_never_in_memory(local_api: Api, local_stack: LocalStack) -> None:
    content = os.urandom(1 << 20) * 96

    def peak() -> dict[str, int]:
        """The most memory of each process up to now, in bytes."""
        found: dict[str, int] = {}
        for name in ("compute", "w0", "w1"):
            status = Path(f"/proc/{local_stack.pids()[name]}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
            found[name] = int(line.split()[1]) << 10
        return found

    with Watch(local_stack) as watch:
        watch.final(local_api.submit("hash", b"words", algorithm="sha256"))
        before = peak()
        watch.final(local_api.submit("hash", content, "large.bin", algorithm="sha256"))
        grown = {name: most - before[name] for name, most in peak().items()}
    assert max(grown.values()) < len(content) // 2, grown


async def answered(url: httpx.URL, request: bytes) -> bytes:
    """The answer on a connection of its own, by hand: a thousand at once are too many for clients with a pool."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_five_hundred_uploads_and_as_many_health_checks_at_once_are_all_answered(
    local_api: Api, local_stack: LocalStack, around: Around
) -> None:
    head = "{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    body = FORM_START + b"words\r\n--edge--\r\n"
    form = f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {len(body)}\r\n\r\n"
    upload = (head.format("POST /jobs/hash") + form).encode() + body
    checks = [(head + "\r\n").format(f"GET {path}").encode() for path in ("/healthz", "/readyz")]
    requests = [upload, checks[0], upload, checks[1]] * 250
    with Watch(local_stack) as watch:
        answers = await asyncio.gather(*(answered(local_api.http.base_url, request) for request in requests))
        assert Counter(answer[:12] for answer in answers) == {b"HTTP/1.1 200": 1000}
        made = {json.loads(answer.partition(b"\r\n\r\n")[2])["job_id"] for answer in answers[::2]}
        assert len(made) == 500

        def all_done() -> bool:
            return made <= {event["job_id"] for event in watch.events if event["status"] == "completed"}

        await asyncio.to_thread(watch.until, all_done, 60)
    assert around.is_as_it_was()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process has")
def test_a_small_picture_that_takes_much_memory_fails_in_one_line_and_the_worker_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CL_WORKER_MEMORY", str(200 << 20))
    with LocalStack(workers=1) as stack, Watch(stack) as watch:
        api = Api(stack)
        before = stack.pids()["w0"]
        job = watch.final(api.submit("image_conversion", bomb(15_000), "small.png", format="jpg"), 60)
        assert job["status"] == "failed", job
        assert "memory" in str(job["error_message"])
        assert len(str(job["error_message"]).splitlines()) == 1
        assert watch.final(api.submit("hash", b"words"))["status"] == "completed"
        assert stack.pids()["w0"] == before
        api.http.close()


def test_every_part_listens_on_this_machine_alone(local_stack: LocalStack) -> None:
    addresses = {
        connection.laddr.ip
        for pid in local_stack.pids().values()
        for connection in psutil.Process(pid).net_connections()
        if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}
    }
    assert addresses == {"127.0.0.1"}
