"""How a name came to be, in words."""

from pathlib import Path

import pytest

from cl_codegen.explain import explain
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import Spec, SpecError
from tests.codegen_server.folders import MANIFEST, server_spec


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    path = tmp_path / "plugins.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    return Reading.of(Spec.of(Path("server.json"), server_spec()), Manifest.load(path), "cl_api.compute")


def lines(reading: Reading, operation: str) -> list[str]:
    return [" ".join(line.split()) for line in explain(reading, operation).splitlines()]


def test_each_name_is_led_back_to_its_line_of_the_manifest(reading):
    said = lines(reading, "create_resize_job")
    assert said[0] == "create_resize_job: POST /jobs/resize"
    assert "plugin client.resize; plugins.toml line 10 [resize]" in said
    assert "method shrink; plugins.toml line 12 verb" in said
    assert "artifact output_path; plugins.toml line 13 artifact" in said
    assert "name 'format' on the wire; plugins.toml line 18 names" in said
    assert "command line -w, --width; plugins.toml line 14 flags" in said or (
        "command line --width, -w; plugins.toml line 14 flags" in said
    )


def test_types_bounds_and_defaults_are_led_back_to_the_spec(reading):
    said = lines(reading, "resize")
    width = said[said.index("width") :]
    assert "#/components/schemas/" in width[2]
    assert "optional: sent only when it is given" in width[2]
    assert "bound maximum 8192; checked before the upload" in width
    assert "one of png, jpg; enum, checked before the upload" in said
    priority = said[said.index("priority") :]
    assert "default 5; the server's: shown, never sent" in priority


def test_rules_that_changed_the_operation_are_named_with_their_place(reading):
    said = lines(reading, "create_hash_job")
    assert any(line.startswith("rule files_are_binary: #/components/schemas/Body_create_hash_job") for line in said)
    assert any(line.startswith("operation id create_hash_job_jobs_hash_post in the spec;") for line in said)


def test_an_operation_is_found_by_the_id_that_the_server_says_too(reading):
    assert lines(reading, "create_hash_job_jobs_hash_post") == lines(reading, "hash")


def test_what_the_manifest_does_not_mention_is_derived(reading):
    said = lines(reading, "refused")
    assert "plugin client.refused; no table in the manifest; named by its task type" in said
    assert "method run; derived" in said
    assert "output JSONObject; the spec names none" in said


def test_an_operation_that_is_no_plugin_says_why(reading):
    said = lines(reading, "get_job")
    assert any(line.startswith("plugin none: no rule") for line in said)
    assert "argument job_id: str, required; 'job_id' in the spec" in said


def test_an_operation_that_is_not_there_has_a_suggestion(reading):
    with pytest.raises(SpecError, match="no operation is called 'get_jb'; get_job"):
        explain(reading, "get_jb")


def test_a_spec_writes_no_lines_and_no_control_characters_of_its_own(tmp_path):
    spec = server_spec()
    spec["components"]["schemas"]["Body_create_hash_job_jobs_hash_post"]["properties"]["salt"]["default"] = (
        "a\nb\x1b[2J"
    )
    plain = Reading.of(Spec.of(Path("server.json"), spec), Manifest(tmp_path / "plugins.toml", ""), "cl_api.compute")
    assert "a b[2J; the server's: shown, never sent" in explain(plain, "create_hash_job")
