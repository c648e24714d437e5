import hashlib
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from cl_server.embedded import LocalStack
from tests.installed import ALWAYS
from tests.integration.server.client import Api, Watch
from tests.media import photo

PATHS = ("/tmp", "source", "input_paths", "output_paths")


def test_a_hash_job_is_heard_from_queue_to_output(api: Api, watch: Watch) -> None:
    job_id = api.submit("hash", b"words", "words.txt", algorithm="md5", priority=7)
    final = watch.final(job_id)
    watch.until(lambda: set(watch.statuses(job_id)) >= {"queued", "processing", "completed"})
    md5 = hashlib.md5(b"words").hexdigest()
    assert final["task_output"] == {"phash": None, "dhash": None, "sha256": None, "md5": md5, "hash_version": None}
    assert final["params"] == {"algorithm": "md5"}
    assert final["event_type"] == final["status"] == "completed"
    assert (final["progress"], final["priority"], final["task_type"]) == (100, 7, "hash")
    assert final["timestamp"] == final["completed_at"]
    without_event = {name: value for name, value in final.items() if name not in {"event_type", "timestamp"}}
    assert api.job(job_id) == without_event


def test_times_tell_the_story_in_order(api: Api, watch: Watch) -> None:
    before = time.time_ns() // 1_000_000
    job = watch.final(api.submit("hash", b"words"))
    times = [job["created_at"], job["started_at"], job["completed_at"]]
    assert [before, *times] == sorted([before, *times])
    assert job["updated_at"] == job["completed_at"]


def test_a_thumbnail_is_made_and_downloaded(api: Api, watch: Watch) -> None:
    job_id = api.submit("media_thumbnail", photo.photo(orientation=6), "Ferien – Juli.jpg", width=200)
    output = watch.final(job_id)["task_output"]
    assert output == {
        "thumbnail_path": "output/Ferien_Juli_thumbnail.jpg",
        "width": 200,
        "height": 150,
        "media_type": "image",
        "preview": False,
    }
    with Image.open(io.BytesIO(api.file(job_id, output["thumbnail_path"]).content)) as made:
        assert made.size == (200, 150)
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]


def test_a_conversion_is_made_and_downloaded(api: Api, watch: Watch) -> None:
    job_id = api.submit("image_conversion", photo.photo(), format="webp", quality=70)
    final = watch.final(job_id)
    output = final["task_output"]
    assert isinstance(output, dict)
    # Where clients of this family look for the file.
    assert final["params"] == {"format": "webp", "quality": 70, "output_path": output["output_path"]}
    made = api.file(job_id, output["output_path"])
    assert len(made.content) == output["size"]
    assert made.headers["content-type"] == "image/webp"
    assert 'filename="photo.webp"' in made.headers["content-disposition"]


def test_progress_is_told_and_never_falls(api: Api, watch: Watch) -> None:
    job_id = api.submit("image_conversion", photo.photo(), format="png")
    watch.final(job_id)
    progress = [event["progress"] for event in watch.of(job_id) if event["status"] != "queued"]
    assert progress == [0, 50, 100]


def test_nothing_of_the_server_is_in_a_job(api: Api, watch: Watch) -> None:
    job_id = api.submit("image_conversion", photo.photo(), format="png")
    job = api.http.get(f"/jobs/{job_id}").json()
    said = f"{watch.final(job_id)}{job}"
    assert not [word for word in PATHS if word in said]
    # The names that the user gave are the user's own.
    assert "input_names" not in job["params"]


def test_a_file_that_is_not_an_image_fails_the_job_in_one_line(api: Api, watch: Watch) -> None:
    # Hashes are made of any file, so it is the worker who finds that this one has no picture in it.
    job = watch.final(api.submit("hash", b"only words\n", "photo.txt", algorithm="phash"))
    assert job["status"] == "failed"
    assert job["error_message"] == "photo.txt is not an image that Pillow can read (text/plain)"
    assert job["task_output"] is None
    assert job["completed_at"] is not None


def test_the_log_of_a_job_says_how_it_went(api: Api, watch: Watch) -> None:
    job = watch.final(api.submit("hash", b"only words\n", "photo.txt", algorithm="phash"))
    log = api.http.get(f"/jobs/{job['job_id']}/log").json()
    assert [(line["number"], line["level"], line["text"]) for line in log["lines"]] == [
        (1, "info", "attempt 1 started"),
        (2, "error", "failed: photo.txt is not an image that Pillow can read (text/plain)"),
    ]
    assert (log["left_out"], log["ended"]) == (0, True)
    assert api.http.get(f"/jobs/{job['job_id']}/log", params={"offset": 2}).json()["lines"] == []
    assert api.http.get(f"/jobs/{job['job_id']}/log", params={"offset": -1}).status_code == 422
    # Everybody can listen to the broker.
    assert "attempt 1" not in str(watch.events)


