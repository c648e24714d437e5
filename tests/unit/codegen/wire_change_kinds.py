"""The second half of the table of kinds: how a server is called and secured, and what stands below a schema."""

from tests.unit.codegen.change_kinds import (
    BREAKING,
    COMPATIBLE,
    COSMETIC,
    FORM,
    FULL,
    GET,
    GONE,
    OUT,
    PATHS,
    POST,
    ROUNDS,
    SCHEMAS,
    WORD,
    answer,
    thing,
)

FULL_PLACE = "get_job, parameter full"
OK = f"{GET}|responses|200"
JSON = "content|application/json|schema"
TREE = "paths|/tree|post"
TREE_BODY = f"{TREE}|requestBody"
MD5 = f"{OUT}|properties|md5"
MD5_PLACE = "schema HashOutput, field md5"
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
BEARER = {"type": "http", "scheme": "bearer"}
SCHEMES = {"key": KEY, "bearer": BEARER}
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
ANY_OF = {"anyOf": [TEXT, {"type": "null"}]}


def secured(*ways: dict, **schemes: dict) -> dict:
    return {"security": [*ways], "components|securitySchemes": schemes or SCHEMES}


def query(**schema: object) -> dict:
    return {FULL: {"name": "full", "in": "query", **schema}}


def listed(item: object, **others: object) -> dict:
    return {"type": "array", "items": item, **others}


def output(schema: object) -> dict:
    return {MD5: schema}


def responds(**content: object) -> dict:
    return {OK: {"description": "ok", **content}}


def reads(*kinds: str) -> dict:
    return responds(content={kind: {"schema": TEXT} for kind in kinds})


def takes(*kinds: str, required: bool = True) -> dict:
    return {TREE_BODY: {"required": required, "content": {kind: {"schema": thing(a=TEXT)} for kind in kinds}}}


def field_of(schema: object, *, way: str) -> dict:
    """A schema where it is sent, or where it is read."""
    return {f"{FORM}|algorithm": schema} if way == "sent" else output(schema)


MAPPED = {"propertyName": "kind", "mapping": {"a": "#/components/schemas/Node", "b": "#/components/schemas/Error"}}
REMAPPED = {**MAPPED, "mapping": {"a": "#/components/schemas/Error", "b": "#/components/schemas/Node"}}
MEMBERS = {"oneOf": [{"$ref": "#/components/schemas/Node"}, {"$ref": "#/components/schemas/Error"}]}
PAIR = {"type": "array", "prefixItems": [TEXT, NUMBER]}
FLOW = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a/token", "scopes": {"r": "", "w": ""}}}}
OTHER_FLOW = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://b/token", "scopes": {"r": ""}}}}
X_NEXT = {"headers": {"X-Next": {"schema": TEXT}}}
PATH_ID = {"name": "job_id", "in": "path", "required": True, "schema": TEXT}

