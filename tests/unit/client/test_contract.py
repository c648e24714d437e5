"""What another server says, in our words."""

import pytest

from cl_api.compute.models import JobCreatedResponse
from cl_client.errors import JobNotFoundError, UnsupportedError
from cl_client.model import JobFile, WorkerState, well_formed
from cl_client.server.contract import Contract, FileList, JobList
from cl_plugins.contract import CONTRACT

THEIRS = Contract(
    job="/v2/tasks/{job_id}/state",
    file="/v2/tasks/{job_id}/out/{path}",
    fields={"job_id": ("task", "id"), "status": ("state",), "task_output": ("result",), "error_message": ("error",)},
    statuses={"DONE": "completed", "running": "processing"},
    whole=1,
)


def test_paths_are_filled_and_nothing_climbs_out_of_them():
    assert THEIRS.job_path("a/../b") == "/v2/tasks/a%2F..%2Fb/state"
    assert THEIRS.file_path("7", "a b/c.png") == "/v2/tasks/7/out/a%20b/c.png"
    assert THEIRS.job_in("/api/v2/tasks/7/state") == ("7", True)
    assert CONTRACT.job_in("/jobs/7/files/x") == ("7", False)
    assert CONTRACT.job_in("/jobs") == (None, False)


def test_a_route_that_the_server_does_not_have_is_said_before_anything_is_sent():
    with pytest.raises(UnsupportedError, match="this server cannot delete jobs: it has no such route"):
        THEIRS.path(THEIRS.delete, "delete jobs", "7")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"task": 7, "state": "DONE"}, ("7", "completed", 0, None)),
        ({"id": "x", "state": "Running", "progress": 0.25}, ("x", "processing", 25, None)),
        ({"state": "hibernating", "progress": 7, "params": None}, ("9", "hibernating", 0, None)),
        ({"state": "DONE", "result": [1, 2], "progress": 1}, ("9", "completed", 100, {"result": [1, 2]})),
        ({"state": "DONE", "result": {"a": 1}, "progress": None}, ("9", "completed", 0, {"a": 1})),
    ],
)
def test_states_are_read(said, state):
    job = THEIRS.state(said, "9")
    assert (job.job_id, job.status, job.progress, job.task_output) == state
    assert job.params == {}


def test_a_field_that_only_happens_to_be_called_as_ours_is_another_thing():
    job = THEIRS.state({"state": "running", "status": 200, "task_output": "not this", "error": {"code": 3}}, "9")
    assert (job.status, job.task_output, job.error_message) == ("processing", None, '{"code": 3}')


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ("2026-01-02T03:04:05Z", 1767323045000),
        ("2026-01-02T04:04:05+01:00", 1767323045000),
        ("2026-01-02T03:04:05", 1767323045000),
        (1767323045000, 1767323045000),
        (12.6, 13),
        ("yesterday", None),
    ],
)
def test_times_are_utc_milliseconds(said, milliseconds):
    assert THEIRS.state({"state": "x", "created_at": said}, "9").created_at == milliseconds


def test_what_a_submit_is_answered_with_names_the_job():
    ours = JobCreatedResponse(job_id="1", status="queued", task_type="hash")
    assert CONTRACT.created(ours, "x").to_dict() == {**CONTRACT.created(ours.to_dict(), "y").to_dict()}
    made = THEIRS.created({"id": 3}, "blend")
    assert (made.job_id, made.status, made.task_type) == ("3", "queued", "blend")
    for nothing in ({}, [], "x", None):
        with pytest.raises((KeyError, TypeError)):
            THEIRS.created(nothing, "blend")


def test_events_are_read_and_what_is_none_is_left_as_it_is():
    event = THEIRS.event({"task": 7, "state": "DONE", "progress": 1})
    assert event == {"job_id": "7", "status": "completed", "progress": 100, "task_type": "", "params": {}}


def test_what_has_the_names_and_types_of_the_client_is_not_converted():
    said = {"job_id": "a", "task_type": "hash", "status": "completed", "progress": "much"}
    assert not well_formed(CONTRACT.state(said, "a"))
    assert THEIRS.state({**said, "id": "a", "state": "DONE"}, "a").progress == 0


