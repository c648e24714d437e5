"""Rules for answers that a spec does not describe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cl_codegen.spec.spec import JSONObject, JSONValue, escape_pointer
from cl_codegen.spec.walk import operations_of

_NAMES: Final = frozenset(["file", "filename", "file_name", "file_path", "filepath", "path"])
"""What parameters are called that say which file is meant."""

_STEPS: Final = frozenset(
    ["file", "download", "media", "preview", "thumbnail", "image", "photo", "picture", "video", "audio", "artifact"]
)
"""Last steps of paths that give a file."""

_ENDING: Final = re.compile(r"[^{}/]+\.[a-z0-9]{2,5}")


def unsaid_files_are_bytes(document: JSONObject) -> Iterator[str]:
    """FastAPI says nothing of what a `FileResponse` holds, or that it is any JSON: where a GET is called as one that
    gives a file, its answer is bytes."""
    for path, method, operation in operations_of(document):
        responses = operation.get("responses")
        answer = responses.get("200") if isinstance(responses, dict) else None
        if method != "get" or not isinstance(answer, dict) or "$ref" in answer or not _gives_a_file(path, operation):
            continue
        if answer.get("content") in (None, {}, {"application/json": {}}, {"application/json": {"schema": {}}}):
            schema: JSONObject = {"type": "string", "format": "binary"}
            answer["content"] = {"application/octet-stream": {"schema": schema}}
            yield f"#/paths/{escape_pointer(path)}/get/responses/200"


def _gives_a_file(path: str, operation: JSONObject) -> bool:
    last = path.rstrip("/").rpartition("/")[2].lower()
    name: JSONValue = operation.get("operationId")
    if last.startswith("{"):
        return last.strip("{}").partition(":")[0] in _NAMES
    is_download = isinstance(name, str) and "download" in re.split(r"[^a-z]+", name.lower())
    return last in _STEPS or is_download or _ENDING.fullmatch(last) is not None
