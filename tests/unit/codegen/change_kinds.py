"""The table of all kinds of change between two specs: a new kind begins here."""

import copy

from cl_codegen.diff.change import Level

GONE = object()
BREAKING, COMPATIBLE, COSMETIC = Level.BREAKING, Level.COMPATIBLE, Level.COSMETIC

MANIFEST = """\
[hash]
operation = "create_hash_job"
verb = "compute"
names = { image = "file", word = "algorithm" }
order = ["image", "word", "rounds"]
flags = { word = ["--algorithm", "-a"] }
"""


def answer(name: str) -> dict:
    return {"description": "ok", "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def thing(**properties: object) -> dict:
    return {"type": "object", "properties": properties, "required": [*properties]}


BASE = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/jobs/hash": {
            "post": {
                "operationId": "create_hash_job",
                "tags": ["jobs"],
                "summary": "Hash",
                "x-task-type": "hash",
                "x-task-output": {"$ref": "#/components/schemas/HashOutput"},
                "requestBody": {
                    "required": True,
                    "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Body"}}},
                },
                "responses": {"200": answer("Created"), "422": answer("Error")},
            }
        },
        "/jobs/{job_id}": {
            "get": {
                "operationId": "get_job",
                "tags": ["jobs"],
                "parameters": [
                    {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "full", "in": "query", "schema": {"type": "boolean"}},
                ],
                "responses": {"200": answer("JobResponse"), "404": answer("Error")},
            }
        },
        "/tree": {
            "post": {
                "operationId": "turn",
                "tags": ["jobs"],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": thing(node={"$ref": "#/components/schemas/Node"})}},
                },
                "responses": {"200": answer("Node")},
            }
        },
    },
    "components": {
        "schemas": {
            "Body": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "algorithm": {"type": "string", "enum": ["md5", "sha256"]},
                    "rounds": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
                },
                "required": ["file"],
            },
            "HashOutput": thing(md5={"type": "string"}, kind={"type": "string", "enum": ["a", "b"]}),
            "Created": thing(job_id={"type": "string"}),
            "Error": thing(detail={"type": "string"}),
            "JobResponse": thing(
                job_id={"type": "string"},
                progress={"type": "integer", "maximum": 100},
                tags={"type": "array", "items": {"type": "string"}},
            ),
            "JobEvent": thing(job_id={"type": "string"}, progress={"type": "integer"}),
            "Node": thing(name={"type": "string"}),
        }
    },
}

POST = "paths|/jobs/hash|post"
GET = "paths|/jobs/{job_id}|get"
FORM = "components|schemas|Body|properties"
OUT = "components|schemas|HashOutput"
EVENT = "components|schemas|JobEvent"
SCHEMAS = "components|schemas"
FULL = f"{GET}|parameters|1"
ROUNDS = "create_hash_job, parameter rounds"
WORD = "create_hash_job, parameter algorithm"


def edited(edits: dict[str, object]) -> dict:
    document = copy.deepcopy(BASE)
    for place, value in edits.items():
        *way, last = place.split("|")
        holder: object = document
        for step in way:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        key = int(last) if isinstance(holder, list) else last
        if value is GONE:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(value)
    return document


NEW_POST = {
    "operationId": "create_exif_job",
    "tags": ["jobs"],
    "requestBody": {"content": {"multipart/form-data": {"schema": thing(file={"type": "string", "format": "binary"})}}},
    "responses": {"200": answer("Created")},
}
JSON_BODY = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}}
PATHS = BASE["paths"]
WITHOUT_FULL = PATHS["/jobs/{job_id}"]["get"]["parameters"][:1]
NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
BYTES = {"description": "ok", "content": {"application/octet-stream": {"schema": {"type": "string"}}}}

OPTIONAL_NODE = {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "null"}]}
FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
MOVED = (
    "positional arguments are (image, salt, word, rounds) now, were (image, word, rounds); "
    "`order` in the manifest keeps them"
)

