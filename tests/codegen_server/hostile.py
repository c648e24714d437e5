"""Specs that say hostile things wherever a spec may say something, and what shows that nothing of it was run."""

import ast

from hypothesis import strategies as st

from cl_codegen.text.escape import SpecText, toml

BREACH = "breached()"
"""What a hostile text tries to call. No generated module may do so."""

HOSTILE = [
    f'"""\n{BREACH}\n"""',
    f'"; {BREACH}; "',
    f"'; {BREACH}; '",
    f'\\"\\"\\"\n{BREACH}\n',
    f"x\n{BREACH}",
    f"x\r{BREACH}",
    f"x\u2028{BREACH}",
    f"{{{{ {BREACH} }}}}",
    f"{{% set x = {BREACH} %}}",
    f"{{{BREACH}}}",
    f"{{0.__class__}} {{{{{BREACH}}}}}",
    "ends with a backslash \\",
    'ends with quotes "',
    'ends with both \\"',
    "\\N{dash} \\x \\u12",
    "class",
    "self",
    "None",
    "__init__",
    "from_dict",
    "to_dict",
    "additional_properties",
    "field",
    "data",
    "cls",
    "body",
    "client",
    "import",
    "ｃｌａｓｓ",
    "ﬁeld",
    "ªº²",
    "\u202eesrever\u202c",
    "a-b c.d/e~f",
    "1",
    "",
    "_",
]
texts = st.sampled_from(HOSTILE) | st.text(max_size=12)
names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8), st.from_regex(r"[a-z]{1,6}", fullmatch=True))


def leaf_schemas() -> st.SearchStrategy[dict]:
    described = {"title": texts, "description": texts}
    word = st.fixed_dictionaries(
        {"type": st.just("string"), "enum": st.lists(texts, min_size=1, max_size=4, unique=True)}, optional=described
    )
    text = st.fixed_dictionaries(
        {"type": st.just("string"), "default": texts}, optional={**described, "pattern": texts}
    )
    number = st.fixed_dictionaries(
        {"type": st.just("integer"), "default": st.integers()}, optional={**described, "minimum": st.integers()}
    )
    array = st.fixed_dictionaries(
        {"type": st.just("array"), "items": text, "default": st.lists(texts, max_size=2)}, optional=described
    )
    anything = st.fixed_dictionaries({"default": texts}, optional=described)
    return st.one_of(word, text, number, array, anything)


@st.composite
def hostile_specs(draw: st.DrawFn) -> dict:
    """A spec of one plugin, with hostile text wherever text may stand."""
    properties = draw(st.dictionaries(names, leaf_schemas(), max_size=4))
    fields = draw(st.dictionaries(names, leaf_schemas(), max_size=3))
    output, task = draw(names.filter(bool)), draw(names)
    form = {
        "type": "object",
        "description": draw(texts),
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
    form["properties"] |= properties
    escaped = output.replace("~", "~0").replace("/", "~1")
    query = {"name": draw(names.filter(bool)), "in": "query", "description": draw(texts), "schema": {"type": "string"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": draw(texts), "version": draw(texts), "description": draw(texts)},
        "paths": {
            f"/jobs/{draw(names).replace('{', '').replace('}', '')}": {
                "post": {
                    "operationId": draw(names),
                    "summary": draw(texts),
                    "description": draw(texts),
                    "tags": [draw(names)],
                    "parameters": [query],
                    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
                    "responses": {
                        "200": {
                            "description": draw(texts),
                            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{escaped}"}}},
                        }
                    },
                    "x-task-type": task,
                    "x-task-output": {"$ref": f"#/components/schemas/{escaped}"},
                }
            }
        },
        "components": {"schemas": {output: {"type": "object", "description": draw(texts), "properties": fields}}},
    }


@st.composite
def hostile_packages(draw: st.DrawFn) -> tuple[dict, str]:
    """A spec for another server and its manifest, with hostile text wherever either may have text."""
    document = draw(hostile_specs())
    ((path, item),) = document["paths"].items()
    post = item["post"] | {"operationId": "create", "tags": [draw(texts)], "x-task-type": draw(names)}
    words = draw(st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True))
    identity, state, output = draw(st.lists(names.filter(bool), min_size=3, max_size=3, unique=True))
    progress = {"type": "number", "description": draw(texts)}
    job = {"type": "object", "title": draw(texts), "description": draw(texts), "required": [identity]}
    job["properties"] = {identity: {"type": "string"}, state: {"enum": words}, output: {}, "progress": progress}
    answer = {"description": draw(texts), "content": {"application/json": {"schema": job}}}
    holder = draw(st.sampled_from(["id", "class", "None", "self", "client", "body", "job_id", "path", "task"]))
    known = {"name": holder, "in": "path", "required": True, "schema": {"type": "string"}}
    read = {"operationId": "read", "summary": draw(texts), "parameters": [known], "responses": {"200": answer}}
    document["paths"] = {
        path: {"post": post | {"responses": {"200": answer}}},
        f"/about/{{{holder}}}": {"get": read},
    }
    tables = [
        '[server]\njob = "read"',
        f"events = {_toml(draw(texts.filter(str.strip)))}",
        f"[server.fields]\njob_id = {_toml(identity)}\nstatus = {_toml(state)}\ntask_output = {_toml(output)}",
        "[server.status]\n" + "\n".join(f'{_toml(word)} = "completed"' for word in words),
        f'[thing]\noperation = "create"\nexample = {_toml(draw(texts.filter(str.strip)))}',
        f"artifact = {_toml('out/' + draw(texts))}",
    ]
    return document, "\n".join(tables)


def _toml(text: str) -> str:
    return toml(SpecText(text))


def calls_of(source: str) -> set[str]:
    """The names of all functions that a module calls; it has to be one that compiles."""
    compile(source, "generated.py", "exec", dont_inherit=True)
    return {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def everything_hostile() -> dict:
    """A spec for another server: a plugin for each hostile text, which stands wherever only text is expected."""
    document: dict = {
        "openapi": "3.1.0",
        "info": {"title": " ".join(HOSTILE), "version": "1", "description": " ".join(HOSTILE)},
        "paths": {"/jobs/{job_id}": {"get": _state()}},
        "components": {"schemas": {}},
    }
    for number, text in enumerate(HOSTILE):
        word = {"type": "string", "enum": [text, "fine"], "description": text, "default": "fine"}
        plain = {"type": "string", "default": text, "description": text, "title": f"T {text}"}
        form = {"type": "object", "description": text, "properties": {"file": {"type": "string", "format": "binary"}}}
        form["properties"] |= {"word": word, "plain": plain, f"p{text}": {"type": "integer"}}
        document["components"]["schemas"][f"Output{number}"] = {
            "type": "object",
            "description": text,
            "properties": {"plain": plain, f"q{text}": {"type": "string"}},
        }
        document["paths"][f"/jobs/thing{number}"] = {
            "post": {
                "operationId": f"{text}{number}",
                "summary": text,
                "description": text,
                "tags": [text],
                "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
                "responses": {"200": _named_job(text)},
                "x-task-type": f"thing{number}{text}",
                "x-task-output": {"$ref": f"#/components/schemas/Output{number}"},
            }
        }
    return document


def _state() -> dict:
    known = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {"operationId": HOSTILE[0], "parameters": [known], "responses": {"200": _named_job(HOSTILE[0])}}


def _named_job(text: str) -> dict:
    job = {
        "type": "object",
        "required": ["job_id"],
        "properties": {"job_id": {"type": "string"}, "status": {"enum": ["queued", "failed"]}},
    }
    return {"description": text, "content": {"application/json": {"schema": job}}}
