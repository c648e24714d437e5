"""Which operations give an address to put a file at, and which parameters of a job take what it stands for."""

from pathlib import Path

import pytest

from cl_codegen.model.uploads import uploads_of
from cl_codegen.spec.spec import JSONObject, Spec


def operations(path: str, answer: list[str], body: list[str] | None = None, kind: str = "application/json"):
    """Of a document with one POST: the fields of its answer, and those that its body needs."""

    def of(names: list[str]) -> JSONObject:
        return {"type": "object", "required": list(names), "properties": {name: {"type": "string"} for name in names}}

    said: JSONObject = {"description": "", "content": {"application/json": {"schema": of(answer)}}}
    operation: JSONObject = {"operationId": "give", "responses": {"200": said}}
    if body is not None:
        operation["requestBody"] = {"content": {kind: {"schema": of(body)}}}
    info: JSONObject = {"title": "T", "version": "1"}
    spec = Spec.of(Path("x.json"), {"openapi": "3.1.0", "info": info, "paths": {path: {"post": operation}}})
    return {node.at("operationId").text(): (path, method, node) for path, method, node in spec.operations()}


@pytest.mark.parametrize(
    ("path", "answer", "parameter", "value"),
    [
        ("/v1/files", ["id", "uploadUrl"], "fileId", "id"),
        ("/assets", ["id", "upload_url"], "input_asset_id", "id"),
        ("/uploads/create", ["key", "url"], "upload_key", "key"),
        ("/presign", ["presignedUrl", "object_key"], "objectKey", "object_key"),
        ("/media", ["put_url", "get_url"], "get_url", "get_url"),
        ("/files", ["id", "upload_url"], "model_id", None),
    ],
)
def test_a_parameter_takes_what_the_answer_calls_the_file(path, answer, parameter, value) -> None:
    [found] = uploads_of(operations(path, answer, ["filename"]))
    taken = found.value_for(parameter)
    assert (taken.raw if taken is not None else None) == value


@pytest.mark.parametrize(
    "given",
    [
        operations("/upload", ["upload_url", "id"], [], "application/octet-stream"),  # The body is the file.
        operations("/files", ["id", "upload_url"], ["filename", "folder_id"]),  # Only a person knows the folder.
        operations("/links", ["id", "url"]),
        operations("/files/{id}/parts", ["id", "upload_url"]),
        operations("/sessions", ["signed_url"]),
    ],
)
def test_what_asks_for_more_or_stands_for_no_file_is_no_such_operation(given) -> None:
    assert uploads_of(given) == ()


def test_what_is_told_of_a_file_is_found_by_its_usual_names() -> None:
    [found] = uploads_of(operations("/files", ["id", "upload_url"], ["file_name", "mimeType", "size_bytes"]))
    assert [one.raw for one in (found.name, found.media_type, found.size) if one] == [
        "file_name",
        "mimeType",
        "size_bytes",
    ]
