"""What a spec says and the client doesn't do is named, with its place and its reason."""

from pathlib import Path

import pytest

from cl_codegen.model.unfollowed import own_servers, unfollowed
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec

STATE = {"id": {"type": "string"}, "status": {"type": "string"}}


def answers(code: str = "200", headers: dict | None = None, **fields: dict) -> dict:
    schema = {"type": "object", "properties": fields}
    return {"responses": {code: {"content": {"application/json": {"schema": schema}}, "headers": headers or {}}}}


def spec_of(paths: dict, **more: object) -> Spec:
    spec, _ = normalise(Spec.of(Path("spec.json"), {"openapi": "3.1.0", "paths": paths, **more}))
    return spec


@pytest.mark.parametrize(
    ("post", "reason"),
    [
        (answers(status_url={"type": "string"}), "the response has the address of a job (status_url) and no ID"),
        (answers("202", {"Location": {}}), "the response has the address of a job (Location) and no ID"),
        (answers(**STATE), "GET /status takes the ID of a job in its query (id)"),
        (answers(url={"type": "string"}, fields={"type": "object"}), "the file goes to url in a form with fields"),
    ],
    ids=["only a status URL", "only a Location", "an ID in the query", "an upload that is a form"],
)
def test_an_operation_that_cannot_be_followed_is_named(post, reason):
    asked = {"parameters": [{"name": "id", "in": "query", "required": True}], **answers(**STATE)}
    found = list(unfollowed(spec_of({"/things": {"post": post}, "/status": {"get": asked}}), set()))
    assert [one.pointer for one in found] == ["#/paths/~1things/post"]
    assert found[0].reason.startswith(reason)


def test_jobs_that_are_followed_are_not_named():
    asked = {"parameters": [{"name": "id", "in": "path", "required": True}], **answers(**STATE)}
    paths = {"/jobs": {"post": {"operationId": "submit", **answers(**STATE)}}, "/jobs/{id}": {"get": asked}}
    assert list(unfollowed(spec_of(paths), {"submit"})) == []
    assert list(unfollowed(spec_of(paths), set())) == []


def test_a_server_of_a_path_or_an_operation_alone_is_named():
    own, every = [{"url": "https://files.example"}], [{"url": "https://api.example"}]
    paths = {
        "/a": {"servers": own, "get": answers()},
        "/b": {"get": {**answers(), "servers": own}},
        "/c": {"servers": every, "get": answers()},
    }
    found = list(own_servers(spec_of(paths, servers=every)))
    assert [one.pointer for one in found] == ["#/paths/~1a/servers", "#/paths/~1b/get/servers"]
    assert "https://files.example" in found[0].reason
