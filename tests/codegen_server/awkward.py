"""A spec that type checkers find hard: names of Python's own, unions of many, answers of two kinds."""

JSON = "application/json"
TEXTS = {"type": "array", "items": {"type": "string"}}
BUILTINS = ("list", "dict", "str", "int", "datetime", "os", "app", "given", "cast")


def ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(schema: dict) -> dict:
    return {"description": "", "content": {JSON: {"schema": schema}}}


def awkward() -> dict:
    """Twenty kinds of block that no word tells apart, and operations that are called as types are."""
    blocks = {
        f"Block{place}": {
            "type": "object",
            "required": ["label"],
            "properties": {"label": {"type": "string"}, f"part_{place}": {"type": "integer"}},
        }
        for place in range(20)
    }
    either = {"anyOf": [ref(name) for name in blocks]}
    every_kind = [{"type": kind} for kind in ("object", "array", "string", "integer", "number", "boolean", "null")]
    flow = {
        "type": "object",
        "required": ["blocks"],
        "properties": {"blocks": {"type": "array", "items": either}, "last": either, "any": {"anyOf": every_kind}},
    }
    names = [
        {"name": "names", "in": "query", "schema": TEXTS},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
        {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}},
    ]
    paths: dict = {
        f"/things/{name}": {
            "get": {"operationId": name, "tags": ["things"], "parameters": names, "responses": {"200": answer(TEXTS)}}
        }
        for name in BUILTINS
    }
    body = {"required": True, "content": {JSON: {"schema": ref("Flow")}}}
    answers = {"200": answer(either), "202": {"description": "later", "content": {JSON: {}}}}
    paths["/flows"] = {"post": {"operationId": "run", "tags": ["flows"], "requestBody": body, "responses": answers}}
    info = {"title": "Awkward", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": {**blocks, "Flow": flow}}}