KINDS: list[tuple[str, dict, dict, list[tuple[Level, str]]]] = [
    # name, edits that make the old spec, edits that make the new one, what is found
    ("nothing", {}, {}, []),
    ("operation removed", {}, {"paths|/tree": GONE}, [
        (BREAKING, "turn: the operation is gone"),
    ]),
    ("operation added", {}, {"paths|/jobs/exif": {"post": NEW_POST}}, [
        (COMPATIBLE, "create_exif_job: the operation is new, with file"),
    ]),
    ("path changed", {}, {"paths|/jobs/hash": GONE, "paths|/v2/jobs/hash": PATHS["/jobs/hash"]}, [
        (BREAKING, "create_hash_job: is POST /v2/jobs/hash now, was POST /jobs/hash"),
    ]),
    ("method changed", {}, {"paths|/tree": {"put": PATHS["/tree"]["post"]}}, [
        (BREAKING, "turn: is PUT /tree now, was POST /tree"),
    ]),
    ("operation renamed", {}, {f"{GET}|operationId": "read_job"}, [
        (BREAKING, "read_job: is called cl_api.compute.api.jobs.read_job now, was cl_api.compute.api.jobs.get_job"),
    ]),
    ("tag changed", {}, {f"{GET}|tags": ["work"]}, [
        (BREAKING, "get_job: is called cl_api.compute.api.work.get_job now, was cl_api.compute.api.jobs.get_job"),
    ]),
    ("summary changed", {}, {f"{POST}|summary": "Hash!"}, [(COSMETIC, "create_hash_job: the summary is another")]),
    ("description added", {}, {f"{GET}|description": "x"}, [(COSMETIC, "get_job: the description is another")]),
    ("deprecated", {}, {f"{GET}|deprecated": True}, [(COMPATIBLE, "get_job: is deprecated now")]),
    ("no longer deprecated", {f"{GET}|deprecated": True}, {}, [(COSMETIC, "get_job: is not deprecated any more")]),
    ("task type changed", {}, {f"{POST}|x-task-type": "digest"}, [
        (BREAKING, "create_hash_job: the task type is digest now, was hash"),
    ]),
    ("security added", {}, {f"{GET}|security": [{"bearer": []}]}, [(BREAKING, "get_job: wants bearer now")]),
    ("security removed", {f"{GET}|security": [{"bearer": []}]}, {}, [
        (COMPATIBLE, "get_job: does not want bearer any more"),
    ]),
    ("required parameter added", {}, {
        f"{FORM}|salt": {"type": "string"}, f"{SCHEMAS}|Body|required": ["file", "salt"],
    }, [
        (BREAKING, f"create_hash_job: {MOVED}"),
        (BREAKING, "create_hash_job, parameter salt: is new, and required"),
    ]),
    ("optional parameter added", {}, {f"{FORM}|salt": {"type": "string"}}, [
        (COMPATIBLE, "create_hash_job, parameter salt: is new"),
    ]),
    ("parameter removed", {}, {f"{FORM}|rounds": GONE}, [(BREAKING, f"{ROUNDS}: is gone")]),
    ("query parameter removed", {}, {f"{GET}|parameters": WITHOUT_FULL}, [
        (BREAKING, "get_job, parameter full: is gone"),
    ]),
    ("query parameter added", {f"{GET}|parameters": WITHOUT_FULL}, {}, [
        (COMPATIBLE, "get_job, parameter full: is new"),
    ]),
    ("query parameter becomes required", {}, {f"{FULL}|required": True}, [
        (BREAKING, "get_job, parameter full: is required now"),
    ]),
    ("parameter moves", {}, {f"{FULL}|in": "header"}, [
        (BREAKING, "get_job, parameter full: goes in the header now, was in the query"),
    ]),
    ("description of a parameter", {}, {f"{FULL}|description": "x"}, [
        (COSMETIC, "get_job, parameter full: the description is another"),
    ]),
    ("form field becomes required", {}, {f"{SCHEMAS}|Body|required": ["file", "algorithm"]}, [
        (BREAKING, f"{WORD}: is required now"),
    ]),
    ("form field becomes optional", {f"{SCHEMAS}|Body|required": ["file", "algorithm"]}, {}, [
        (COMPATIBLE, f"{WORD}: is optional now"),
    ]),
    ("type changed", {}, {f"{FORM}|rounds": {"type": "string"}}, [
        (BREAKING, f"{ROUNDS}: the type is string now, was integer"),
        (COMPATIBLE, f"{ROUNDS}: the default 3 is gone"),
    ]),
    ("type widened", {}, {f"{FORM}|rounds|type": "number"}, [
        (COMPATIBLE, f"{ROUNDS}: the type is number now, was integer"),
    ]),
    ("type narrowed", {f"{FORM}|rounds|type": "number"}, {}, [
        (BREAKING, f"{ROUNDS}: the type is integer now, was number"),
    ]),
    ("null is taken", {}, {f"{FULL}|schema": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}, [
        (COMPATIBLE, "get_job, parameter full: may be null now"),
    ]),
    ("null is not taken", {f"{FULL}|schema": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}, {}, [
        (BREAKING, "get_job, parameter full: may not be null any more"),
    ]),
    ("one file becomes several", {}, {f"{FORM}|file": FILES},
     [(BREAKING, "create_hash_job, parameter file: the type is list now, was file")]),
    ("items of a list change", {f"{FULL}|schema": {"type": "array", "items": {"type": "integer"}}},
     {f"{FULL}|schema": {"type": "array", "items": {"type": "string"}}}, [
        (BREAKING, "get_job, parameter full[]: the type is string now, was integer"),
    ]),
    ("format changed", {}, {f"{FULL}|schema": {"type": "string", "format": "date-time"}}, [
        (BREAKING, "get_job, parameter full: the type is string (date-time) now, was boolean"),
    ]),
    ("word removed", {}, {f"{FORM}|algorithm|enum": ["md5"]}, [(BREAKING, f"{WORD}: no longer knows sha256")]),
    ("word added", {}, {f"{FORM}|algorithm|enum": ["md5", "sha256", "blake3"]}, [
        (COMPATIBLE, f"{WORD}: knows blake3 too"),
    ]),
    ("words closed", {f"{FORM}|algorithm|enum": GONE}, {}, [(BREAKING, f"{WORD}: has to be one of md5, sha256 now")]),
    ("words opened", {}, {f"{FORM}|algorithm|enum": GONE}, [(COMPATIBLE, f"{WORD}: takes any word now")]),
    ("minimum raised", {}, {f"{FORM}|rounds|minimum": 2}, [(BREAKING, f"{ROUNDS}: the minimum is 2 now, was 1")]),
    ("minimum lowered", {}, {f"{FORM}|rounds|minimum": 0}, [(COMPATIBLE, f"{ROUNDS}: the minimum is 0 now, was 1")]),
    ("maximum lowered", {}, {f"{FORM}|rounds|maximum": 5}, [(BREAKING, f"{ROUNDS}: the maximum is 5 now, was 9")]),
    ("maximum raised", {}, {f"{FORM}|rounds|maximum": 99}, [(COMPATIBLE, f"{ROUNDS}: the maximum is 99 now, was 9")]),
    ("bound added", {}, {f"{FORM}|rounds|multipleOf": 2}, [(BREAKING, f"{ROUNDS}: the step is 2 now")]),
    ("bound removed", {}, {f"{FORM}|rounds|maximum": GONE}, [(COMPATIBLE, f"{ROUNDS}: the maximum 9 is gone")]),
    ("pattern added", {}, {f"{FORM}|algorithm|pattern": "^[a-z]"}, [(BREAKING, f"{WORD}: the pattern is ^[a-z] now")]),
    ("pattern removed", {f"{FORM}|algorithm|pattern": "^[a-z]"}, {}, [
        (COMPATIBLE, f"{WORD}: the pattern ^[a-z] is gone"),
    ]),
    ("length shortened", {}, {f"{FORM}|algorithm|maxLength": 6}, [(BREAKING, f"{WORD}: the longest length is 6 now")]),
    ("default changed", {}, {f"{FORM}|rounds|default": 4}, [(COMPATIBLE, f"{ROUNDS}: the default is 4 now, was 3")]),
    ("description of a field", {}, {f"{FORM}|rounds|description": "x"}, [
        (COSMETIC, f"{ROUNDS}: the description is another"),
    ]),
    ("media type of the body", {}, {f"{POST}|requestBody": JSON_BODY}, [
        (BREAKING, "create_hash_job: the body is application/json now, was multipart/form-data"),
    ]),
    ("status of success added", {}, {f"{POST}|responses|202": answer("Created")}, [
        (BREAKING, "create_hash_job, answer 202: is new"),
    ]),
    ("status of an error added", {}, {f"{POST}|responses|413": answer("Error")}, [
        (COMPATIBLE, "create_hash_job, answer 413: is new"),
    ]),
    ("status of an error removed", {}, {f"{POST}|responses|422": GONE}, [
        (COMPATIBLE, "create_hash_job, answer 422: is gone"),
    ]),
    ("answer of another schema", {}, {f"{GET}|responses|200": answer("Created")}, [
        (BREAKING, "get_job, answer 200: the schema is Created now, was JobResponse (progress is gone; tags is gone)"),
    ]),
    ("answer of another media type", {}, {f"{GET}|responses|200": BYTES}, [
        (BREAKING, "get_job, answer 200: is application/octet-stream now, was application/json"),
    ]),
    ("description of an answer", {}, {f"{GET}|responses|200|description": "x"}, [
        (COSMETIC, "get_job, answer 200: the description is another"),
    ]),
    ("output of another schema", {}, {f"{POST}|x-task-output|$ref": "#/components/schemas/Node"}, [
        (BREAKING, "create_hash_job: the output is Node now, was HashOutput"),
    ]),
    ("output field removed", {}, {f"{OUT}|properties|md5": GONE, f"{OUT}|required": ["kind"]}, [
        (BREAKING, "schema HashOutput, field md5: is gone"),
    ]),
    ("output field added", {}, {f"{OUT}|properties|sha1": {"type": "string"}}, [
        (COMPATIBLE, "schema HashOutput, field sha1: is new"),
    ]),
    ("output field of another type", {}, {f"{OUT}|properties|md5|type": "integer"}, [
        (BREAKING, "schema HashOutput, field md5: the type is integer now, was string"),
    ]),
    ("output field may be null", {}, {f"{OUT}|properties|md5": NULLABLE}, [
        (BREAKING, "schema HashOutput, field md5: may be null now"),
    ]),
    ("output field is never null", {f"{OUT}|properties|md5": NULLABLE}, {}, [
        (COMPATIBLE, "schema HashOutput, field md5: may not be null any more"),
    ]),
    ("output field may be missing", {}, {f"{OUT}|required": ["kind"]}, [
        (BREAKING, "schema HashOutput, field md5: may be missing now"),
    ]),
    ("output field is always there", {f"{OUT}|required": ["kind"]}, {}, [
        (COMPATIBLE, "schema HashOutput, field md5: is required now"),
    ]),
    ("word of an output added", {}, {f"{OUT}|properties|kind|enum": ["a", "b", "c"]}, [
        (COMPATIBLE, "schema HashOutput, field kind: knows c too"),
    ]),
    ("word of an output removed", {}, {f"{OUT}|properties|kind|enum": ["a"]}, [
        (COMPATIBLE, "schema HashOutput, field kind: no longer knows b"),
    ]),
    ("bound of an answer", {}, {f"{SCHEMAS}|JobResponse|properties|progress|maximum": 1}, [
        (COSMETIC, "schema JobResponse, field progress: the maximum is 1 now, was 100"),
    ]),
    ("items of an answer", {}, {f"{SCHEMAS}|JobResponse|properties|tags|items|type": "integer"}, [
        (BREAKING, "schema JobResponse, field tags[]: the type is integer now, was string"),
    ]),
    ("event field removed", {}, {f"{EVENT}|properties|progress": GONE, f"{EVENT}|required": ["job_id"]}, [
        (BREAKING, "event JobEvent, field progress: is gone"),
    ]),
    ("event field added", {}, {f"{EVENT}|properties|stage": {"type": "string"}}, [
        (COMPATIBLE, "event JobEvent, field stage: is new"),
    ]),
    ("event field of another type", {}, {f"{EVENT}|properties|progress|type": "number"}, [
        (BREAKING, "event JobEvent, field progress: the type is number now, was integer"),
    ]),
    ("event removed", {}, {EVENT: GONE}, [(BREAKING, "event JobEvent: is gone")]),
    ("event added", {}, {f"{SCHEMAS}|WorkerEvent": thing(id={"type": "string"})}, [
        (COMPATIBLE, "event WorkerEvent: is new"),
    ]),
    ("schema that is sent and read gets a field", {}, {
        f"{SCHEMAS}|Node": thing(name={"type": "string"}, size={"type": "integer"}),
    }, [(BREAKING, "schema Node, field size: is new, and required")]),
    ("schema that holds itself", {f"{SCHEMAS}|Node|properties|next": OPTIONAL_NODE}, {
        f"{SCHEMAS}|Node|properties|next": OPTIONAL_NODE, f"{SCHEMAS}|Node|properties|name|type": "integer",
    }, [(BREAKING, "schema Node, field name: the type is integer now, was string")]),
    ("description of a schema", {}, {f"{SCHEMAS}|Error|description": "x"}, [
        (COSMETIC, "schema Error: the description is another"),
    ]),
    ("version of the server", {}, {"info|version": "2"}, [(COSMETIC, "the server: the version is 2 now, was 1")]),
]  # fmt: skip
