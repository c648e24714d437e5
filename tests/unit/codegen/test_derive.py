"""A manifest that is derived from a spec."""

import json
from pathlib import Path

from cl_codegen.manifest.found import notes
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.template import manifest_for
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import Spec
from cl_codegen.text.layout import Layout
from tests.codegen_server import fake_job_apis
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
    before = Reading.load(spec, path, Layout.of_package("studio"))
    path.write_text(manifest_for(before), encoding="utf-8")
    after = Reading.load(spec, path, Layout.of_package("studio"))
    assert [entry.plugin for entry in after.manifest.entries] == ["blur", "resize"]
    found = {one.name: (one.wire_name.raw, one.place) for one in after.plugins[0].parameters}
    assert found == {one.name: (one.wire_name.raw, one.place) for one in before.plugins[0].parameters}
    assert (found["mode"], found["mode_2"]) == (("mode", "body"), ("mode", "named"))


def fake(folder: Path, name: str, change=lambda spec: None) -> Reading:
    spec = json.loads(json.dumps(getattr(fake_job_apis, name)().openapi()))
    change(spec)
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return Reading.load(folder / "spec.json", None, Layout.of_package("x"))


def test_a_job_that_was_recognised_is_proposed_with_the_reasons(tmp_path):
    assert (
        "# A job: GET /v2/{endpoint_id}/status/{id} says how it stands (status); it is below the POST;"
        " it is beside the POST; both answer with the same schema.\n[run]\n"
    ) in manifest_for(fake(tmp_path, "endpoints"))


def test_words_that_nobody_knows_are_lines_to_keep_or_change_and_make_a_manifest_that_holds(tmp_path):
    def newer(spec: dict) -> None:
        spec["components"]["schemas"]["Run"]["properties"]["status"]["enum"] += ["THROTTLING", "half done"]

    tables = manifest_for(fake(tmp_path, "endpoints", newer))
    assert tables.endswith('\n[server.status]\nTHROTTLING = "processing"\n"half done" = "completed"\n')
    (tmp_path / "plugins.toml").write_text(tables, encoding="utf-8")
    assert manifest_for(fake(tmp_path, "endpoints", newer)) == ""


def test_what_was_not_found_is_said(tmp_path):
    def more(spec: dict) -> None:
        spec["paths"]["/motions"] = {"post": {**spec["paths"]["/v2/{endpoint_id}/run"]["post"], "operationId": "move"}}
        del spec["paths"]["/v2/{endpoint_id}/cancel/{id}"]

    assert list(notes(fake(tmp_path, "endpoints", more))) == [
        (
            "# No route was found for cancel, delete, retry, file of the jobs at /v2/{endpoint_id}/status/{id};"
            ' if there is one, name its operation: cancel = "…" in [server], or in the table of its jobs.'
        ),
        "# Not proposed; a table with the operation makes it a job all the same:",
        "# POST /motions (move): no GET takes its id and says how it stands",
    ]
