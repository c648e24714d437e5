"""Every kind of field and answer that a spec can have, generated and run; the server answers in the process."""

import datetime
import importlib
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import attrs
import httpx
import pytest

from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec
from cl_codegen.wire import wire
from cl_codegen.write import output
from tests.codegen_server.call import call
from tests.codegen_server.folders import TEMPLATES

DATE, MOMENT = {"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}
ID = {"type": "string", "format": "uuid"}


def ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: dict) -> dict:
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: dict) -> dict:
    return {"type": "array", "items": items}


def mapping(values: dict) -> dict:
    return {"type": "object", "additionalProperties": values}


PROPERTIES = {
    "day": DATE,
    "moment": nullable(MOMENT),
    "id": ID,
    "kind": {"const": "thing"},
    "part": ref("Part"),
    "maybe_part": nullable(ref("Part")),
    "parts": array(ref("Part")),
    "days": array(DATE),
    "by_name": mapping(ref("Part")),
    "ids": mapping(ID),
    "either": {"oneOf": [ref("Part"), ref("Whole"), ref("Third"), array(ref("Part")), {"type": "string"}]},
    "day_or_number": {"anyOf": [DATE, {"type": "integer"}]},
    "days_by_name_or_nothing": nullable(mapping(DATE)),
    "one_of_two": {"oneOf": [ref("Part"), ref("Whole")]},
    "anything": {},
    "any_or_null": nullable({}),
    "levels": {"type": "integer", "enum": [1, 2, 3]},
    "data": {"type": "string"},
    "from_dict": {"type": "string"},
}

BINARY = {"type": "string", "format": "binary"}


def thing(required: list[str], **properties: dict) -> dict:
    return {"type": "object", "required": required, "properties": properties}


STEP = {"oneOf": [ref("Blur"), ref("Crop")]}
NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
UNIONS = {
    "Blur": thing(["kind", "amount"], kind={"const": "blur"}, amount=NUMBER),
    "Crop": thing(["kind", "amount"], kind={"enum": ["crop"]}, amount=NUMBER, side=TEXT),
    "Sized": thing(["name"], name=TEXT, size=NUMBER),
    "Steps": thing(
        ["said", "unsaid", "many", "maybe"],
        said={**STEP, "discriminator": {"propertyName": "kind"}},
        unsaid=STEP,
        many=array(STEP),
        maybe=nullable(STEP),
        other={"oneOf": [*STEP["oneOf"], array(STEP), TEXT]},
    ),
    "Untagged": thing(["it"], it={"anyOf": [ref("Part"), ref("Sized")]}),
    "Fixed": thing(["box"], box={"type": "array", "prefixItems": [NUMBER, {"type": "number"}, DATE], "items": False}),
    "Mixed": thing(["it"], it={"anyOf": [array(ref("Part")), array(TEXT), MOMENT, TEXT]}),
    "User": thing(
        ["id", "name", "password", "kind"],
        id={**TEXT, "readOnly": True},
        name=TEXT,
        password={**TEXT, "writeOnly": True},
        kind={"const": "user"},
    ),
    "Seer": thing(["name", "password"], name=TEXT, password={**TEXT, "writeOnly": True}),
    "Tree": {"anyOf": [{"type": "integer"}, {"type": "null"}, array(ref("Tree")), mapping(ref("Tree"))]},
    "Holder": thing([], tree=ref("Tree"), anything={}) | {"title": "Thing"},
    "Thing-Input": thing(["a"], a=TEXT) | {"title": "Thing"},
    "Thing-Output": thing(["b"], b=TEXT) | {"title": "Thing"},
}
UNIONS["Holder"]["properties"]["anything"] = True

VALUE = {
    "day": "2026-01-02",
    "moment": "2026-01-02T03:04:05+00:00",
    "id": "12345678-1234-5678-1234-567812345678",
    "kind": "thing",
    "part": {"name": "a"},
    "maybe_part": {"name": "b"},
    "parts": [{"name": "c"}],
    "days": ["2026-01-03"],
    "by_name": {"d": {"name": "d"}},
    "ids": {"e": "12345678-1234-5678-1234-567812345679"},
    "either": {"whole": 3},
    "day_or_number": "2026-01-04",
    "days_by_name_or_nothing": {"f": "2026-01-05"},
    "one_of_two": {"whole": 4},
    "anything": [1, {"x": None}],
    "any_or_null": "x",
    "levels": 2,
    "data": "d",
    "from_dict": "e",
}