def test_what_a_task_logs_is_in_the_log_of_its_job(api: Api, watch: Watch) -> None:
    picture = io.BytesIO()
    # Its header says that it is a profile, and there is nothing behind it.
    Image.new("CMYK", (8, 8)).save(picture, "JPEG", icc_profile=bytes(16) + b"CMYKXYZ " + bytes(104))
    job = watch.final(api.submit("image_conversion", picture.getvalue(), format="png"))
    lines = api.http.get(f"/jobs/{job['job_id']}/log").json()["lines"]
    assert "a colour profile that cannot be used is ignored" in [line["text"] for line in lines]
    assert lines[-1]["text"].startswith("completed after ")


def test_a_job_does_not_wait_out_the_safety_sweep(api: Api, watch: Watch) -> None:
    waits: list[int] = []
    for _ in range(5):
        job = watch.final(api.submit("hash", b"x" * 10_000))
        assert isinstance(job["started_at"], int)
        assert isinstance(job["created_at"], int)
        waits.append(job["started_at"] - job["created_at"])
    assert sorted(waits)[2] < 1000


def test_deleting_a_job_removes_its_files(local_api: Api, local_stack: LocalStack) -> None:
    with Watch(local_stack) as watch:
        job_id = local_api.submit("image_conversion", photo.photo(), format="png")
        watch.final(job_id)
    folder = local_stack.data / "jobs" / job_id
    assert folder.exists()
    assert local_api.http.delete(f"/jobs/{job_id}").status_code == 204
    assert not folder.exists()
    assert local_api.http.get(f"/jobs/{job_id}").status_code == 404
    assert local_api.http.delete(f"/jobs/{job_id}").status_code == 404


def test_a_worker_drops_a_job_that_is_deleted_under_it(local_api: Api, local_stack: LocalStack) -> None:
    with Watch(local_stack) as watch:
        job_id = local_api.submit("image_conversion", photo.slow(), format="webp", quality=100)
        watch.until(lambda: "processing" in watch.statuses(job_id))
        assert local_api.http.delete(f"/jobs/{job_id}").status_code == 204
        after = local_api.submit("hash", b"words")
        assert watch.final(after)["status"] == "completed"
        watch.until(lambda: all(w is not None and w["idle_count"] == 1 for w in watch.workers.values()))
        assert "completed" not in watch.statuses(job_id)


def test_twenty_uploads_and_health_checks_at_once_all_come_through(api: Api, watch: Watch) -> None:
    content = photo.photo(640, 480)

    def upload(number: int) -> str:
        return api.submit("media_thumbnail", content, width=number + 10)

    def health(_: int) -> int:
        return api.http.get("/healthz").status_code + api.http.get("/capabilities").status_code

    with ThreadPoolExecutor(40) as pool:
        health_checks = pool.map(health, range(20))
        jobs = list(pool.map(upload, range(20)))
        assert set(health_checks) == {400}
    assert {str(watch.final(job)["status"]) for job in jobs} == {"completed"}


def test_workers_say_what_they_can_do(api: Api, watch: Watch) -> None:
    watch.until(lambda: set(watch.workers) >= {"w0", "w1"})
    worker = watch.workers["w0"]
    assert worker is not None
    assert worker["id"] == "w0"
    assert worker["capabilities"] == ALWAYS
    answer = api.http.get("/capabilities").json()
    assert answer["num_workers"] == 2
    assert set(answer["capabilities"]) == set(ALWAYS)


def test_a_busy_worker_is_not_idle(local_api: Api, local_stack: LocalStack) -> None:
    with Watch(local_stack) as watch:
        watch.until(lambda: len(watch.workers) == 2)
        job_id = local_api.submit("image_conversion", photo.slow(), format="webp", quality=100)
        watch.until(lambda: any(w is not None and w["idle_count"] == 0 for w in watch.workers.values()))
        assert watch.final(job_id, 60)["status"] == "completed"
        watch.until(lambda: all(w is not None and w["idle_count"] == 1 for w in watch.workers.values()))


def test_the_server_says_which_it_is(local_api: Api) -> None:
    info = local_api.http.get("/").json()
    assert (info["status"], info["service"], info["guestMode"], info["auth_required"]) == ("ok", "compute", "on", False)


@pytest.mark.parametrize(("sent", "kept"), [("abc-123", True), ("x" * 200, False), ("a b", False), ("", False)])
def test_every_answer_has_a_request_id(local_api: Api, sent: str, kept: bool) -> None:
    for path in ("/", "/jobs/none", "/nowhere"):
        found = local_api.http.get(path, headers={"X-Request-ID": sent}).headers["x-request-id"]
        assert (found == sent) is kept
        assert found


def test_the_document_of_the_running_server_is_the_exported_one(local_api: Api) -> None:
    assert local_api.http.get("/openapi.json").json() == json.loads(Path("openapi/compute.json").read_text("utf-8"))
