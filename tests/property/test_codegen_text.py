"""A spec comes from a server, and a server may be hostile: nothing that it says becomes code."""

import builtins
import importlib
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, reject, settings

from cl_codegen.generate import PackageSources, generate
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.read_plugins import read_plugins
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.wire import wire
from cl_codegen.write import render
from tests.codegen_server.folders import TEMPLATES
from tests.codegen_server.hostile import HOSTILE, calls_of, everything_hostile, hostile_packages, hostile_specs


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
    modules = list(modules_of(tmp_path / "out" / "src"))
    assert len(modules) > 5 * len(HOSTILE)
    for module in modules:
        importlib.import_module(module)
    models = importlib.import_module("hostile_client.api.models")
    for number, text in enumerate(HOSTILE):
        made = getattr(models, f"Output{number}").from_dict({f"q{text}": "kept"})
        assert made.plain == text
        assert made.to_dict()[f"q{text}"] == "kept"
    assert breaches == []


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # To make an example smaller takes as long as to make many: the one that is found says enough.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(hostile_packages())
def test_whatever_a_foreign_spec_and_its_manifest_say_the_package_is_imported_and_runs_nothing_of_it(written):
    """The whole package, also formatted: its modules, its project file and its sync client."""
    document, manifest = written
    breaches: list[str] = []
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        package = folder.name.lower().replace("-", "_")
        (folder / "api.json").write_text(json.dumps(document), encoding="utf-8")
        (folder / "plugins.toml").write_text(manifest, encoding="utf-8")
        sources = PackageSources(folder / "api.json", folder / "plugins.toml", TEMPLATES, package)
        try:
            generate(sources, folder / "out")
        except SpecError as refused:
            event(f"refused: {refused.expected}")
            reject()
        patch.setattr(builtins, "breached", lambda: breaches.append("!"), raising=False)
        patch.syspath_prepend(str(folder / "out" / "src"))
        tomllib.loads((folder / "out" / "pyproject.toml").read_text(encoding="utf-8"))
        for module in modules_of(folder / "out" / "src"):
            importlib.import_module(module)
        for module in [module for module in sys.modules if module.split(".")[0] == package]:
            del sys.modules[module]
    assert breaches == []


def modules_of(folder: Path) -> Iterator[str]:
    """The names of all modules below a folder, none of which calls what it should not."""
    for path in sorted(folder.rglob("*.py")):
        assert "breached" not in calls_of(path.read_text(encoding="utf-8"))
        name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__"):
            yield name
