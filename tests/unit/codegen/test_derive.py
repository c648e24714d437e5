"""A manifest that is derived from a spec."""

from pathlib import Path

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.template import manifest_for
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import Spec
from cl_codegen.text.layout import Layout
from tests.codegen_server.folders import MANIFEST, server_spec
from tests.codegen_server.foreign import sources


def read(folder: Path, manifest: str) -> Reading:
    path = folder / "plugins.toml"
    path.write_text(manifest, encoding="utf-8")
    return Reading.of(Spec.of(Path("server.json"), server_spec()), Manifest.load(path), "cl_api.compute")


def test_a_derived_manifest_says_what_is_derived_without_it(tmp_path):
    without = read(tmp_path, "")
    tables = manifest_for(without)
    with_it = read(tmp_path, tables)
    names = [[(one.name, one.wire_name.raw) for one in plugin.parameters] for plugin in without.plugins]
    assert [[(one.name, one.wire_name.raw) for one in plugin.parameters] for plugin in with_it.plugins] == names
    assert [plugin.method for plugin in with_it.plugins] == [plugin.method for plugin in without.plugins]
    assert [entry.plugin for entry in with_it.manifest.entries] == ["hash", "refused", "resize"]
    assert 'order = ["file"' in tables


def test_only_what_is_not_mentioned_is_derived(tmp_path):
    tables = manifest_for(read(tmp_path, MANIFEST))
    assert "[refused]" in tables
    assert "[hash]" not in tables
    assert manifest_for(read(tmp_path, MANIFEST + "\n" + tables)) == ""


def test_a_spec_cannot_write_more_than_strings(tmp_path):
    spec = server_spec()
    spec["paths"]["/jobs/hash"]["post"]["operationId"] = 'x"\n[evil]\x7f\u202e\\'
    spec["paths"]["/jobs/hash"]["post"]["summary"] = "one\n[evil]"
    path = tmp_path / "plugins.toml"
    raw = Spec.of(Path("server.json"), spec)
    path.write_text(manifest_for(Reading.of(raw, Manifest.load(path), "cl_api.compute")), encoding="utf-8")
    again = Reading.of(raw, Manifest.load(path), "cl_api.compute")
    assert [entry.plugin for entry in again.manifest.entries] == ["hash", "refused", "resize"]


def test_a_name_that_body_and_query_both_have_is_derived_the_same_again(tmp_path):
    spec, path = sources("studio").spec, tmp_path / "plugins.toml"
    status = '[server.status]\nbroken = "failed"\n'
    before = Reading.load(spec, path, Layout.of_package("studio"))
    path.write_text(status + manifest_for(before), encoding="utf-8")
    after = Reading.load(spec, path, Layout.of_package("studio"))
    assert [entry.plugin for entry in after.manifest.entries] == ["blur", "resize"]
    found = {one.name: (one.wire_name.raw, one.place) for one in after.plugins[0].parameters}
    assert found == {one.name: (one.wire_name.raw, one.place) for one in before.plugins[0].parameters}
    assert (found["mode"], found["mode_2"]) == (("mode", "body"), ("mode", "named"))
