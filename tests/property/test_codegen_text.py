"""A spec comes from a server, and a server may be hostile: nothing that it says becomes code."""

import ast
import importlib
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cl_codegen import render, wire
from cl_codegen.generate import OwnSources, PackageSources, generate
from cl_codegen.manifest import Manifest
from cl_codegen.normalise import normalise
from cl_codegen.plugins import read_plugins
from cl_codegen.regenerate import check_types
from cl_codegen.spec import Spec, SpecError
from tests.codegen_server.folders import TEMPLATES, write_sources

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


def calls_of(source: str) -> set[str]:
    """The names of all functions that a module calls; it has to be one that compiles."""
    compile(source, "generated.py", "exec", dont_inherit=True)
    return {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


@pytest.mark.timeout(600)  # 80 whole generations, on a machine that may be busy
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile_specs())
def test_whatever_a_spec_says_the_modules_compile_and_call_nothing_of_it(document):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            spec, _ = normalise(Spec.of(folder / "spec.json", document))
            made = wire.generate(spec, "hostile", folder / "hostile", TEMPLATES / "api")
            plugins = read_plugins(spec, Manifest(folder / "plugins.toml", ""), made)
        except SpecError as refused:
            event(f"refused: {refused.expected}")
            return
        modules = dict(render.render(plugins, TEMPLATES / "plugins"))
        for path in (folder / "hostile").rglob("*.py"):
            modules[str(path)] = path.read_text(encoding="utf-8")
    for source in modules.values():
        assert "breached" not in calls_of(source)


def everything_hostile(text: str) -> dict:
    """One spec with the text in every place at once where only text is expected."""
    word = {"type": "string", "enum": [text, "fine"], "description": text, "default": "fine"}
    plain = {"type": "string", "default": text, "description": text, "title": f"T {text}"}
    form = {"type": "object", "description": text, "properties": {"file": {"type": "string", "format": "binary"}}}
    form["properties"] |= {"word": word, "plain": plain, f"p{text}": {"type": "integer"}}
    output = {"type": "object", "description": text, "properties": {"plain": plain, f"q{text}": {"type": "string"}}}
    created = {"type": "object", "required": ["job_id"], "properties": {"job_id": {"type": "string"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": "1", "description": text},
        "paths": {
            "/jobs/thing": {
                "post": {
                    "operationId": "create_thing_job",
                    "summary": text,
                    "description": text,
                    "tags": ["jobs"],
                    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
                    "responses": {
                        "200": {
                            "description": text,
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/JobCreated"}}},
                        }
                    },
                    "x-task-type": f"thing{text}",
                    "x-task-output": {"$ref": "#/components/schemas/ThingOutput"},
                }
            }
        },
        "components": {"schemas": {"JobCreated": created, "ThingOutput": output}},
    }


@pytest.mark.parametrize("text", HOSTILE[:14])
def test_hostile_text_goes_the_whole_way_and_models_still_work(tmp_path, text):
    """The same, formatted by ruff and run: the model is executed where `breached` would be seen."""
    sources: OwnSources = write_sources(tmp_path, everything_hostile(text), "")
    generate(sources, tmp_path / "generated")
    breaches: list[str] = []
    package = tmp_path / "generated" / "cl_api" / "compute"
    for path in (tmp_path / "generated").rglob("*.py"):
        assert "breached" not in calls_of(path.read_text(encoding="utf-8"))
    source = (package / "models" / "thing_output.py").read_text(encoding="utf-8")
    source = source.replace("from ..types import", "from types_under_test import")
    types = SimpleNamespace(JSONObject=dict, JSONValue=object)
    namespace = {"breached": lambda: breaches.append("!"), "__name__": "thing_output"}
    import sys

    sys.modules["types_under_test"] = types  # pyright: ignore[reportArgumentType]
    sys.modules["thing_output"] = types  # pyright: ignore[reportArgumentType]
    try:
        exec(compile(source, "thing_output.py", "exec", dont_inherit=True), namespace)
        made = namespace["ThingOutput"].from_dict({f"q{text}": "kept"})  # pyright: ignore
    finally:
        del sys.modules["types_under_test"], sys.modules["thing_output"]
    assert made.plain == text
    assert made.to_dict()[f"q{text}"] == "kept"
    assert breaches == []


def test_a_package_of_hostile_text_is_imported_and_strictly_typed(tmp_path, monkeypatch):
    """All hostile texts at once, as a package for another server: its modules run, and a type checker reads them."""
    document = everything_hostile(" ".join(HOSTILE))
    # As a task it would be the name of a file, which has 255 letters at most.
    document["paths"]["/jobs/thing"]["post"]["x-task-type"] = HOSTILE[0]
    job = {"type": "object", "properties": {"job_id": {"type": "string"}, "status": {"enum": ["queued", "failed"]}}}
    answer = {"description": "ok", "content": {"application/json": {"schema": job}}}
    known = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}
    document["paths"]["/jobs/{job_id}"] = {
        "get": {"operationId": HOSTILE[0], "parameters": [known], "responses": {"200": answer}}
    }
    (tmp_path / "api.json").write_text(json.dumps(document))
    sources = PackageSources(tmp_path / "api.json", tmp_path / "none.toml", TEMPLATES, "hostile_client")
    generate(sources, tmp_path / "out")
    modules = sorted((tmp_path / "out" / "src").rglob("*.py"))
    for path in modules:
        assert "breached" not in calls_of(path.read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(str(tmp_path / "out" / "src"))
    for path in modules:
        name = ".".join(path.relative_to(tmp_path / "out" / "src").with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__"):
            importlib.import_module(name)
    checked = check_types(tmp_path / "out" / "src")
    assert checked.errors == ()
    assert checked.checked
