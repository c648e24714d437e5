"""What the client is told of a server: its lists, workers and topics, and whether its states are taken as they are."""

import json
from pathlib import Path

import pytest

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.contract import Contract, read_contract
from cl_codegen.model.read_plugins import read_plugins
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.text.layout import Layout
from cl_codegen.wire import wire
from tests.codegen_server.folders import TEMPLATES

ID = {"type": "string"}
STATE = {
    "type": "object",
    "required": ["job_id", "task_type", "status"],
    "properties": {
        "job_id": ID,
        "task_type": ID,
        "status": {"type": "string", "enum": ["queued", "completed"]},
        "progress": {"type": "integer"},
    },
}
REFERENCE = {"$ref": "#/components/schemas/State"}
NUMBER = {"type": "integer"}
FILE = {"type": "object", "properties": {"name": {"type": "string"}, "bytes": {"type": "integer"}}}


def answer(schema: object) -> dict:
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}}


def listed(schema: object, **parameters: object) -> dict:
    query = [{"name": name, "in": "query", "schema": schema_} for name, schema_ in parameters.items()]
    return {"operationId": "list_jobs", "parameters": query, **answer(schema)}


def spec(state: object = STATE, **paths: object) -> dict:
    job = [{"name": "job_id", "in": "path", "required": True, "schema": ID}]
    form = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    more = {path: {**item, "parameters": job} if "{job_id}" in path else item for path, item in paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {
            "/jobs/resize": {"post": {"operationId": "resize", "requestBody": body, **answer(STATE)}},
            "/jobs/{job_id}": {
                "parameters": job,
                "get": {"operationId": "get_job", **answer({"$ref": "#/components/schemas/State"})},
            },
            **more,
        },
        "components": {"schemas": {"State": state}},
    }


def contract(tmp_path: Path, document: dict, manifest: str = "") -> Contract:
    (tmp_path / "spec.json").write_text(json.dumps(document))
    (tmp_path / "plugins.toml").write_text(manifest)
    read, _ = normalise(Spec.load(tmp_path / "spec.json"))
    said = Manifest.load(tmp_path / "plugins.toml")
    layout = Layout.of_package("t_client")
    made = wire.generate(read, layout.wire, tmp_path / "api", TEMPLATES / "api")
    return read_contract(read, said, read_plugins(read, said, made, layout))


def test_a_list_has_the_names_that_the_spec_has(tmp_path: Path):
    page = {"type": "object", "properties": {"data": {"type": "array", "items": STATE}, "next_cursor": ID}}
    many = {"type": "array", "items": ID}
    route = listed(page, cursor=ID, job_ids=many, state=ID, page_size={"type": "integer", "maximum": 20})
    jobs = contract(tmp_path, spec(**{"/jobs": {"get": route}})).jobs
    assert jobs is not None
    assert (jobs.path.raw, jobs.items and jobs.items.raw, jobs.counts, jobs.most) == ("/jobs", "data", "cursor", 20)
    assert {name: word.raw for name, word in jobs.names} == {
        "cursor": "cursor",
        "next": "next_cursor",
        "limit": "page_size",
        "ids": "job_ids",
        "status": "state",
    }


@pytest.mark.parametrize(
    ("parameters", "counts", "first", "names"),
    [
        ({}, "pages", 0, {}),
        (
            {"offset": {"type": "integer"}, "limit": {"type": "integer"}},
            "jobs",
            0,
            {"cursor": "offset", "limit": "limit"},
        ),
        ({"page": {"type": "integer", "default": 0}}, "pages", 0, {"cursor": "page"}),
        ({"page": {"type": "integer"}}, "pages", 1, {"cursor": "page"}),
        ({"id": ID}, "pages", 0, {}),
    ],
)
def test_a_list_without_cursors_is_counted(tmp_path: Path, parameters, counts, first, names):
    jobs = contract(tmp_path, spec(**{"/jobs": {"get": listed({"type": "array", "items": STATE}, **parameters)}})).jobs
    assert jobs is not None
    assert (jobs.items, jobs.counts, jobs.first) == (None, counts, first)
    assert {name: word.raw for name, word in jobs.names} == names


def test_what_is_no_list_of_jobs_is_none_but_an_error_where_the_manifest_names_it(tmp_path: Path):
    document = spec(**{"/jobs": {"get": listed({"type": "object", "properties": {"count": {"type": "integer"}}})}})
    assert contract(tmp_path, document).jobs is None
    with pytest.raises(SpecError, match=r"line 2: \[server\] list: expected an answer with a list of jobs"):
        contract(tmp_path, document, '[server]\nlist = "list_jobs"\n')
    with pytest.raises(SpecError, match=r"expected GET of a path without parameters, not GET /jobs/\{job_id\}"):
        contract(tmp_path, document, '[server]\nlist = "get_job"\n')
    with pytest.raises(SpecError, match="the spec has no 'list_job'; list_jobs"):
        contract(tmp_path, document, '[server]\nlist = "list_job"\n')