def answer(schema: dict | None, kind: str = "application/json") -> dict:
    return {"description": "ok", "content": {kind: {"schema": schema}} if schema is not None else {}}


def parameter(name: str, place: str, schema: dict, *, required: bool = False) -> dict:
    return {"name": name, "in": place, "schema": schema, "required": required or place == "path"}


def document() -> dict:
    """Optional and required twins of everything, and one operation for each kind of answer."""
    body = {"content": {"application/json": {"schema": ref("Optional")}}}
    operations = {
        "/text": {"200": answer({"type": "string"}, "text/plain")},
        "/list": {"200": answer(array(ref("Part")))},
        "/day": {"200": answer(DATE)},
        "/range": {"2XX": answer(ref("Part")), "4XX": answer(ref("Problem")), "500": answer(ref("Problem"))},
        "/two": {"200": answer(ref("Part")), "202": answer(ref("Whole")), "204": answer(None)},
        "/picture": {"200": answer({}, "image/png")},
        "/nothing": {"default": answer(ref("Problem"))},
        "/unsaid": {},
    }
    paths: dict = {path: {"get": {"responses": responses}} for path, responses in operations.items()}
    paths["/all/{body}"] = {
        "put": {
            "operationId": "put_all",
            "parameters": [
                parameter("body", "path", {"type": "string"}),
                parameter("since", "query", DATE),
                parameter("X-Trace", "header", {"type": "string"}),
                parameter("X-Level", "header", {"type": "integer"}, required=True),
                parameter("crumb", "cookie", {"type": "string"}),
            ],
            "requestBody": body,
            "responses": {"200": answer(ref("Required"))},
        }
    }
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    raw = {"operationId": "post_raw", "requestBody": {"required": True, "content": binary}}
    paths["/raw"] = {"post": {**raw, "responses": {"204": answer(None)}}}
    mixed = {"type": "object", "properties": {"it": {"anyOf": [BINARY, {"type": "string"}]}}, "required": ["it"]}
    form = {"required": True, "content": {"multipart/form-data": {"schema": mixed}}}
    paths["/mixed"] = {"post": {"operationId": "post_mixed", "requestBody": form, "responses": {"204": answer(None)}}}
    paths["/users"] = {
        "post": {
            "operationId": "post_user",
            "requestBody": {"content": {"application/json": {"schema": ref("User")}}},
            "responses": {"200": answer(ref("User"))},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {
                **UNIONS,
                "Part": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                "Whole": {"type": "object", "required": ["whole"], "properties": {"whole": {"type": "integer"}}},
                "Third": {"type": "object", "required": ["third"], "properties": {"third": {"type": "integer"}}},
                "Problem": {
                    "type": "object",
                    "properties": {"detail": {"type": "string"}, "parts": array(ref("Part"))},
                },
                "Required": {"type": "object", "required": list(PROPERTIES), "properties": PROPERTIES},
                "Optional": {"type": "object", "properties": PROPERTIES},
                "Seen": {"type": "object", "properties": PROPERTIES},
            }
        },
    }


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("types")
    spec, _ = normalise(Spec.of(Path("server.json"), document()))
    wire.generate(spec, "kinds", folder / "kinds", TEMPLATES / "api")
    output.format_folder(folder)
    sys.path.insert(0, str(folder))
    names = {path.stem for path in (folder / "kinds" / "api" / "default").glob("[!_]*.py")}
    endpoints = {name: importlib.import_module(f"kinds.api.default.{name}") for name in names}
    modules = {name: importlib.import_module(f"kinds.{name}") for name in ("models", "types", "errors", "client")}
    yield SimpleNamespace(**modules, **endpoints, folder=folder)
    sys.path.remove(str(folder))


def answering(api: SimpleNamespace, status: int, value: object = None, /, **more: object) -> tuple[object, list]:
    """A client whose server always answers the same, and the requests that it was sent."""
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        return httpx.Response(status, **(more or {"json": value}))

    carrier = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://server")
    return api.client.Client("http://server").set_async_httpx_client(carrier), requests


