"""What is incompatible in Python, when a server and its manifest change."""

import copy
from pathlib import Path

from cl_codegen.diff.change import Level, version_step
from cl_codegen.diff.compare import diff, reading_of
from cl_codegen.diff.python_names import surface
from cl_codegen.diff.report import report
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.spec.spec import Spec
from tests.codegen_server.folders import MANIFEST, TEMPLATES, server_spec

RESIZE = "Body_create_resize_job_jobs_resize_post"


def found(folder: Path, change, manifest: str = MANIFEST) -> dict[str, str]:
    """The changes from the test server to the one that it becomes, with the old manifest and the new one."""
    readings = []
    for name, document, text in (("old", server_spec(), MANIFEST), ("new", server_spec(), manifest)):
        path = folder / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        if name == "new":
            change(document)
        spec = Spec.of(Path("compute.json"), copy.deepcopy(document))
        readings.append(reading_of(spec, Manifest.load(path), "cl_api.compute"))
    return {one.where: one.what for one in surface(*readings, TEMPLATES)}


def form(document: dict) -> dict:
    return document["components"]["schemas"][RESIZE]


def test_nothing_is_found_where_nothing_changed(tmp_path):
    assert found(tmp_path, lambda document: None) == {}


def test_names_and_signatures_that_are_not_as_before_are_found_and_what_only_generated_code_reads_is_left_out(tmp_path):
    def change(document: dict) -> None:
        form(document)["properties"].pop("factor")
        form(document)["required"].append("width")
        document["paths"].pop("/jobs/hash")
        document["paths"]["/jobs/{job_id}"].pop("delete")
        document["components"]["schemas"]["ResizeOutput"]["properties"].pop("height")

    changes = found(tmp_path, change)
    expected = {
        "cl_plugins.resize.ResizeClient.shrink(factor)": "the argument is gone",
        "cl_plugins.resize.ResizeClient.shrink(name)": "the argument moved",
        "cl_plugins.resize.ResizeClient.shrink(width)": "the argument is required now",
        "cl_plugins.plugins.Plugins.hash": "is gone",
        "cl_api.compute.api.jobs.delete_job": "is gone",
        "cl_api.compute.models.resize_output.ResizeOutput.height": "is gone",
    }
    assert {where: changes.get(where) for where in expected} == expected
    assert not [where for where in changes if ".commands" in where or "._" in where or where.endswith(".sync")]


def test_the_manifest_alone_can_break_python(tmp_path):
    renamed = MANIFEST.replace('verb = "shrink"', 'verb = "resize"')
    assert found(tmp_path, lambda document: None, renamed) == {
        "cl_plugins.resize.ResizeClient.shrink": "is gone",
        "cl_plugins.resize.SHRINK": "is gone",
    }


def test_they_stand_below_the_changes_of_the_server_and_call_for_a_major_version(tmp_path):
    path = tmp_path / "compute.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    old = reading_of(Spec.of(Path("compute.json"), server_spec()), Manifest.load(path), "cl_api.compute")
    path.write_text(MANIFEST.replace('verb = "shrink"', 'verb = "resize"'), encoding="utf-8")
    new = reading_of(Spec.of(Path("compute.json"), server_spec()), Manifest.load(path), "cl_api.compute")
    changes = surface(old, new, TEMPLATES)
    assert version_step(changes) == "major"
    assert report(changes, "text") == (
        "Names and signatures in Python that are not as before (2)\n"
        "  cl_plugins.resize.ResizeClient.shrink: is gone\n"
        "  cl_plugins.resize.SHRINK: is gone\n"
        "Version step: major.\n"
    )
    assert "### Names and signatures in Python" in report(changes, "markdown")
    assert '"kind": "python"' in report(changes, "json")


def test_a_class_that_is_only_read_is_one_line_and_no_break_where_its_schema_is_written_in_place(tmp_path):
    path = tmp_path / "plugins.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    old, new = server_spec(), server_spec()
    answer = new["paths"]["/jobs/{job_id}"]["get"]["responses"]["200"]["content"]["application/json"]
    old["components"]["schemas"]["Line"] = line = {"type": "object", "properties": {"text": {"type": "string"}}}
    for document, schema in ((old, {"$ref": "#/components/schemas/Line"}), (new, line)):
        name = answer["schema"]["$ref"].rpartition("/")[2]
        document["components"]["schemas"][name]["properties"]["line"] = schema
    readings = [
        reading_of(Spec.of(Path("compute.json"), one), Manifest.load(path), "cl_api.compute") for one in (old, new)
    ]
    assert diff(*readings) == ()
    (change,) = surface(*readings, TEMPLATES)
    assert (change.level, change.where, change.rule) == (
        Level.COMPATIBLE,
        "cl_api.compute.models.line.Line",
        "python-class",
    )
