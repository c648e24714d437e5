"""The generated wire layer against a real server: each row of "what breaks" that our operations touch."""

import copy
import hashlib
import io
import pickle
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest

from tests.codegen_server.call import call


def submit_hash(api: SimpleNamespace, client: object, content: bytes = b"abc", **fields: object) -> dict:
    """Submit, and give back what the server saw."""
    body = api.models.BodyCreateHashJob(file=api.types.File(content), **fields)
    created = call(api.jobs.create_hash_job, client=client, body=body)
    return call(api.jobs.get_job, created.job_id, client=client).params


# Requests -------------------------------------------------------------------------------------------------------------


def test_a_file_that_holds_what_looks_like_a_boundary_arrives_whole(wire_api, client):
    content = b"before\r\n--+++\r\nContent-Disposition: form-data\r\n\r\nafter\r\n--+++--\r\n"
    seen = submit_hash(wire_api, client, content)
    assert seen["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_field_that_is_none_is_not_sent_as_the_text_none(wire_api, client):
    assert submit_hash(wire_api, client, salt=None)["salt"] is None


def test_a_file_without_a_name_is_still_sent_as_a_file(wire_api, client):
    assert submit_hash(wire_api, client)["file_name"] == "upload"


def test_an_open_file_is_sent_with_its_name(wire_api, client):
    file = wire_api.types.File(io.BytesIO(b"four"), "photo.jpg", "image/jpeg")
    body = wire_api.models.BodyCreateHashJob(file=file)
    call(wire_api.jobs.create_hash_job, client=client, body=body)
    seen = call(wire_api.jobs.get_job, "hash", client=client).params
    assert (seen["file_name"], seen["size"]) == ("photo.jpg", 4)


def test_only_what_was_given_is_sent(wire_api):
    body = wire_api.models.BodyCreateHashJob(file=wire_api.types.File(b"x"), deep=False)
    assert body.to_form() == {"deep": "false"}


def test_booleans_arrive_as_booleans(wire_api, client):
    assert submit_hash(wire_api, client, deep=False)["deep"] is False


def test_the_server_default_applies_to_what_was_not_given(wire_api, client):
    seen = submit_hash(wire_api, client)
    assert (seen["algorithm"], seen["priority"], seen["deep"]) == ("all", 5, True)


def test_lists_repeat_and_objects_go_as_json(wire_api):
    text_fields, unset = wire_api.types.text_fields, wire_api.types.UNSET
    assert text_fields({"a": ["x", 1], "b": {"c": None}, "d": True, "e": unset, "f": None}) == {
        "a": ["x", "1"],
        "b": '{"c": null}',
        "d": "true",
    }


def test_queries_send_what_was_given(wire_api, client):
    seen = call(wire_api.jobs.list_jobs, client=client, ids=["a", "b"], newest=False)
    assert seen == {"status": None, "ids": ["a", "b"], "newest": False, "limit": 20}


def test_a_json_body_sends_only_what_was_given_and_reads_itself_back(wire_api, client):
    child = wire_api.models.NodeInput(name="ab")
    node = wire_api.models.NodeInput(name="xyz", children=[child], parent=None)
    assert node.to_dict() == {"name": "xyz", "children": [{"name": "ab"}], "parent": None}
    assert wire_api.models.NodeInput.from_dict(node.to_dict()) == node
    turned = call(wire_api.server.turn_tree, client=client, body=node)
    assert (turned.name, turned.children[0].name, turned.parent) == ("zyx", "ab", None)


@pytest.mark.parametrize("path", ["output/small image.png", "..", "a/../b", "ä?#%", "."])
def test_what_is_in_a_path_is_data(wire_api, client, path):
    assert call(wire_api.jobs.download_job_file, "job", path, client=client) == f"job:{path}".encode()


# Responses ------------------------------------------------------------------------------------------------------------


def test_a_status_word_that_nobody_knows_is_kept(wire_api, client):
    assert call(wire_api.jobs.get_job, "unknown-status", client=client).status == "hibernating"


def test_fields_of_a_newer_server_are_kept(wire_api, client):
    job = call(wire_api.jobs.get_job, "newer", client=client)
    assert job.additional_properties == {"shard": 3, "trace": {"hops": [1, 2]}}
    assert job.to_dict()["shard"] == 3


def test_absent_fields_have_the_default_of_the_spec(wire_api, client):
    job = call(wire_api.jobs.get_job, "plain", client=client)
    assert (job.progress, job.priority, job.tags, job.error_message, job.created_at) == (0, 5, ["first"], None, None)


def test_a_default_list_is_not_shared(wire_api, client):
    first = call(wire_api.jobs.get_job, "plain", client=client)
    first.tags.append("mine")
    assert call(wire_api.jobs.get_job, "plain", client=client).tags == ["first"]


def test_free_form_objects_are_plain_dicts(wire_api, client):
    job = call(wire_api.jobs.get_job, "output", client=client)
    assert type(job.task_output) is dict
    assert job.task_output == {"md5": "abc", "nested": {"list": [1, None]}}


def test_an_object_of_numbers_is_a_plain_dict(wire_api, client):
    assert call(wire_api.server.get_capabilities, client=client).capabilities == {"hash": 1}


def test_an_empty_success_is_none(wire_api, client):
    assert call(wire_api.jobs.delete_job, "any", client=client) is None


async def test_several_calls_share_a_client(wire_api, server_url):
    async with wire_api.Client(server_url) as client:
        assert (await wire_api.jobs.get_job.asyncio("plain", client=client)).job_id == "plain"
        with pytest.raises(wire_api.errors.StatusError):
            await wire_api.jobs.get_job.asyncio("missing", client=client)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job_id", "status", "detail"),
    [("unauthorized", 401, "who are you"), ("forbidden", 403, "not yours"), ("missing", 404, "no such job")],
)
def test_a_documented_error_is_raised_with_its_body(wire_api, client, job_id, status, detail):
    with pytest.raises(wire_api.errors.StatusError) as raised:
        call(wire_api.jobs.get_job, job_id, client=client)
    error = raised.value
    assert (error.status_code, error.detail) == (status, detail)
    assert error.body == wire_api.models.ErrorResponse(detail=detail)
    assert str(error) == f"HTTP {status}: {detail}"


