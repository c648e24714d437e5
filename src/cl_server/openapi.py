"""The OpenAPI documents of the servers, with the messages and outputs that no route mentions."""

import json
from collections.abc import Callable, Sequence
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
    """Remove the 422 that FastAPI adds to every route with a parameter. Routes that can return one declare it."""
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