@pytest.mark.parametrize("name", ["Required", "Optional", "Seen"])
def test_every_kind_of_field_is_read_and_written_back(api, name):
    model = getattr(api.models, name)
    made = model.from_dict(VALUE)
    assert made.to_dict() == VALUE
    assert made.day == datetime.date(2026, 1, 2)
    assert made.moment == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert made.id == uuid.UUID("12345678-1234-5678-1234-567812345678")
    assert made.parts == [api.models.Part(name="c")]
    assert made.by_name == {"d": api.models.Part(name="d")}
    assert made.either == api.models.Whole(whole=3)
    assert model.from_dict({**VALUE, "either": {"third": 3}}).either == api.models.Third(third=3)
    assert made.one_of_two == api.models.Whole(whole=4)
    assert made.day_or_number == datetime.date(2026, 1, 4)
    assert (made.data_, made.from_dict_) == ("d", "e")


@pytest.mark.parametrize("name", ["Required", "Seen"])
def test_what_may_be_null_is_none(api, name):
    nothing = {"moment": None, "maybe_part": None, "days_by_name_or_nothing": None, "any_or_null": None}
    made = getattr(api.models, name).from_dict({**VALUE, **nothing, "day_or_number": 3, "either": "text"})
    assert (made.moment, made.maybe_part, made.days_by_name_or_nothing, made.any_or_null) == (None, None, None, None)
    assert (made.day_or_number, made.either) == (3, "text")
    assert made.to_dict() == {**VALUE, **nothing, "day_or_number": 3, "either": "text"}


def test_what_is_absent_is_none_in_an_answer_and_unset_in_a_request(api):
    seen, sent = api.models.Seen.from_dict({}), api.models.Optional.from_dict({})
    assert {getattr(seen, field) for field in ("day", "part", "parts", "by_name", "either", "anything")} == {None}
    assert sent.to_dict() == {}
    assert sent.part is api.types.UNSET
    assert set(seen.to_dict().values()) == {None}


def test_a_kind_of_json_that_no_member_of_a_union_has_is_refused(api):
    with pytest.raises(TypeError, match="unexpected int"):
        api.models.Required.from_dict({**VALUE, "one_of_two": 5})


def test_every_part_of_a_request_is_where_it_belongs(api):
    client, requests = answering(api, 200, VALUE)
    body = api.models.Optional(day=datetime.date(2026, 1, 1), part=api.models.Part(name="x"))
    made = call(
        api.put_all,
        "a/b",
        client=client,
        body=body,
        since=datetime.date(2026, 5, 6),
        x_trace="t",
        x_level=3,
        crumb="c d",
    )
    assert made.kind == "thing"
    (request,) = requests
    assert str(request.url) == "http://server/all/a%2Fb?since=2026-05-06"
    assert (request.headers["x-trace"], request.headers["x-level"], request.headers["cookie"]) == (
        "t",
        "3",
        "crumb=c%20d",
    )
    assert json.loads(request.content) == {"day": "2026-01-01", "part": {"name": "x"}}


def test_what_is_optional_in_a_request_is_left_out(api):
    client, requests = answering(api, 200, VALUE)
    call(api.put_all, "x", client=client, x_level=1)
    (request,) = requests
    assert str(request.url) == "http://server/all/x"
    assert "x-trace" not in request.headers
    assert "cookie" not in request.headers
    assert request.content == b""


def test_bytes_are_sent_as_they_are(api):
    client, requests = answering(api, 204, content=b"")
    assert call(api.post_raw, client=client, body=b"\x00\x01") is None
    assert requests[0].content == b"\x00\x01"


def test_answers_of_every_kind_are_read(api):
    assert call(api.get_text, client=answering(api, 200, text="ok")[0]) == "ok"
    assert call(api.get_list, client=answering(api, 200, [{"name": "x"}])[0]) == [api.models.Part(name="x")]
    assert call(api.get_day, client=answering(api, 200, "2026-01-02")[0]) == datetime.date(2026, 1, 2)
    assert call(api.get_picture, client=answering(api, 200, content=b"\x89PNG")[0]) == b"\x89PNG"
    assert call(api.get_range, client=answering(api, 299, {"name": "x"})[0]) == api.models.Part(name="x")
    assert call(api.get_two, client=answering(api, 202, {"whole": 1})[0]) == api.models.Whole(whole=1)
    assert call(api.get_two, client=answering(api, 204, content=b"")[0]) is None


@pytest.mark.parametrize("status", [418, 500])
def test_errors_that_are_documented_as_a_range_are_read(api, status):
    with pytest.raises(api.errors.StatusError) as raised:
        call(api.get_range, client=answering(api, status, {"detail": "no", "parts": [{"name": "x"}]})[0])
    assert raised.value.body == api.models.Problem(detail="no", parts=[api.models.Part(name="x")])


