"""A spec comes from a server, and a server may be hostile: nothing that it says becomes code."""

import builtins
import importlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings

from cl_codegen import render, wire
from cl_codegen.generate import PackageSources, generate
from cl_codegen.manifest import Manifest
from cl_codegen.normalise import normalise
from cl_codegen.plugins import read_plugins
from cl_codegen.spec import Spec, SpecError
from tests.codegen_server.folders import TEMPLATES
from tests.codegen_server.hostile import HOSTILE, calls_of, everything_hostile, hostile_specs


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


def test_hostile_text_goes_the_whole_way_and_models_still_work(tmp_path, monkeypatch):
    """As a package for another server, formatted by ruff and imported; `breached` would be seen."""
    (tmp_path / "api.json").write_text(json.dumps(everything_hostile()))
    generate(
        PackageSources(tmp_path / "api.json", tmp_path / "none.toml", TEMPLATES, "hostile_client"), tmp_path / "out"
    )
    breaches: list[str] = []
    monkeypatch.setattr(builtins, "breached", lambda: breaches.append("!"), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "out" / "src"))
    modules = sorted((tmp_path / "out" / "src").rglob("*.py"))
    assert len(modules) > 4 * len(HOSTILE)
    for path in modules:
        assert "breached" not in calls_of(path.read_text(encoding="utf-8"))
        name = ".".join(path.relative_to(tmp_path / "out" / "src").with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__"):
            importlib.import_module(name)
    models = importlib.import_module("hostile_client.api.models")
    for number, text in enumerate(HOSTILE):
        made = getattr(models, f"Output{number}").from_dict({f"q{text}": "kept"})
        assert made.plain == text
        assert made.to_dict()[f"q{text}"] == "kept"
    assert breaches == []
