"""The rules of the normalisation that give operations and schemas names: none is lost, and none is another's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cl_codegen.spec.spec import JSONObject, escape_pointer
from cl_codegen.spec.walk import component_schemas, objects, operations_of, rename_components, slots
from cl_codegen.text.naming import pascal, snake, unique, words

RESERVED_CLASSES = frozenset(
    [
        "Any",
        "AsyncGenerator",
        "Call",
        "Client",
        "Data",
        "Enum",
        "File",
        "FileContent",
        "FilePart",
        "Final",
        "FormModel",
        "JSONObject",
        "JSONValue",
        "Literal",
        "Mapping",
        "None",
        "Response",
        "Self",
        "ServerEvent",
        "StatusError",
        "True",
        "False",
        "TypeAlias",
        "UUID",
        "Unset",
        "UrlencodedModel",
        "WireModel",
        "BadResponseError",
        # The plugin and operation layers, and the client without async.
        *("AuthClient", "ComputeClient", "DownloadCallback", "FileInput", "Job", "JobCallback", "JobClient", "Jobs"),
        *("MQTTJobMonitor", "Operation", "OperationGroup", "Outcome", "Parameter", "Path", "PluginClient"),
        *("Portal", "ServerClient", "SessionManager", "Twin", "Door", "UploadCallback", "Watch", "Workers"),
    ]
)
"""Class names that the templates use themselves: a schema of that name would shadow them."""


def operation_ids_are_names(document: JSONObject) -> Iterator[str]:
    """FastAPI's default operation id is `{function}_{path}_{method}`; the function's name alone is what a person says.

    An operation without any id gets one of method and path. Where two would be called the same, both keep the long one.
    """
    wished: dict[str, list[JSONObject]] = {}
    pointers: dict[int, str] = {}
    for path, method, operation in operations_of(document):
        given = operation.get("operationId")
        name = _short_operation_id(given, path, method) if isinstance(given, str) else None
        wished.setdefault(name or snake(f"{method} {path}"), []).append(operation)
        pointers[id(operation)] = f"#/paths/{escape_pointer(path)}/{method}/operationId"
    taken = {name for name, operations in wished.items() if len(operations) == 1}
    for name, operations in wished.items():
        for operation in operations:
            given = operation.get("operationId")
            alone = name if len(operations) == 1 else given
            chosen = alone if isinstance(alone, str) else unique(name, taken)
            taken.add(chosen)
            if chosen != given:
                operation["operationId"] = chosen
                yield pointers[id(operation)]


def _short_operation_id(given: str, path: str, method: str) -> str:
    suffix = f"{re.sub(r'[^0-9A-Za-z_]', '_', path)}_{method}"
    return given.removesuffix(suffix) or given


def modules_have_plain_names(document: JSONObject) -> Iterator[str]:
    """An operation id and a tag name modules, and Python looks for `ｘ` as `x` (PEP 3131: NFKC). They become ASCII."""
    operations = list(operations_of(document))
    taken = {str(operation.get("operationId")) for _, _, operation in operations}
    for path, method, operation in operations:
        pointer = f"#/paths/{escape_pointer(path)}/{method}"
        given = operation.get("operationId")
        if isinstance(given, str) and not given.isascii():
            operation["operationId"] = unique(snake(given, fallback="operation"), taken)
            taken.add(operation["operationId"])
            yield f"{pointer}/operationId"
        tags = operation.get("tags")
        for place, tag in enumerate(tags if isinstance(tags, list) else []):
            if isinstance(tags, list) and isinstance(tag, str) and not tag.isascii():
                tags[place] = snake(tag, fallback="tag")
                yield f"{pointer}/tags/{place}"


def bodies_are_named_by_their_operation(document: JSONObject) -> Iterator[str]:
    """FastAPI calls a form `Body_{operation id}`, with the long id; by the clean one it is `BodyCreateHashJob`."""
    names: dict[str, str] = {}
    for _, _, operation in operations_of(document):
        body = operation.get("requestBody")
        for pointer, node in objects(body):
            reference = node.get("$ref")
            key = reference.rpartition("/")[2] if isinstance(reference, str) else ""
            wanted = f"Body_{operation['operationId']}"
            if pointer.endswith("/schema") and key.startswith("Body_") and key != wanted and key not in names:
                names[key] = unique(wanted, component_schemas(document))
    rename_components(document, names)
    yield from (f"#/components/schemas/{escape_pointer(key)}" for key in names)


def components_are_called_by_their_key(document: JSONObject) -> Iterator[str]:
    """A title names the class before the key does, so that `X-Input` and `X-Output`, both titled X, become one and one
    is dropped. Keys are unique: they name the class."""
    for key, schema in component_schemas(document).items():
        if isinstance(schema, dict) and "title" in schema:
            del schema["title"]
            yield f"#/components/schemas/{escape_pointer(key)}"


def components_leave_our_names(document: JSONObject) -> Iterator[str]:
    """A schema called `File` or `Response` would shadow what the generated modules import; it becomes `FileModel`.

    A key that makes no class name (`1`, `äöü`, `class`) gets one too, and two keys never make the same one.
    """
    schemas = component_schemas(document)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in schemas:
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\- ]*", key) is not None
        name = key if plain and pascal(key) not in RESERVED_CLASSES else f"{pascal(key)}Model"
        while pascal(name) in taken:
            name = f"{name}Twin"
        taken.add(pascal(name))
        if name != key:
            names[key] = name
    rename_components(document, names)
    yield from (f"#/components/schemas/{escape_pointer(key)}" for key in names)


def optional_members_take_the_title(document: JSONObject) -> Iterator[str]:
    """In `anyOf: [T, null]` an inline T would be called `…Type0`; it takes the title of the whole."""
    for slot in slots(document):
        schema = slot.schema
        members = schema.get("anyOf") if isinstance(schema, dict) else None
        if not isinstance(schema, dict) or not isinstance(members, list):
            continue
        inner = [member for member in members if member != {"type": "null"}]
        if len(inner) == 1 and len(members) == 2 and isinstance(inner[0], dict) and "$ref" not in inner[0]:
            name = schema.get("title", slot.key)
            if isinstance(name, str) and ("enum" in inner[0] or "properties" in inner[0]) and "title" not in inner[0]:
                inner[0]["title"] = name
                yield slot.pointer


def titles_are_words(document: JSONObject) -> Iterator[str]:
    """A title names the class of an inline enum or object, and where there is none, the key does. One without a letter
    of ASCII names nothing and goes; others are written in ASCII, as `modules_have_plain_names` says why."""
    for slot in slots(document):
        schema = slot.schema
        if not isinstance(schema, dict):
            continue
        title = schema.get("title", slot.key)
        if "title" in schema and (not isinstance(title, str) or not words(title)):
            title = slot.key
            del schema["title"]
            yield slot.pointer
        if isinstance(title, str) and not title.isascii() and ("enum" in schema or "properties" in schema):
            schema["title"] = pascal(title)
            yield slot.pointer
