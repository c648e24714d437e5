"""Requests that nobody would think of, made from the documents of the servers by schemathesis."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cl_server.embedded import LocalStack
from tests.media import tiny_models

if TYPE_CHECKING:
    from schemathesis import BaseSchema, Case

DOCUMENTS = {name: json.loads(Path(f"openapi/{name}.json").read_text("utf-8")) for name in ("compute", "auth")}
OPERATIONS = [
    (name, path, method)
    for name, document in DOCUMENTS.items()
    for path, operations in document["paths"].items()
    for method in operations
]


@cache
def schema(name: str) -> "BaseSchema":
    """The document of a server. schemathesis is imported here: it takes a second, which any run of any test would."""
    import schemathesis

    return schemathesis.openapi.from_dict(DOCUMENTS[name])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, dict[str, str]]]]:
    """Address and headers of an admin, for each server."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.all_but_yunet(folder)
    with pytest.MonkeyPatch.context() as patch:
        # Without its models it rightly refuses most tasks, with 503, and nothing else of them would be tried.
        patch.setenv("CL_MODELS", str(folder))
        stack = LocalStack(workers=0, auth=True).start()
    login = {"username": "admin", "password": stack.admin_password}
    token = httpx.post(f"{stack.auth_url}/auth/token", data=login).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    yield {"compute": (stack.compute_url, headers), "auth": (str(stack.auth_url), headers)}
    stack.stop()


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("name", "path", "method"), OPERATIONS)
def test_no_request_breaks_a_server_or_its_word(
    servers: dict[str, tuple[str, dict[str, str]]], name: str, path: str, method: str, mode: str
) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        response_schema_conformance,
        content_type_conformance,
        response_headers_conformance,
    ]
    url, headers = servers[name]
    operation = schema(name)[path][method]
    if mode == "negative" and not (operation.body or list(operation.iter_parameters())):
        pytest.skip("nothing of it can be wrong")

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
    def send(case: "Case") -> None:
        case.call_and_validate(base_url=url, headers=headers, checks=checks)

    send()