def test_files_retry_and_a_cancel_that_tells_how_the_job_is(tmp_path: Path):
    state = {"$ref": "#/components/schemas/State"}
    found = contract(
        tmp_path,
        spec(
            **{
                "/jobs/{job_id}/artifacts": {"get": {"operationId": "a", **answer({"type": "array", "items": FILE})}},
                "/jobs/{job_id}/retry": {"post": {"operationId": "r", **answer(state)}},
                "/jobs/{job_id}/cancel": {"post": {"operationId": "c", **answer(state)}},
            }
        ),
    )
    assert found.kinds[0].files is not None
    assert found.kinds[0].files.path.raw == "/jobs/{job_id}/artifacts"
    assert {name: [word.raw for word in words] for name, words in found.kinds[0].files.fields} == {
        "path": ["name"],
        "size": ["bytes"],
    }
    assert found.kinds[0].routes.retry is not None
    assert found.kinds[0].cancel_tells
    heard = {"/jobs/{job_id}/cancel": {"post": {"operationId": "c", **answer({"type": "object"})}}}
    assert not contract(tmp_path, spec(**heard)).kinds[0].cancel_tells


def test_workers_are_counted_where_a_route_tells_of_them(tmp_path: Path):
    counts = {"type": "object", "properties": {"task_types": {"type": "object"}, "workers": {"type": "integer"}}}
    route = {"/workers": {"get": {"operationId": "w", **answer(counts)}}}
    workers = contract(tmp_path, spec(**route)).workers
    assert workers is not None
    assert {name: words[0].raw for name, words in workers.fields} == {
        "capabilities": "task_types",
        "num_workers": "workers",
    }
    assert contract(tmp_path, spec(**{"/workers": {"get": {"operationId": "w", **answer(FILE)}}})).workers is None


def test_topics_are_those_of_the_spec_and_the_manifest_goes_before_it(tmp_path: Path):
    worker = {
        "type": "object",
        "properties": {
            "worker_id": ID,
            "tasks": {"type": "array", "items": ID},
            "slots": {"type": "integer"},
            "time": {"type": "integer"},
        },
    }
    event = {"type": "object", "properties": {"job_id": ID, "state": ID}}
    document = {
        **spec(),
        "x-events": [
            {"topic": "x/jobs/{id}", "payload": {"$ref": "#/components/schemas/Event"}, "qos": 1},
            {"topic": "x/workers/{id}", "payload": {"$ref": "#/components/schemas/Worker"}, "retained": True, "qos": 1},
            {"topic": "x/weather", "qos": 0},
        ],
    }
    document["components"]["schemas"] |= {"Event": event, "Worker": worker}
    found = contract(tmp_path, document)
    assert found.topics.events is not None
    assert found.topics.worker_events is not None
    assert (found.topics.events.raw, found.topics.worker_events.raw) == ("x/jobs/{job_id}", "x/workers/{worker_id}")
    assert {name: words[0].raw for name, words in found.topics.worker_fields} == {
        "id": "worker_id",
        "capabilities": "tasks",
        "idle_count": "slots",
        "timestamp": "time",
    }
    assert {name: [word.raw for word in words] for name, words in found.kinds[0].fields} == {
        "status": ["status", "state"]
    }
    said = contract(tmp_path, document, '[server]\nevents = "y"\nworker_events = "z/{worker_id}"\n').topics
    assert said.events is not None
    assert said.worker_events is not None
    assert (said.events.raw, said.worker_events.raw) == ("y", "z/{worker_id}")
    with pytest.raises(SpecError, match=r"\[server\] worker_events: expected a topic with \{worker_id\} in it"):
        contract(tmp_path, document, '[server]\nworker_events = "z"\n')


@pytest.mark.parametrize(
    ("changed", "verbatim"),
    [
        ({}, True),
        ({"job_id": {"type": "integer"}}, False),
        ({"created_at": {"type": "string", "format": "date-time"}}, False),
        ({"created_at": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, True),
        ({"progress": {"type": "number", "maximum": 1}}, False),
        ({"task_output": {"type": "array", "items": {}}}, False),
    ],
)
def test_states_with_the_names_and_types_of_the_client_are_taken_as_they_are(tmp_path: Path, changed, verbatim):
    state = {**STATE, "properties": {**STATE["properties"], **changed}}
    assert contract(tmp_path, spec(state)).kinds[0].verbatim == verbatim