WIRE_KINDS = [
    # name, edits that make the old spec, edits that make the new one, what is found; and what is found the way back
    ("sign-in is wanted of all", {}, secured({"key": []}), [(BREAKING, "the server: wants key now")],
     [(COMPATIBLE, "the server: does not want key any more")]),
    ("one way more to sign in", secured({"key": []}), secured({"key": []}, {"bearer": []}),
     [(COMPATIBLE, "the server: takes bearer too")], [(BREAKING, "the server: wants key now")]),
    ("two at once are wanted", secured({"key": []}), secured({"key": [], "bearer": []}),
     [(BREAKING, "the server: wants bearer and key now")], [(COMPATIBLE, "the server: takes key too")]),
    ("sign-in is left to the user", secured({"key": []}), secured({}, {"key": []}),
     [(COMPATIBLE, "the server: may be called without key now")], [(BREAKING, "the server: wants key now")]),
    ("one operation is open", secured({"key": []}), {**secured({"key": []}), f"{GET}|security": []},
     [(COMPATIBLE, "get_job: does not want key any more")], [(BREAKING, "get_job: wants key now")]),
    ("a scope is wanted", secured({"o": ["r"]}, o=FLOW), secured({"o": ["r", "w"]}, o=FLOW),
     [(BREAKING, "the server: wants o (r, w) now")], [(COMPATIBLE, "the server: takes o (r) too")]),
    ("the key goes in another header", secured({"key": []}), secured({"key": []}, key={**KEY, "name": "X-Other"}),
     [(BREAKING, "sign-in key: the name is X-Other now, was X-Key")],
     [(BREAKING, "sign-in key: the name is X-Key now, was X-Other")]),
    ("the key goes in the query", secured({"key": []}), secured({"key": []}, key={**KEY, "in": "query"}),
     [(BREAKING, "sign-in key: the in is query now, was header")],
     [(BREAKING, "sign-in key: the in is header now, was query")]),
    ("tokens come from elsewhere", secured({"o": ["r"]}, o=FLOW), secured({"o": ["r"]}, o=OTHER_FLOW),
     [(BREAKING, "sign-in o: the tokenUrl of clientCredentials is https://b/token now, was https://a/token"),
      (BREAKING, "sign-in o: the scope w of clientCredentials is gone")],
     [(BREAKING, "sign-in o: the tokenUrl of clientCredentials is https://a/token now, was https://b/token")]),
    ("a scheme that is only called otherwise", secured({"key": []}, key=KEY), secured({"k": []}, k=KEY), [], []),
    ("the base path", {"servers": [{"url": "/v1"}]}, {"servers": [{"url": "/v2"}]},
     [(BREAKING, "the server: the base path is /v2 now, was /v1")],
     [(BREAKING, "the server: the base path is /v1 now, was /v2")]),
    ("a base path that was none", {}, {"servers": [{"url": "https://host/api/"}]},
     [(BREAKING, "the server: the base path is /api now, was /")],
     [(BREAKING, "the server: the base path is / now, was /api")]),
    ("a base path by a variable", {"servers": [{"url": "/{v}", "variables": {"v": {"default": "v1"}}}]},
     {"servers": [{"url": "/v1"}]}, [], []),
    ("a base path goes into the paths", {"servers": [{"url": "/v1"}]},
     {"paths": {f"/v1{path}": item for path, item in PATHS.items()}}, [], []),
    ("another host", {"servers": [{"url": "https://a/v1"}]}, {"servers": [{"url": "https://b/v1"}]},
     [(COSMETIC, "the server: the addresses are others")], [(COSMETIC, "the server: the addresses are others")]),
    ("one base path more", {"servers": [{"url": "/v1"}]}, {"servers": [{"url": "/v1"}, {"url": "/v2"}]},
     [(COMPATIBLE, "the server: the base path may be /v2 too")],
     [(BREAKING, "the server: the base path is /v1 now, was /v1 or /v2")]),
    ("another base path of one path", {}, {"paths|/tree|servers": [{"url": "/v9"}]},
     [(BREAKING, "turn: the base path is /v9 now, was /")], [(BREAKING, "turn: the base path is / now, was /v9")]),
    ("a path in capitals", {}, {"paths|/tree": GONE, "paths|/Tree": PATHS["/tree"]},
     [(BREAKING, "turn: is POST /Tree now, was POST /tree")], [(BREAKING, "turn: is POST /tree now, was POST /Tree")]),
    ("a path by reference", {}, {"paths|/tree": {"$ref": "#/components/pathItems/P"},
                                 "components|pathItems": {"P": PATHS["/tree"]}}, [], []),
    ("a parameter of the path goes to its operation", {"paths|/jobs/{job_id}|parameters": [PATH_ID]}, {}, [], []),
    ("a parameter by reference", {}, {f"{GET}|parameters|0": {"$ref": "#/components/parameters/Id"},
                                      "components|parameters": {"Id": PATH_ID}}, [], []),
    ("lists are written otherwise", query(schema=listed(TEXT)), query(schema=listed(TEXT), explode=False),
     [(BREAKING, f"{FULL_PLACE}: goes as form, not exploded now, was form, exploded")],
     [(BREAKING, f"{FULL_PLACE}: goes as form, exploded now, was form, not exploded")]),
    ("objects are written otherwise", query(schema=thing(a=TEXT)), query(schema=thing(a=TEXT), style="deepObject"),
     [(BREAKING, f"{FULL_PLACE}: goes as deepObject, not exploded now, was form, exploded")],
     [(BREAKING, f"{FULL_PLACE}: goes as form, exploded now, was deepObject, not exploded")]),
    ("a style that makes no difference", {}, {f"{FULL}|explode": False}, [], []),
    ("a default that is said", {}, {f"{FULL}|style": "form", f"{FULL}|required": False}, [], []),
    ("a header in capitals", {FULL: {"name": "X-A", "in": "header", "schema": TEXT}},
     {FULL: {"name": "x-a", "in": "header", "schema": TEXT}}, [], []),
    ("one of two parameters of a name", {f"{FULL}|name": "job_id"},
     {f"{FULL}|name": "job_id", f"{FULL}|schema": NUMBER},
     [(BREAKING, "get_job, parameter job_id (in the query): the type is integer now, was boolean")],
     [(BREAKING, "get_job, parameter job_id (in the query): the type is boolean now, was integer")]),
    ("a body becomes required", {f"{TREE_BODY}|required": False}, {}, [(BREAKING, "turn, body: is required now")],
     [(COMPATIBLE, "turn, body: is optional now")]),
    ("one media type of a body fewer", takes("application/json", "application/x-www-form-urlencoded"),
     takes("application/json"),
     [(BREAKING, "turn: the body may not be application/x-www-form-urlencoded any more")],
     [(COMPATIBLE, "turn: the body may be application/x-www-form-urlencoded too")]),
    ("a body by reference", {}, {TREE_BODY: {"$ref": "#/components/requestBodies/B"},
                                 "components|requestBodies": {"B": PATHS["/tree"]["post"]["requestBody"]}}, [], []),
    ("an operation without a body gets one", {TREE_BODY: GONE}, takes("application/json", required=False),
     [(COMPATIBLE, "turn, parameter a: is new")], [(BREAKING, "turn, parameter a: is gone")]),
    ("the only success is another", {}, {f"{GET}|responses|200": GONE, f"{GET}|responses|202": answer("JobResponse")},
     [(BREAKING, "get_job, answer 200: is gone"), (BREAKING, "get_job, answer 202: is new")],
     [(BREAKING, "get_job, answer 202: is gone"), (BREAKING, "get_job, answer 200: is new")]),
    ("a status within a range", {f"{GET}|responses": {"2XX": answer("JobResponse")}},
     {f"{GET}|responses": {"200": answer("JobResponse")}}, [], [(BREAKING, "get_job, answer 2XX: is new")]),
    ("an error within the default", {f"{GET}|responses|404": GONE, f"{GET}|responses|default": answer("Error")},
     {f"{GET}|responses|default": answer("Error")}, [], []),
    ("an error gets a body", {f"{GET}|responses|404": {"description": "no"}},
     {f"{GET}|responses|404": {**answer("Error"), "description": "no"}},
     [(COMPATIBLE, "get_job, answer 404: is application/json now, was empty")],
     [(BREAKING, "get_job, answer 404: is empty now, was application/json")]),
    ("one media type of an answer fewer", reads("application/json", "text/csv"), reads("application/json"),
     [(BREAKING, "get_job, answer 200: does not come as text/csv any more")],
     [(COMPATIBLE, "get_job, answer 200: may come as text/csv too")]),
    ("a charset that is said", reads("application/json"), reads("application/json; charset=utf-8"), [], []),
    ("a header of an answer", responds(**X_NEXT), responds(),
     [(BREAKING, "get_job, answer 200, header X-Next: is gone")],
     [(COMPATIBLE, "get_job, answer 200, header X-Next: is new")]),
    ("a header in small letters", responds(**X_NEXT), responds(headers={"x-next": {"schema": TEXT}}), [], []),
    ("a header of another type", responds(**X_NEXT), responds(headers={"X-Next": {"schema": NUMBER}}),
     [(BREAKING, "get_job, answer 200, header X-Next: the type is integer now, was string")],
     [(BREAKING, "get_job, answer 200, header X-Next: the type is string now, was integer")]),
    ("a component that is written in place", {}, {f"{OK}|{JSON}": {
        "type": "object", "required": ["job_id", "progress", "tags"], "properties": {
            "tags": listed(TEXT), "progress": {"type": "integer", "maximum": 100.0}, "job_id": TEXT}}}, [], []),
    ("a component that is called otherwise", {f"{SCHEMAS}|Created2": thing(job_id=TEXT)},
     {f"{SCHEMAS}|Created2": thing(job_id=TEXT), f"{POST}|responses|200": answer("Created2")}, [], []),
    ("1 is not the word 1", field_of({"enum": [1]}, way="sent"), field_of({"enum": ["1"]}, way="sent"),
     [(BREAKING, f"{WORD}: the type is string now, was integer")],
     [(BREAKING, f"{WORD}: the type is integer now, was string")]),
    ("a constant of one word", field_of({"const": "a"}, way="sent"), field_of({"enum": ["a"]}, way="sent"), [], []),
    ("another constant is sent", field_of({"const": "a"}, way="sent"), field_of({"const": "b"}, way="sent"),
     [(BREAKING, f"{WORD}: is b now, was a")], [(BREAKING, f"{WORD}: is a now, was b")]),
    ("another constant is read", field_of({"const": "a"}, way="read"), field_of({"const": "b"}, way="read"),
     [(BREAKING, f"{MD5_PLACE}: is b now, was a")], [(BREAKING, f"{MD5_PLACE}: is a now, was b")]),
    ("nullable of 3.0", output({"type": "string", "nullable": True}), output(ANY_OF), [], []),
    ("two types as a list", output({"type": ["string", "null"]}), output(ANY_OF), [], []),
    ("a bound of 3.0", {f"{FORM}|rounds": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
     {f"{FORM}|rounds": {"type": "number", "exclusiveMinimum": 0}}, [], []),
    ("the same bound of whole numbers", {}, {f"{FORM}|rounds|minimum": GONE, f"{FORM}|rounds|exclusiveMinimum": 0},
     [], []),
    ("a bound without its edge", {f"{FORM}|rounds": {"type": "number", "minimum": 1}},
     {f"{FORM}|rounds": {"type": "number", "exclusiveMinimum": 1}},
     [(BREAKING, f"{ROUNDS}: the exclusive minimum is 1 now, was the minimum 1")],
     [(COMPATIBLE, f"{ROUNDS}: the minimum is 1 now, was the exclusive minimum 1")]),
    ("a step that is finer", {f"{FORM}|rounds|multipleOf": 4}, {f"{FORM}|rounds|multipleOf": 2},
     [(COMPATIBLE, f"{ROUNDS}: the step is 2 now, was 4")], [(BREAKING, f"{ROUNDS}: the step is 4 now, was 2")]),
    ("more may be read", {f"{MD5}|maxLength": 8}, {f"{MD5}|maxLength": 9},
     [(BREAKING, f"{MD5_PLACE}: the longest length is 9 now, was 8")],
     [(COSMETIC, f"{MD5_PLACE}: the longest length is 8 now, was 9")]),
    ("items have to differ", field_of(listed(TEXT), way="sent"), field_of(listed(TEXT, uniqueItems=True), way="sent"),
     [(BREAKING, f"{WORD}: no two items may be the same now")], [(COMPATIBLE, f"{WORD}: items may be the same now")]),
    ("less room for a number", field_of({**NUMBER, "format": "int64"}, way="sent"),
     field_of({**NUMBER, "format": "int32"}, way="sent"),
     [(BREAKING, f"{WORD}: the format is int32 now, was int64")],
     [(COMPATIBLE, f"{WORD}: the format is int64 now, was int32")]),
    ("a format of a text that is read", output({**TEXT, "format": "email"}), output(TEXT),
     [(BREAKING, f"{MD5_PLACE}: the format email is gone")],
     [(COMPATIBLE, f"{MD5_PLACE}: the format is email now")]),
    ("a format that makes another type", output(TEXT), output({**TEXT, "format": "date-time"}),
     [(BREAKING, f"{MD5_PLACE}: the type is string (date-time) now, was string")],
     [(BREAKING, f"{MD5_PLACE}: the type is string now, was string (date-time)")]),
    ("a file of 3.1", {}, {f"{FORM}|file": {**TEXT, "contentMediaType": "application/octet-stream"}}, [], []),
    ("anything is taken", field_of(TEXT, way="sent"), field_of({}, way="sent"),
     [(COMPATIBLE, f"{WORD}: the type is any now, was string")],
     [(BREAKING, f"{WORD}: the type is string now, was any")]),
    ("anything may be read", output(TEXT), output({}),
     [(BREAKING, f"{MD5_PLACE}: the type is any now, was string")],
     [(COMPATIBLE, f"{MD5_PLACE}: the type is string now, was any")]),
    ("a member of a union", field_of({"oneOf": [TEXT, NUMBER]}, way="sent"), field_of(TEXT, way="sent"),
     [(BREAKING, f"{WORD}: the type is string now, was string or integer")],
     [(COMPATIBLE, f"{WORD}: the type is string or integer now, was string")]),
    ("members in another order", output({"anyOf": [TEXT, NUMBER]}), output({"anyOf": [NUMBER, TEXT]}), [], []),
    ("a member that another has in it", output({"anyOf": [TEXT, {"type": "string", "maxLength": 3}]}), output(TEXT),
     [], []),
    ("a member that is narrower than another", output({"anyOf": [{**TEXT, "pattern": "^a"}, {**TEXT, "minLength": 0}]}),
     output({"anyOf": [{**TEXT, "minLength": 0}]}), [], []),
    ("one of two kinds of a text", output({"anyOf": [{**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "b$"}]}),
     output({"anyOf": [{**TEXT, "pattern": "b$"}]}),
     [(COMPATIBLE, f"{MD5_PLACE}: there are fewer kinds of string now")],
     [(BREAKING, f"{MD5_PLACE}: there are more kinds of string now")]),
    ("one of two lists", output({"anyOf": [listed(TEXT), listed(NUMBER)]}),
     output({"anyOf": [listed(NUMBER), listed({"type": "boolean"})]}),
     [(BREAKING, f"{MD5_PLACE}[]: the type is boolean now, was string")],
     [(BREAKING, f"{MD5_PLACE}[]: the type is string now, was boolean")]),
    ("one of two objects", output({"anyOf": [thing(a=TEXT), thing(b=TEXT)]}),
     output({"anyOf": [thing(b=TEXT), thing(a=NUMBER)]}),
     [(BREAKING, f"{MD5_PLACE}.a: the type is integer now, was string")],
     [(BREAKING, f"{MD5_PLACE}.a: the type is string now, was integer")]),
    ("one place of a tuple", output(PAIR), output({**PAIR, "prefixItems": [TEXT, TEXT]}),
     [(BREAKING, f"{MD5_PLACE}[1]: the type is string now, was integer")],
     [(BREAKING, f"{MD5_PLACE}[1]: the type is integer now, was string")]),
    ("places of a tuple change", output(PAIR), output({**PAIR, "prefixItems": [NUMBER, TEXT]}),
     [(BREAKING, f"{MD5_PLACE}[0]: the type is integer now, was string"),
      (BREAKING, f"{MD5_PLACE}[1]: the type is string now, was integer")],
     [(BREAKING, f"{MD5_PLACE}[0]: the type is string now, was integer"),
      (BREAKING, f"{MD5_PLACE}[1]: the type is integer now, was string")]),
    ("a tuple ends", output(PAIR), output({**PAIR, "items": False}),
     [(COMPATIBLE, f"{MD5_PLACE}[]: the type is nothing now, was any")],
     [(BREAKING, f"{MD5_PLACE}[]: the type is any now, was nothing")]),
    ("values of a map", output({"type": "object", "additionalProperties": TEXT}),
     output({"type": "object", "additionalProperties": NUMBER}),
     [(BREAKING, f"{MD5_PLACE}{{}}: the type is integer now, was string")],
     [(BREAKING, f"{MD5_PLACE}{{}}: the type is string now, was integer")]),
    ("an object is closed", field_of(thing(a=TEXT), way="sent"),
     field_of({**thing(a=TEXT), "additionalProperties": False}, way="sent"),
     [(BREAKING, f"{WORD}: fields that it does not name are refused now")],
     [(COMPATIBLE, f"{WORD}: fields that it does not name are possible now")]),
    ("a field of a parent", output({"allOf": [thing(a=TEXT, b=TEXT), thing(c=TEXT)]}),
     output({"allOf": [thing(a=TEXT), thing(c=TEXT)]}),
     [(BREAKING, f"{MD5_PLACE}.b: is gone")], [(COMPATIBLE, f"{MD5_PLACE}.b: is new")]),
    ("a part that says nothing", output({"allOf": [{}, NUMBER]}), output(NUMBER), [], []),
    ("parts that are merged", output({"allOf": [thing(a=TEXT), thing(c=TEXT)]}), output(thing(c=TEXT, a=TEXT)), [], []),
    ("a field is only read", {}, {f"{FORM}|rounds|readOnly": True}, [(BREAKING, f"{ROUNDS}: is only read now")],
     [(COMPATIBLE, f"{ROUNDS}: is new")]),
    ("a field is only sent", {}, {f"{MD5}|writeOnly": True}, [(BREAKING, f"{MD5_PLACE}: is only sent now")],
     [(COMPATIBLE, f"{MD5_PLACE}: is new")]),
    ("what is only read is nothing to a sender", {f"{FORM}|rounds": {"type": "integer", "readOnly": True}},
     {f"{FORM}|rounds": {"type": "string", "readOnly": True}}, [], []),
    ("a field is deprecated", {}, {f"{MD5}|deprecated": True}, [(COMPATIBLE, f"{MD5_PLACE}: is deprecated now")],
     [(COSMETIC, f"{MD5_PLACE}: is not deprecated any more")]),
    ("a condition", field_of({**TEXT, "not": {"const": "x"}}, way="sent"), field_of(TEXT, way="sent"),
     [(COMPATIBLE, f"{WORD}: the condition 'not' is gone")], [(BREAKING, f"{WORD}: the condition 'not' is new")]),
    ("members are told apart by another field", output({**MEMBERS, "discriminator": MAPPED}),
     output({**MEMBERS, "discriminator": {**MAPPED, "propertyName": "sort"}}),
     [(BREAKING, f"{MD5_PLACE}: the field that names its kind is sort, and was kind")],
     [(BREAKING, f"{MD5_PLACE}: the field that names its kind is kind, and was sort")]),
    ("a word means another member", output({**MEMBERS, "discriminator": MAPPED}),
     output({**MEMBERS, "discriminator": REMAPPED}),
     [(BREAKING, f"{MD5_PLACE}: a means Error now, meant Node"),
      (BREAKING, f"{MD5_PLACE}: b means Node now, meant Error")],
     [(BREAKING, f"{MD5_PLACE}: a means Node now, meant Error"),
      (BREAKING, f"{MD5_PLACE}: b means Error now, meant Node")]),
    ("a text becomes a list", query(schema=TEXT), query(schema=listed(TEXT)),
     [(BREAKING, f"{FULL_PLACE}: the type is list now, was string")],
     [(BREAKING, f"{FULL_PLACE}: the type is string now, was list")]),
    ("a field has to be there that has no schema", field_of(thing(a=TEXT), way="sent"),
     field_of({**thing(a=TEXT), "required": ["a", "z"]}, way="sent"),
     [(BREAKING, f"{WORD}.z: is required now")], [(COMPATIBLE, f"{WORD}.z: may be missing now")]),
    ("a callback", {}, {f"{GET}|callbacks": {"done": {"{$url}": {"post": {"responses": {"200": {"description": "x"}},
        "requestBody": {"content": {"application/json": {"schema": TEXT}}}}}}}},
     [(COMPATIBLE, "webhook done of GET /jobs/{job_id}, to {$url}: is new")],
     [(BREAKING, "webhook done of GET /jobs/{job_id}, to {$url}: is gone")]),
    ("a webhook", {"webhooks": {"done": {"post": {"requestBody": {"content": {"application/json": {
        "schema": thing(id=TEXT)}}}}}}}, {"webhooks": {"done": {"post": {"requestBody": {"content": {
            "application/json": {"schema": thing(id=NUMBER)}}}}}}},
     [(BREAKING, "webhook done, field id: the type is integer now, was string")],
     [(BREAKING, "webhook done, field id: the type is string now, was integer")]),
]  # fmt: skip
