"""Jobs are recognised by what they are, and what only looks like one is not."""

import json
from pathlib import Path

import pytest

from cl_codegen.model.recognise import doubtful, recognise
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec

WORDS = ["queued", "running", "done", "failed"]
STATE = {"type": "string", "enum": WORDS}
TEXT = {"type": "string"}


def answer(**fields: object) -> dict:
    schema = {"type": "object", "properties": fields}
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}}


def operations(*routes: tuple[str, str, dict]) -> dict:
    paths: dict[str, dict] = {}
    for number, (method, path, operation) in enumerate(routes):
        paths.setdefault(path, {})[method] = {"operationId": f"o{number}", **operation}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths}
    spec, _ = normalise(Spec.of(Path("t.json"), json.loads(json.dumps(document))))
    return {
        operation.at("operationId").text(): (path, method, operation) for path, method, operation in spec.operations()
    }


def found(*routes: tuple[str, str, dict]) -> list[tuple[str, str, str, str]]:
    return [(one.posted.path, one.asked.path, one.job_id, one.asked.status) for one in recognise(operations(*routes))]


@pytest.mark.parametrize(
    ("posted", "asked", "created", "state"),
    [
        ("/predictions", "/predictions/{id}", {"id": TEXT}, {"status": STATE}),
        ("/predictions", "/predictions/{prediction_id}", {"id": TEXT, "task_id": TEXT}, {"status": STATE}),
        ("/queue/a", "/queue/a/requests/{request_id}/status", {"request_id": TEXT}, {"status": STATE}),
        ("/convert/async", "/status/poll/{task_id}", {"task_id": TEXT, "task_status": TEXT}, {"task_status": STATE}),
        ("/{endpoint}/run", "/{endpoint}/status/{id}", {"id": TEXT}, {"status": STATE}),
        ("/processes/{p}/execution", "/jobs/{jobId}", {"p": TEXT, "jobID": TEXT, "status": TEXT}, {"status": STATE}),
        ("/calls/submit", "/calls/{call_id}", {"id": TEXT}, {"status": STATE}),
        ("/tasks/batch", "/batches/{batchId}", {"batchId": TEXT}, {"status": STATE}),
        ("/dubbing", "/dubbing/{dubbing_id}", {"dubbing_id": TEXT}, {"state": STATE}),
        ("/batches", "/batches/{batch_id}", {"id": TEXT}, {"processing_status": {"enum": ["in_progress", "ended"]}}),
        ("/jobs", "/jobs/{id}", {"id": {"type": "integer"}}, {"status": {"$ref": "#/x", "enum": WORDS}}),
    ],
)
def test_a_post_with_an_id_and_a_get_that_takes_it(posted, asked, created, state):
    state = {name: STATE if "$ref" in schema else schema for name, schema in state.items()}
    ((path, where, job_id, status),) = found(("post", posted, answer(**created)), ("get", asked, answer(**state)))
    assert (path, where, status) == (posted, asked, next(iter(state)))
    assert job_id in created


def test_what_is_in_an_envelope_and_a_state_that_is_an_object_have_dotted_names():
    job = {"type": "object", "properties": {"id": TEXT, "state": {"type": "object", "properties": {"type": STATE}}}}
    assert found(("post", "/runs", answer(data=job)), ("get", "/runs/{id}", answer(data=job))) == [
        ("/runs", "/runs/{id}", "data.id", "data.state.type")
    ]


def test_words_that_only_a_description_names_are_words_of_a_job():
    told = {"type": "string", "description": "One of `scraping`, `completed` and `failed`."}
    assert found(("post", "/crawl", answer(id=TEXT)), ("get", "/crawl/{id}", answer(status=told))) == [
        ("/crawl", "/crawl/{id}", "id", "status")
    ]


def test_a_state_without_words_is_that_of_a_job_where_the_id_is_called_so():
    routes = [("post", "/search", answer(job_id=TEXT)), ("get", "/search/{job_id}", answer(status=TEXT))]
    assert found(*routes) == [("/search", "/search/{job_id}", "job_id", "status")]


@pytest.mark.parametrize(
    "routes",
    [
        # A thing that has a state, but is never done.
        [("post", "/pods", answer(id=TEXT)), ("get", "/pods/{id}", answer(status={"enum": ["running", "exited"]}))],
        # A thing without a state.
        [("post", "/pets", answer(id=TEXT)), ("get", "/pets/{id}", answer(name=TEXT))],
        # Something else, that mentions a job.
        [("post", "/assets", answer(id=TEXT, job_id=TEXT)), ("get", "/jobs/{id}", answer(status=STATE))],
        [("post", "/scripts", answer(script_id=TEXT, run_id=TEXT)), ("get", "/runs/{run_id}", answer(status=STATE))],
        # The status of an answer, and not of a job.
        [("post", "/pets", answer(id=TEXT)), ("get", "/pets/{id}", answer(status={"enum": ["success", "error"]}))],
        # A route that needs more than the POST has.
        [("post", "/scan", answer(job_id=TEXT)), ("get", "/{tenant}/scan/{job_id}", answer(status=STATE))],
    ],
)
def test_what_is_no_job_is_not_recognised(routes):
    assert found(*routes) == []


def test_what_is_done_to_a_job_is_no_job():
    state = answer(id=TEXT, status=STATE)
    routes = [
        ("post", "/jobs", state),
        ("get", "/jobs/{id}", state),
        *[("post", f"/jobs/{{id}}/{word}", state) for word in ("cancel", "children")],
        ("post", "/runs/{run}/retry", state),
    ]
    assert [path for path, *_ in found(*routes)] == ["/jobs"]


def test_what_looks_like_a_job_is_told_with_what_is_missing():
    ops = operations(
        ("post", "/motion", answer(job_id=TEXT)),
        ("post", "/dubs", answer(dub_id=TEXT)),
        ("get", "/dubs/{dub_id}", answer(status=TEXT)),
        ("post", "/pictures", answer(id=TEXT, polling_url=TEXT)),
        ("post", "/films", answer(id=TEXT)),
        ("get", "/tasks/{id}", answer(id=TEXT, status=STATE)),
    )
    assert [(one.posted.path, one.missing) for one in doubtful(ops, frozenset())] == [
        ("/motion", "no GET takes its id and says how it stands"),
        ("/dubs", "GET /dubs/{dub_id} has a status, whose words are not those of a job"),
        ("/pictures", "its answer has polling_url, but no GET has a path with its id and says how it stands"),
        ("/films", "its answer is an id alone; whether it is that of GET /tasks/{id} (o5), the manifest may say"),
    ]