def test_an_answer_that_only_the_default_documents_is_read_as_that(api):
    assert call(api.get_nothing, client=answering(api, 200, {"detail": "all is well"})[0]).detail == "all is well"
    with pytest.raises(api.errors.StatusError) as raised:
        call(api.get_nothing, client=answering(api, 404, {"detail": "no"})[0])
    assert raised.value.body == api.models.Problem(detail="no", parts=None)


def test_an_answer_that_nothing_documents_is_any_json(api):
    assert call(api.get_unsaid, client=answering(api, 200, {"a": 1})[0]) == {"a": 1}
    assert call(api.get_unsaid, client=answering(api, 200, text="text")[0]) == "text"
    assert call(api.get_unsaid, client=answering(api, 204, content=b"")[0]) is None


def test_the_word_of_a_tag_says_which_model_it_is(api):
    blur, crop = {"kind": "blur", "amount": 1}, {"kind": "crop", "amount": 1, "side": "right"}
    made = api.models.Steps.from_dict({"said": crop, "unsaid": crop, "many": [crop, blur], "maybe": crop})
    assert (made.said.side, made.unsaid.side, made.maybe.side) == ("right", "right", "right")
    assert [type(step).__name__ for step in made.many] == ["Crop", "Blur"]
    given = {"said": crop, "unsaid": crop, "many": [crop, blur], "maybe": crop}
    assert made.to_dict() == {**given, "other": None}
    for value in (crop, [crop, blur], "none of them"):
        assert api.models.Steps.from_dict({**given, "other": value}).to_dict()["other"] == value


def test_of_models_without_a_tag_the_one_that_leaves_less_unread_is_taken(api):
    assert api.models.Untagged.from_dict({"it": {"name": "a", "size": 3}}).it == api.models.Sized(name="a", size=3)
    assert api.models.Untagged.from_dict({"it": {"name": "a"}}).it == api.models.Part(name="a")


def test_arrays_of_known_length_are_tuples(api):
    made = api.models.Fixed.from_dict({"box": [1, 2.5, "2026-01-02"]})
    assert made.box == (1, 2.5, datetime.date(2026, 1, 2))
    assert made.to_dict() == {"box": [1, 2.5, "2026-01-02"]}
    with pytest.raises(ValueError, match="expected 3 values, not 1"):
        api.models.Fixed.from_dict({"box": [1]})


def test_lists_of_different_things_are_told_apart_by_what_is_in_them(api):
    for value in ([{"name": "a"}], ["text"], "2026-01-02T03:04:05+00:00", "tomorrow"):
        assert api.models.Mixed.from_dict({"it": value}).to_dict() == {"it": value}
    assert api.models.Mixed.from_dict({"it": [{"name": "a"}]}).it == [api.models.Part(name="a")]
    assert api.models.Mixed.from_dict({"it": "tomorrow"}).it == "tomorrow"


def test_what_only_the_server_says_is_not_sent_and_what_only_the_client_says_is_not_read(api):
    user = api.models.User(name="ada", password="secret")
    assert user.to_dict() == {"name": "ada", "password": "secret", "kind": "user"}
    assert api.models.User.from_dict({"id": "1", "name": "ada", "kind": "user"}).id == "1"
    assert "password" not in {field.name for field in attrs.fields(api.models.Seer)}


def test_json_that_holds_itself_is_any_json(api):
    assert api.models.Holder.from_dict({"tree": [1, {"a": [None]}]}).tree == [1, {"a": [None]}]


def test_two_components_of_one_title_are_two_classes(api):
    assert api.models.ThingInput is not api.models.ThingOutput


def test_a_schema_that_is_true_is_any_json(api):
    assert api.models.Holder.from_dict({"anything": [1]}).anything == [1]


def test_a_form_may_be_a_file_or_a_text(api):
    body = api.models.PostMixedBody
    assert (body(it="text").to_form(), body(it="text").to_files()) == ({"it": "text"}, [])
    assert (body(it=api.types.File(b"x")).to_form(), len(body(it=api.types.File(b"x")).to_files())) == ({}, 1)


def test_a_body_whose_fields_cannot_be_read_says_so(api):
    with pytest.raises(api.errors.BadResponseError, match="Invalid isoformat"):
        call(api.put_all, "x", client=answering(api, 200, {**VALUE, "day": "tomorrow"})[0], x_level=1)
