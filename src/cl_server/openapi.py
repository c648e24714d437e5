"""The OpenAPI documents of the servers, with the messages and outputs that no route mentions."""

import difflib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import JsonValue
from pydantic.json_schema import models_json_schema

from cl_ml_tools.discovery import discover_tasks
from cl_server.messaging.topics import TOPICS, Topic

if TYPE_CHECKING:
    from cl_ml_tools.schemas import JSONObject

REF = "#/components/schemas/{model}"


def install(app: FastAPI, beside: Callable[[], "JSONObject"] = dict, topics: Sequence[Topic] = ()) -> None:
    """Have the application answer `/openapi.json` with the same document that is exported.

    `beside` gives the schemas that no route mentions, `topics` are those of its MQTT messages.
    """

    def openapi() -> dict[str, JsonValue]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app, beside(), topics)
        return app.openapi_schema

    # FastAPI's own way to extend the document is to replace this method.
    app.openapi = openapi


def document(app: FastAPI, beside: "JSONObject", topics: Sequence[Topic]) -> "JSONObject":
    """The OpenAPI document of an application, with the schemas `beside` its routes, and its topics as `x-events`."""
    made = cast(
        "JSONObject",
        get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            tags=app.openapi_tags,
            routes=app.routes,
            separate_input_output_schemas=app.separate_input_output_schemas,
        ),
    )
    components = cast("JSONObject", made.setdefault("components", {}))
    schemas = cast("JSONObject", components.setdefault("schemas", {}))
    for name, schema in beside.items():
        schemas.setdefault(name, schema)
    _without_framework_errors(made, schemas)
    if topics:
        made["x-events"] = [topic.document(REF) for topic in topics]
    return made


def _without_framework_errors(made: "JSONObject", schemas: "JSONObject") -> None:
    """Take out the 422 that FastAPI adds to every route with a parameter: ours is an ErrorResponse, where it can be."""
    for path in cast("dict[str, dict[str, JSONObject]]", made["paths"]).values():
        for operation in path.values():
            responses = cast("JSONObject", operation["responses"])
            if "HTTPValidationError" in json.dumps(responses.get("422")):
                del responses["422"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)


def messages_and_outputs() -> "JSONObject":
    """The schemas of the MQTT messages and of what the plugins return."""
    models = [topic.payload for topic in TOPICS]
    models += [output for module in discover_tasks().values() if (output := module.get_output_schema()) is not None]
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    return cast("JSONObject", definitions["$defs"])


def export() -> dict[str, str]:
    """The files of `openapi/` by name. The same servers give the same bytes."""
    from cl_server.auth import app as auth
    from cl_server.auth.keys import KeyRing
    from cl_server.auth.passwords import Passwords
    from cl_server.auth.users import UserRepository
    from cl_server.compute import app as compute
    from cl_server.files.local import LocalFileStorage
    from cl_server.messaging.capabilities import Capabilities
    from cl_server.queue.guest_mode import GuestMode
    from cl_server.queue.repository import SqlJobRepository
    from cl_server.queue.tables import open_database

    with tempfile.TemporaryDirectory() as name:
        # Nothing is read or written for a document, but the routes want to be bound to something.
        folder = Path(name)
        engine = open_database(folder / "none.sqlite")
        guests = GuestMode(folder / "guest-mode")
        apps = {
            "compute": compute.create_app(SqlJobRepository(engine), LocalFileStorage(folder), Capabilities(), guests),
            "auth": auth.create_app(UserRepository(engine), KeyRing(folder / "keys"), Passwords()),
        }
        return {
            f"{name}.json": json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            for name, app in apps.items()
        }


def write(folder: Path) -> list[Path]:
    """Write the documents; returns those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed: list[Path] = []
    for name, text in export().items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def check(folder: Path) -> str:
    """How the documents in a folder differ from the servers, as a diff; empty when they do not."""
    diff: list[str] = []
    for name, text in export().items():
        path = folder / name
        there = path.read_text("utf-8") if path.exists() else ""
        diff += difflib.unified_diff(
            there.splitlines(keepends=True), text.splitlines(keepends=True), str(path), "the servers"
        )
    return "".join(diff)
