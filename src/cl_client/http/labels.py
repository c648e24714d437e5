"""Labels of jobs, as requests have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from cl_client.errors import InvalidParameterError, UnsupportedError
from cl_client.wire.types import JSONObject

LABEL: Final = "label"
"""The query parameter of a submit and of a list, which is repeated for each label."""


def written(labels: Mapping[str, str] | None) -> list[str]:
    """Labels as the query has them. The rules for names and values are the server's.

    Raises:
        InvalidParameterError: a name or a value is not text, or a name cannot be told from its value.
    """
    for name, value in cast("Mapping[object, object]", labels or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidParameterError(f"labels contains {name!r}: {value!r}, and has to contain only text")
        if not name or "=" in name:
            raise InvalidParameterError(f"labels contains the name {name!r}, which has to be text without =")
    return [f"{name}={value}" for name, value in (labels or {}).items()]


def labelled_routes(spec: object) -> frozenset[tuple[str, str]]:
    """Method and path of the operations of an OpenAPI document that take labels; none of a document that is none."""
    try:
        paths = cast("dict[str, dict[str, JSONObject]]", cast("JSONObject", spec)["paths"])
        found = ((method, path, each) for path, item in paths.items() for method, each in item.items())
        return frozenset((method, path) for method, path, operation in found if _takes_labels(operation))
    except (KeyError, TypeError, AttributeError):
        return frozenset()


def _takes_labels(operation: JSONObject) -> bool:
    parameters = cast("list[dict[str, str]]", operation.get("parameters", []))
    return any(each.get("in") == "query" and each.get("name") == LABEL for each in parameters)


def without_labels() -> UnsupportedError:
    """What is raised where a server would ignore labels."""
    return UnsupportedError(
        "this server doesn't support labels of jobs: leave them out",
        hint="the server is older than this client: `GET /` tells its version",
    )
