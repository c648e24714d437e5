"""A live server made from a spec: it takes what the spec says, refuses the rest, and answers with its examples.

The n-th request to an operation is answered with its n-th example, and with the last one from then on.
"""

from __future__ import annotations

from collections import Counter

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cl_codegen.spec.schema_types import properties, required_of
from cl_codegen.spec.spec import Node, Spec

Received = list[tuple[str, dict[str, object]]]


class SpecServer:
    """An ASGI app.

    Attributes:
        received: operation id and fields of every request with a body; a file is its name and its content.
        routed: operation id and what was in the path, the query and the headers, of those that the spec has there.
    """

    def __init__(self, spec: Spec) -> None:
        self.received: Received = []
        self.routed: Received = []
        self._asked: Counter[str] = Counter()
        routes = [
            Route(path, self._endpoint(operation, spec.root.at("paths").at(path)), methods=[method.upper()])
            for path, method, operation in spec.operations()
        ]
        self.app = Starlette(routes=routes)

    def _endpoint(self, operation: Node, item: Node):
        name = operation.at("operationId").text()
        listed = [holder.at("parameters") for holder in (item, operation) if holder.find("parameters")]
        parameters = [parameter.follow() for several in listed for parameter in several.elements()]

        async def answer(request: Request) -> Response:
            there = {"path": request.path_params, "query": request.query_params, "header": request.headers}
            known = {(one.at("in").text(), one.at("name").text()): one for one in parameters}
            given = {name: there[place][name] for place, name in known if name in there[place]}
            missing = [name for (_, name), one in known.items() if one.value_of("required") and name not in given]
            if missing or [one for one in request.query_params if ("query", one) not in known]:
                return JSONResponse({"detail": f"missing {missing}, or more than is known"}, 422)
            self.routed.append((name, given))
            body = operation.find("requestBody")
            if body is not None:
                ((media, content),) = body.follow().at("content").members()
                if not request.headers.get("content-type", "").startswith(media):
                    return JSONResponse({"detail": f"expected {media}"}, 415)
                fields = await (_json(request) if "json" in media else _form(request))
                if problem := _problem(fields, content.at("schema").follow()):
                    return JSONResponse({"detail": problem}, 422)
                self.received.append((name, fields))
            return self._example(name, operation, request)

        return answer

    def _example(self, name: str, operation: Node, request: Request) -> Response:
        code, response = next(iter(operation.at("responses").members()))
        content = response.follow().find("content")
        if content is None:
            return Response(status_code=int(code))
        ((media, said),) = content.members()
        if "json" not in media:
            return Response(f"bytes of {request.url.path}", int(code), media_type=media)
        several = said.find("examples")
        examples = [one.at("value").value for _, one in several.members()] if several else [said.at("example").value]
        nth = min(self._asked[name], len(examples) - 1)
        self._asked[name] += 1
        return JSONResponse(examples[nth], int(code))


async def _json(request: Request) -> dict[str, object]:
    return await request.json()


async def _form(request: Request) -> dict[str, object]:
    fields: dict[str, object] = {}
    async with request.form() as form:
        for name in form:
            values = [
                (value.filename, await value.read()) if isinstance(value, UploadFile) else value
                for value in form.getlist(name)
            ]
            fields[name] = values if len(values) > 1 else values[0]
    return fields


def _problem(fields: dict[str, object], schema: Node) -> str | None:
    """What is wrong with a body: fields that are missing or unknown, files that are text and text that is a file."""
    known = dict(properties(schema))
    for name in required_of(schema) - fields.keys():
        return f"{name} is missing"
    for name, value in fields.items():
        if name not in known:
            return f"{name} is unknown"
        field = known[name].follow()
        item = field.find("items") or field
        is_file = any(
            item.find(key) and item.at(key).value in {"binary", "image/png"} for key in ("format", "contentMediaType")
        )
        values = value if isinstance(value, list) else [value]
        if any(isinstance(one, tuple) != bool(is_file) for one in values):
            return f"{name} is {'no file' if is_file else 'a file'}"
    return None
