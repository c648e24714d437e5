"""Every answer of a server, sane or not, is one typed error with one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_client import errors
from cl_client.errors import error_from_response


def made(status: int, body: bytes = b"", **headers: str) -> errors.ResponseError:
    return error_from_response(status, body, url="http://s/jobs", headers=headers)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (413, errors.PayloadTooLargeError),
        (415, errors.UnsupportedMediaTypeError),
        (418, errors.ResponseError),
        (422, errors.ValidationError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
        (302, errors.ResponseError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[errors.ResponseError]):
    error = made(status)
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"detail": "job not found"}', "job not found"),
        (b'{"detail": [{"loc": ["body", "quality"], "msg": "too low"}]}', "quality: too low"),
        (b'{"detail": [{"msg": "odd"}, 7]}', "odd; 7"),
        (b'{"error": "other"}', '{"error": "other"}'),
        (b"plain\n text", "plain text"),
        (b"<html>422</html>", "a proxy or web server answered in place of the server"),
        (b"", "the server gave no reason"),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_reason_is_found_in_whatever_came(body: bytes, reason: str):
    assert made(422, body).message == f"{reason} (HTTP 422 from http://s/jobs)"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (404, "it has nothing at this path"),
        (413, "the request is larger than it permits"),
        (502, "it cannot reach the server"),
        (504, "the server did not answer it in time"),
    ],
)
def test_a_web_page_names_its_sender_and_what_the_status_means_there(status: int, meaning: str):
    error = made(status, b"\n<!doctype html>\n<title>No</title>", server="nginx/1.22.1")
    assert error.reason == f"nginx, a proxy or web server, answered in place of the server: {meaning}"


def test_the_name_of_a_proxy_is_a_word_and_no_more():
    assert "\x1b" not in made(502, b"<html>", server="\x1b[31mred").message
    assert "nginx" in made(502, b"<html>", server="nginx" + "x" * 9000).message[:100]


def test_among_many_the_reason_is_enough():
    assert made(422, b"too low").reason == "too low"
    assert made(502).reason == "the server gave no reason (HTTP 502)"
    assert errors.InputFileError("a.jpg is empty").reason == "a.jpg is empty"


@given(st.integers(300, 999), st.binary(max_size=300))
def test_any_body_makes_one_line(status: int, body: bytes):
    assert "\n" not in str(made(status, body))


def test_the_request_id_and_the_time_to_wait_are_kept():
    error = made(429, **{"x-request-id": "r1", "retry-after": "1.5"})
    assert isinstance(error, errors.RateLimitError)
    assert (error.request_id, error.retry_after) == ("r1", 1.5)
    other = made(429, **{"retry-after": "Wed, 21 Oct"})
    assert isinstance(other, errors.RateLimitError)
    assert other.retry_after is None


def test_a_job_that_is_missing_is_told_from_something_missing_in_it():
    job = error_from_response(404, b"", url="u", headers={}, job_id="a", missing_job=True)
    file = error_from_response(404, b"", url="u", headers={}, job_id="a")
    assert type(job) is errors.JobNotFoundError
    assert type(file) is errors.NotFoundError
    assert job.job_id == file.job_id == "a"


ESCAPES = "\x1b]0;OWNED\x07\x1b[31mred\x9b31m\u202e"


def test_what_a_server_says_reaches_no_terminal_as_it_is():
    headers = {"x-request-id": f"rid{ESCAPES}"}
    bodies = [ESCAPES.encode(), json.dumps({"detail": ESCAPES}).encode()]
    bodies.append(json.dumps({"detail": [{"loc": ["body", ESCAPES], "msg": ESCAPES}]}).encode())
    for body in bodies:
        error = error_from_response(422, body, url=f"http://h/{ESCAPES}", headers=headers)
        for text in (str(error), error.message, error.reason, error.request_id, error.hint or "", *error.args):
            assert str(text).isprintable()
    moved = error_from_response(302, b"", url="http://h/", headers={"location": f"http://new/{ESCAPES}"})
    assert f"{moved}{moved.hint}".isprintable()
