"""A fake job server made from any spec, by the contract of the package that was generated for it.

Answers are instances of the schemas of the spec; what a job's routes say is put in: an id, and a state that goes on
each time that it is asked for. Everything else of the spec answers too.
"""

from __future__ import annotations

import re
from typing import cast
from uuid import UUID

from attrs import define, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from cl_client.server.contract import Contract
from cl_codegen.model.job_answer import at
from cl_codegen.model.job_routes import kinds_of
from cl_codegen.model.vocabulary import success
from cl_codegen.spec.spec import JSONObject, JSONValue, Node, Spec

BYTES = b"the bytes of a result"
_BRACES = re.compile(r"\{[^{}]*\}")
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "http://127.0.0.1/",
    "time": "00:00:00Z",
}
_DEEPEST = 12


def instance(schema: Node, depth: int = 0) -> JSONValue:
    """A value that a schema allows: what has to be there, and no more."""
    schema = schema.follow()
    said = schema.value
    if not isinstance(said, dict) or depth > _DEEPEST:
        return None
    if "const" in said:
        return said["const"]
    if isinstance(words := said.get("enum"), list) and words:
        return next((word for word in words if word is not None), None)
    for key in ("oneOf", "anyOf"):
        parts = schema.find(key)
        listed = list(parts.elements()) if parts is not None else []
        listed = [part for part in listed if part.value != {"type": "null"}]
        if listed:
            return instance(listed[0], depth + 1)
    kind = said.get("type")
    kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
    if kind == "object" or "properties" in said or "allOf" in said:
        return _object(schema, depth)
    if kind == "array":
        items, least = schema.find("items"), said.get("minItems", 0)
        return [instance(items, depth + 1)] * (least if isinstance(least, int) else 0) if items else []
    if kind in {"integer", "number"}:
        least = said.get("minimum", 1)
        return least if isinstance(least, int | float) else 1
    if kind == "boolean":
        return True
    return _FORMATS.get(str(said.get("format")), "text") if kind == "string" else None


def _object(schema: Node, depth: int) -> JSONObject:
    made: JSONObject = {}
    parts = schema.find("allOf")
    for part in parts.elements() if parts is not None else ():
        value = instance(part, depth + 1)
        made |= value if isinstance(value, dict) else {}
    required = schema.value_of("required")
    named = schema.find("properties")
    for name, node in named.members() if named is not None else ():
        if isinstance(required, list) and name in required:
            made[name] = instance(node, depth + 1)
    return made


def _below(spec: Spec) -> str:
    """The path below which a server has its routes, where its document says no more than that."""
    servers = spec.root.find("servers")
    urls = [str(each.value_of("url")) for each in servers.elements()] if servers is not None else []
    return next((url.rstrip("/") for url in urls if url.startswith("/")), "")


@define
class FakeState:
    """A job: how often it was asked for, how it ends, and whether it was stopped."""

    fails: bool
    asked: int = 0
    is_stopped: bool = False


