"""The header `Idempotency-Key`: a name for a submit, by which the server knows one that comes a second time.

A server that does not know the header would make a second job of it, so what its own spec says decides.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

from typing import Final, cast
from uuid import uuid4

from cl_client.wire.types import JSONObject

HEADER: Final = "Idempotency-Key"


def fresh_key() -> str:
    """A key that no other submit has."""
    return uuid4().hex


def keyed_paths(spec: object) -> frozenset[str]:
    """The paths of an OpenAPI document whose POST takes the header; none of a document that is none."""
    try:
        paths = cast("dict[str, JSONObject]", cast("JSONObject", spec)["paths"])
        return frozenset(path for path, item in paths.items() if "post" in item and _is_keyed(item))
    except (KeyError, TypeError, AttributeError):
        return frozenset()


def _is_keyed(item: JSONObject) -> bool:
    operation = cast("JSONObject", item["post"])
    parameters = cast("list[dict[str, str]]", operation.get("parameters", []))
    return any(each.get("in") == "header" and each.get("name", "").lower() == HEADER.lower() for each in parameters)