@pytest.mark.parametrize(
    ("counts", "first", "pages"), [("cursor", 0, None), ("jobs", 0, ["2", "4"]), ("pages", 1, ["2", "3"])]
)
def test_a_list_goes_on_by_the_way_that_its_server_has(counts, first, pages):
    jobs = JobList(path="/t", cursor="p", limit="n", counts=counts, first=first, most=2)
    start = jobs.after(None, 2)
    assert [start, jobs.after(start, 2)] == (pages or [None, None])
    assert jobs.after(start, 1) is None
    assert jobs.after(start, 0) is None


def test_lists_are_read_with_the_names_that_their_server_has():
    theirs = Contract(
        jobs=JobList(path="/t", items="data", next="more"),
        files=FileList(path="/t/{job_id}/out", fields={"path": ("name",), "size": ("bytes",)}),
        fields={"job_id": ("id",), "status": ("state",)},
    )
    page = theirs.page({"data": [{"id": 7, "state": "done"}], "more": 8})
    assert ([job.job_id for job in page.jobs], page.cursor) == (["7"], "8")
    assert theirs.page({"data": [], "more": None}).cursor is None
    assert theirs.listed_files([{"name": "a.png", "bytes": 3, "by": "me"}]) == (
        JobFile(path="a.png", size=3, additional_properties={"by": "me"}),
    )
    for nothing in (None, 3, {}, {"data": 3}, {"data": [3]}):
        with pytest.raises((KeyError, TypeError)):
            theirs.page(nothing)


def test_a_worker_that_says_worker_id_is_known_by_it():
    said = {"worker_id": "w1", "capabilities": ["hash"], "idle_count": 1, "timestamp": 5}
    assert WorkerState.from_dict(said).id == "w1"
    assert WorkerState.from_dict({**said, "id": "w2"}).id == "w2"


NESTED = Contract(
    job="/v2/jobs/{job_id}",
    fields={
        "job_id": ("data.id",),
        "status": ("data.state.type", "state"),
        "task_output": ("data",),
        "error_message": ("error",),
    },
    statuses={"DONE": "completed", "LOST": "failed"},
)
KINDS = Contract(kinds={"crawl": Contract(job="/crawl/{job_id}"), "scrape": Contract(job="/scrape/{job_id}/state")})


def test_a_dotted_field_is_in_an_object_and_what_is_beside_it_stays():
    job = NESTED.state({"data": {"id": 7, "state": {"type": "DONE"}}, "more": 1}, "7")
    assert (job.job_id, job.status, job.additional_properties) == ("7", "completed", {"more": 1})
    assert job.task_output == {"id": 7, "state": {"type": "DONE"}}
    assert NESTED.state({"data": None, "state": "LOST"}, "7").status == "failed"


@pytest.mark.parametrize("said", [{"id": 7}, [7], True, "", None])
def test_an_id_is_a_word_or_a_number_and_nothing_else(said):
    with pytest.raises((KeyError, ValueError)):
        NESTED.created({"data": {"id": said, "state": {"type": "DONE"}}}, "count")


@pytest.mark.parametrize("said", [{"code": 7}, ["DONE"], True])
def test_a_status_is_a_word_or_a_number_and_nothing_else(said):
    with pytest.raises(ValueError, match="expected the status of a job as a word or a number"):
        NESTED.state({"state": said}, "7")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"code": 7, "message": "no GPU"}, "no GPU"),
        ({"title": "Bad", "detail": "no GPU is free"}, "no GPU is free"),
        ({"code": 7}, '{"code": 7}'),
    ],
)
def test_why_a_job_failed_is_what_an_error_says_of_itself(said, why):
    assert NESTED.state({"state": "LOST", "error": said}, "7").error_message == why


def test_all_of_an_answer_is_the_output_once_the_job_has_completed():
    contract = Contract(fields={"task_output": (".",)})
    said = {"job_id": "7", "status": "completed", "text": "hello"}
    assert contract.state(said, "7").task_output == said
    assert contract.state({**said, "status": "processing"}, "7").task_output is None


def test_the_name_of_a_kind_stands_before_the_ids_of_its_jobs():
    assert KINDS.created({"job_id": "7"}, "scrape_page", ("scrape",)).job_id == "scrape/7"
    contract, own = KINDS.of("scrape/7")
    assert contract.job_path(own) == "/scrape/7/state"
    assert KINDS.job_in("/api/scrape/7/state") == ("scrape/7", True)
    assert KINDS.job_in("/api/map/7") == (None, False)
    for unknown in ("7", "map/7", "crawl/"):
        with pytest.raises(JobNotFoundError, match="several kinds of jobs"):
            KINDS.of(unknown)