@define
class FakeJobServer:
    """An ASGI app. `fails` says how the jobs that are posted from now on end."""

    spec: Spec
    contract: Contract
    submits: frozenset[str]
    """The paths where jobs are posted, as the spec has them."""
    fails: bool = False
    jobs: dict[str, FakeState] = field(factory=dict[str, FakeState])
    app: Starlette = field(init=False)

    def __attrs_post_init__(self) -> None:
        routes = [
            Route(path, self._endpoint(path, method, operation), methods=[method.upper()])
            for path, method, operation in self.spec.operations()
        ]
        # What is fixed in a path goes before what is not (OpenAPI 3.1 §4.8.8.2).
        routes.sort(key=lambda route: [step.startswith("{") for step in route.path.split("/")])
        self.app = Starlette(routes=[Mount(_below(self.spec), routes=routes)])

    def _endpoint(self, path: str, method: str, operation: Node):
        role, contract = self._role(path, method)
        names = [name.strip("{}") for name in _BRACES.findall(path)]

        async def answer(request: Request) -> Response:
            if role == "submit":
                await request.body()
                answers = success(operation)
                job_id = _new_id(len(self.jobs) + 1, answers, contract.fields.get("job_id", ("job_id",)))
                self.jobs[job_id] = FakeState(self.fails)
                return self._answer(operation, contract, job_id, "queued")
            if not role:
                return self._answer(operation, contract, "", "")
            job_id = request.path_params[names[contract.depth]]
            if job_id not in self.jobs:
                return JSONResponse({"detail": "no such job"}, 404)
            job = self.jobs[job_id]
            both = role == "result" and contract.file == contract.result
            if role == "file" or (both and "json" not in request.headers["accept"]):
                media = next((kind for kind in kinds_of(operation) if "json" not in kind), None)
                return Response(BYTES, media_type=media)
            if role == "delete":
                del self.jobs[job_id]
            if role == "cancel":
                job.is_stopped = True
            if role == "job":
                job.asked += 1
            end = "failed" if job.fails else "completed"
            word = "cancelled" if job.is_stopped else "processing" if job.asked < 2 else end
            return self._answer(operation, contract, job_id, word)

        return answer

    def _role(self, path: str, method: str) -> tuple[str, Contract]:
        if method == "post" and path in self.submits:
            return "submit", self._of_submit(path)
        shape = _BRACES.sub("{}", path.rstrip("/"))
        for contract in self.contract.kinds.values() or [self.contract]:
            routes = {
                "job": (contract.job, "get"),
                "cancel": (contract.cancel, contract.cancel_by.lower()),
                "delete": (contract.delete, "delete"),
                "result": (contract.result, "get"),
                "file": (contract.file, "get"),
            }
            for role, (route, by) in routes.items():
                if route is not None and method == by and _BRACES.sub("{}", route.rstrip("/")) == shape:
                    return role, contract
        return "", self.contract

    def _of_submit(self, path: str) -> Contract:
        kinds = list(self.contract.kinds.values()) or [self.contract]
        answer = success(self.spec.root.at("paths").at(path).at("post"))
        return next(
            (
                one
                for one in kinds
                if answer and any(at(answer, word) for word in one.fields.get("job_id", ("job_id",)))
            ),
            kinds[0],
        )

    def _answer(self, operation: Node, contract: Contract, job_id: str, word: str) -> Response:
        code = next((code for code, _ in operation.at("responses").members() if code.startswith("2")), "200")
        status = 200 if code == "2XX" else int(code)
        schema = success(operation)
        if schema is None:
            return Response(status_code=status)
        value = instance(schema)
        if job_id:
            theirs = contract.their_words(word) or (word,)
            for name, said in (("job_id", job_id), ("status", theirs[0])):
                for one in contract.fields.get(name, (name,)):
                    if (places := at(schema, one)) and isinstance(value, dict):
                        _put(value, schema, one, int(said) if name == "job_id" and _is_number(places) else said)
        return JSONResponse(value, status)


def _new_id(number: int, answer: Node | None, names: tuple[str, ...]) -> str:
    """An id of the type that an answer has for it."""
    is_number = any(_is_number(at(answer, name)) for name in names) if answer is not None else False
    return str(number) if is_number else str(UUID(int=number))


def _is_number(places: list[Node]) -> bool:
    return any(place.follow().value_of("type") == "integer" for place in places)


def _put(value: JSONObject, schema: Node, name: str, said: JSONValue) -> None:
    """Put a value into a field, whose object is made as its schema has it where it is not there."""
    first, dot, rest = name.partition(".")
    if not dot or name in value:
        value[name] = said
        return
    inner = at(schema, first)[0]
    if not isinstance(value.get(first), dict):
        value[first] = instance(inner)
    _put(cast("JSONObject", value[first]), inner, rest, said)