def test_a_422_whose_detail_is_text_is_raised(wire_api, client):
    body = wire_api.models.BodyCreateRefusedJob(file=wire_api.types.File(b"x"))
    with pytest.raises(wire_api.errors.StatusError, match="this file is not an image") as raised:
        call(wire_api.jobs.create_refused_job, client=client, body=body)
    assert raised.value.status_code == 422


def test_a_422_whose_detail_is_a_list_is_raised(wire_api, client):
    body = wire_api.models.BodyCreateResizeJob(file=wire_api.types.File(b"x"), format_="png", width=0)
    with pytest.raises(wire_api.errors.StatusError, match="greater than or equal to 1") as raised:
        call(wire_api.jobs.create_resize_job, client=client, body=body)
    assert raised.value.body.detail[0]["loc"] == ["body", "width"]


@pytest.mark.parametrize(("job_id", "status"), [("html", 502), ("odd-status", 599)])
def test_an_undocumented_status_is_raised_whatever_its_body(wire_api, client, job_id, status):
    with pytest.raises(wire_api.errors.StatusError) as raised:
        call(wire_api.jobs.get_job, job_id, client=client)
    assert raised.value.status_code == status
    assert raised.value.body is None
    assert raised.value.content


def test_an_error_body_of_another_shape_does_no_harm(wire_api, client):
    with pytest.raises(wire_api.errors.StatusError) as raised:
        call(wire_api.jobs.get_job, "broken-detail", client=client)
    assert raised.value.status_code == 404
    assert "unexpected" in raised.value.detail


@pytest.mark.parametrize(
    ("job_id", "said"),
    [
        ("html-ok", "not JSON"),
        ("list-ok", "expected a JSON object, not list"),
        ("incomplete", "'task_type' is missing"),
    ],
)
def test_a_success_with_a_body_that_is_none_is_raised_and_says_why(wire_api, client, job_id, said):
    with pytest.raises(wire_api.errors.BadResponseError, match=said) as raised:
        call(wire_api.jobs.get_job, job_id, client=client)
    assert raised.value.status_code == 200


# The client and the small types ---------------------------------------------------------------------------------------


async def test_requests_go_through_the_client_that_was_handed_in(wire_api, server_url):
    async with httpx.AsyncClient(base_url=server_url, headers={"X-Mine": "1"}) as mine:
        client = wire_api.Client("http://nowhere.invalid").set_async_httpx_client(mine)
        assert client.get_async_httpx_client() is mine
        assert (await wire_api.jobs.get_job.asyncio("plain", client=client)).job_id == "plain"


def test_nothing_is_sent_beside_the_client_that_was_handed_in(wire_api):
    """One way out, so that no request goes without its token, its retries and our errors."""
    client = wire_api.Client("http://nowhere.invalid")
    assert [name for name in dir(client) if name.endswith("httpx_client")] == [
        "get_async_httpx_client",
        "set_async_httpx_client",
    ]
    public = [name for name in dir(wire_api.jobs.get_job) if "sync" in name]
    assert public == ["asyncio"]


def test_a_timeout_is_set_without_being_asked_for(wire_api):
    assert wire_api.Client("http://nowhere.invalid").get_async_httpx_client().timeout.read == 30.0


def test_unset_survives_copies_and_pickles(wire_api):
    unset = wire_api.types.UNSET
    body = wire_api.models.BodyCreateHashJob(file=wire_api.types.File(b"x"))
    assert copy.deepcopy(unset) is unset
    assert pickle.loads(pickle.dumps(unset)) is unset
    assert copy.deepcopy(body).salt is unset
    assert not unset
    assert repr(unset) == "<the server's default>"


def test_of_several_models_the_closest_is_read(wire_api):
    types, models = wire_api.types, wire_api.models
    readers = (models.ResizeOutput.from_dict, models.HashOutput.from_dict)
    assert isinstance(types.closest_of({"md5": "x"}, *readers), models.HashOutput)
    assert types.closest_of({"a": 1}, dict, lambda value: [value]) == {"a": 1}
    with pytest.raises(ValueError, match="invalid literal"):
        types.closest_of("x", float, int)
    with pytest.raises(TypeError, match="unexpected int"):
        types.unexpected(1)


def test_importing_the_package_costs_nothing_until_something_is_used(wire_api):
    script = "import sys, wire_under_test; sys.exit('httpx' in sys.modules or 'attrs' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(wire_api.folder)}, check=False)
    assert ran.returncode == 0
