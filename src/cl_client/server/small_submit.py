"""Submits of small files, of which many go in one request: how they are sent, and what is answered to each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from attrs import frozen

from cl_client.errors import ResponseError, error_from_response
from cl_client.http.multipart import FormField
from cl_client.http.upload import Upload
from cl_client.wire.model import FormModel
from cl_client.wire.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from cl_client.http.library import httpx

LARGEST: Final = 256 * 1024
"""Bytes of a file that goes with others. With larger ones, what they would share is a small part of the work."""

_FILE: Final = "file"
_PRIORITY: Final = "priority"


@frozen
class SmallSubmit:
    """A submit that may go with others.

    Attributes:
        task_type: of the job.
        key: by which the server knows it again.
        fields: of its form, without the file.
        file: in memory, or to be read once more.
        labels: each as `name=value`.
    """

    task_type: str
    key: str
    fields: Mapping[str, str | list[str]]
    file: Upload
    labels: Sequence[str]


def small_submit(task_type: str, body: object, key: str, labels: Sequence[str]) -> SmallSubmit | None:
    """The submit of a form, where it is small enough; nothing where it has to go alone."""
    if not isinstance(body, FormModel):
        return None
    files = body.to_files()
    if len(files) != 1 or files[0][0] != _FILE:
        return None
    file: object = files[0][1][1]
    if not isinstance(file, Upload) or not file.fits(LARGEST):
        return None
    return SmallSubmit(task_type, key, body.to_form(), file, labels)


def form_of(submits: Sequence[SmallSubmit]) -> Iterator[FormField]:
    """The form in which they go together."""
    yield "jobs", json.dumps([_job(one) for one in submits], ensure_ascii=False).encode(), None, None
    for one in submits:
        yield "files", one.file, one.file.file_name, one.file.mime_type


def answers_of(response: httpx.Response, count: int) -> list[JSONObject | ResponseError]:
    """For each of so many, the answer to its submit.

    Raises:
        ResponseError: the answer is not one for each.
    """
    try:
        said = cast("JSONObject", response.json())
        answers = [_answer(one, response) for one in cast("list[JSONObject]", said["jobs"])]
    except (KeyError, TypeError, ValueError, AttributeError):
        answers = []
    if len(answers) != count:
        raise ResponseError(f"the server was sent {count} jobs, and answered something else: {response.text:.200}")
    return answers


def _job(one: SmallSubmit) -> JSONObject:
    params: dict[str, JSONValue] = {
        name: cast("JSONValue", value) for name, value in one.fields.items() if name != _PRIORITY
    }
    job: JSONObject = {"key": one.key, "params": params}
    if _PRIORITY in one.fields:
        job[_PRIORITY] = cast("JSONValue", one.fields[_PRIORITY])
    if one.labels:
        job["labels"] = list(one.labels)
    return job


def _answer(said: JSONObject, response: httpx.Response) -> JSONObject | ResponseError:
    status = cast("int", said["status_code"])
    if 200 <= status < 300:
        return cast("JSONObject", said["job"])
    after = said.get("retry_after")
    headers = {"x-request-id": response.request.headers["X-Request-ID"], **response.headers}
    headers |= {} if after is None else {"retry-after": str(after)}
    body = json.dumps(said.get("error")).encode()
    return error_from_response(status, body, url=str(response.request.url), headers=headers)
