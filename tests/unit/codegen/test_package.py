"""A package for a server that is not ours: what the spec has to tell, and what the manifest may."""

import copy
import json
import tomllib
from pathlib import Path

import pytest
from attrs import evolve

from cl_codegen.faults import PackageError
from cl_codegen.generate import PackageSources, generate
from cl_codegen.spec.spec import SpecError
from cl_codegen.text.layout import Layout
from tests.codegen_server.folders import TEMPLATES
from tests.codegen_server.foreign import HERE

LAB = json.loads((HERE / "photo_lab" / "openapi.json").read_text())


def written(folder: Path, spec: object, manifest: str = "") -> PackageSources:
    (folder / "api.json").write_text(json.dumps(spec), encoding="utf-8")
    (folder / "plugins.toml").write_text(manifest, encoding="utf-8")
    return PackageSources(folder / "api.json", folder / "plugins.toml", TEMPLATES, "my_client")


def changed(change) -> dict:
    spec = copy.deepcopy(LAB)
    change(spec)
    return spec


def no_state(spec: dict) -> None:
    del spec["paths"]["/jobs/{id}"]


def a_state_for_each_task(spec: dict) -> None:
    state = spec["paths"].pop("/jobs/{id}")
    for task in ("blend", "crop"):
        spec["paths"][f"/{task}/jobs"] = {"post": {**spec["paths"]["/jobs/blend"]["post"], "operationId": task}}
        get = {**state["get"], "operationId": f"read_{task}"}
        spec["paths"][f"/{task}/jobs/{{id}}"] = {"parameters": state["parameters"], "get": get}
    del spec["paths"]["/jobs/blend"]


def a_state_of_another_form(spec: dict) -> None:
    a_state_for_each_task(spec)
    spec["paths"]["/crop/jobs/state/{id}"] = spec["paths"].pop("/crop/jobs/{id}")


def a_state_of_a_tenant(spec: dict) -> None:
    state = spec["paths"].pop("/jobs/{id}")
    tenant = {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}}
    spec["paths"]["/{tenant}/jobs/{id}"] = {**state, "parameters": [*state["parameters"], tenant]}
    spec["paths"]["/{tenant}/jobs/blend"] = {**spec["paths"].pop("/jobs/blend"), "parameters": [tenant]}


def a_state_that_needs_more(spec: dict) -> None:
    state = spec["paths"].pop("/jobs/{id}")
    owner = {"name": "owner", "in": "path", "required": True, "schema": {"type": "string"}}
    spec["paths"]["/owners/{owner}/jobs/{id}"] = {**state, "parameters": [*state["parameters"], owner]}


def no_jobs(spec: dict) -> None:
    spec["paths"]["/uploads"] = spec["paths"].pop("/jobs/blend")
    no_state(spec)


def no_id(spec: dict) -> None:
    spec["components"]["schemas"]["Ticket"]["properties"]["ref"] = spec["components"]["schemas"]["Ticket"][
        "properties"
    ].pop("id")


def no_answer(spec: dict) -> None:
    spec["paths"]["/jobs/blend"]["post"]["responses"] = {"204": {"description": "ok"}}


def strange_word(spec: dict) -> None:
    spec["components"]["schemas"]["Ticket"]["properties"]["state"]["enum"].append("LIMBO")


def no_fields(spec: dict) -> None:
    content = {"multipart/form-data": {"schema": {"type": "object"}}}
    spec["paths"]["/jobs/blend"]["post"]["requestBody"] = {"content": content}


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (no_state, "#/paths/~1jobs~1blend", "expected a GET …/jobs/{id} that returns the state of any job"),
        (no_id, "#/components/schemas/Ticket", "expected a field with the id of the job"),
        (no_answer, "#/paths/~1jobs~1blend/post/responses", "expected an answer 2xx in JSON that names the job"),
        (strange_word, "#/components/schemas/Ticket/properties/state", "what does 'LIMBO' mean?"),
        (no_fields, "#/paths/~1jobs~1blend/post/requestBody", "expected a body with fields"),
    ],
)
def test_what_the_spec_does_not_tell_is_asked_for_by_its_place(tmp_path, change, place, said):
    with pytest.raises(SpecError) as raised:
        generate(evolve(written(tmp_path, changed(change)), is_strict=True), tmp_path / "out")
    assert (raised.value.place, raised.value.source) == (place, str(tmp_path / "api.json"))
    assert said in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [no_state, no_id, no_answer, strange_word, no_fields, no_jobs])
def test_where_the_spec_tells_too_little_of_its_jobs_they_are_plain_operations(tmp_path, change):
    made = generate(written(tmp_path, changed(change)), tmp_path / "out")
    assert made.plugins == ()
    assert [one.reason.partition(":")[0] for one in made.left_out] == (
        [] if change is no_jobs else ["its jobs are plain operations, for"]
    )
    client = (tmp_path / "out" / "src" / "my_client" / "client.py").read_text()
    assert "class MyClient(ServerClient, Operations):" in client


def test_an_operation_that_is_not_wanted_is_not_there(tmp_path):
    made = generate(written(tmp_path, LAB, 'leave_out = ["blend"]\n'), tmp_path / "out")
    assert "blend" not in {method.name for group in made.groups for method in group.methods}
    made = generate(written(tmp_path, LAB, 'only = ["blend"]\n'), tmp_path / "less")
    assert {method.name for group in made.groups for method in group.methods} == {"blend"}


def test_a_choice_of_what_the_spec_does_not_have_is_refused_with_its_line(tmp_path):
    with pytest.raises(SpecError) as raised:
        generate(written(tmp_path, LAB, '# what we want\nonly = ["blent"]\n'), tmp_path / "out")
    assert raised.value.place == "line 2"
    assert raised.value.expected.startswith("only: the spec has no operation and no tag 'blent'; blend?")


def test_the_manifest_says_what_the_spec_does_not(tmp_path):
    spec = changed(strange_word)
    no_id(spec)
    manifest = '[server]\nprogress = 5\n[server.fields]\njob_id = "ref"\n[server.status]\nLIMBO = "failed"\n'
    generate(written(tmp_path, spec, manifest), tmp_path / "out")
    contract = (tmp_path / "out" / "src" / "my_client" / "contract.py").read_text()
    assert '"job_id": ("ref",)' in contract
    assert '"LIMBO": "failed"' in contract
    assert "whole=5" in contract


def test_where_the_state_of_a_job_is_the_manifest_may_say_for_each_plugin(tmp_path):
    spec = changed(a_state_for_each_task)
    spec["paths"]["/crop/status/{id}"] = spec["paths"].pop("/crop/jobs/{id}")
    spec["paths"]["/blend/status/{id}"] = spec["paths"].pop("/blend/jobs/{id}")
    manifest = "".join(f'[{task}]\noperation = "{task}"\njob = "read_{task}"\n' for task in ("blend", "crop"))
    generate(written(tmp_path, spec, manifest), tmp_path / "out")
    package = tmp_path / "out" / "src" / "my_client"
    assert 'job="/crop/status/{job_id}"' in (package / "contract.py").read_text()
    assert 'within=("crop",)' in (package / "plugins" / "crop.py").read_text()


def test_states_at_routes_of_other_forms_are_kinds_of_jobs_each_with_its_own(tmp_path):
    spec = changed(a_state_of_another_form)
    generate(written(tmp_path, spec), tmp_path / "out")
    package = tmp_path / "out" / "src" / "my_client"
    contract = (package / "contract.py").read_text()
    assert 'job="/crop/jobs/state/{job_id}"' in contract
    assert 'job="/blend/jobs/{job_id}"' in contract
    assert 'within=("crop",)' in (package / "plugins" / "crop.py").read_text()


@pytest.mark.parametrize(
    ("change", "manifest", "place", "said"),
    [
        (
            a_state_that_needs_more,
            '[server]\njob = "read"',
            "#/paths/~1owners~1{owner}~1jobs~1{id}",
            "what is {owner} for a job that was posted to /jobs/blend?",
        ),
        (a_state_for_each_task, '[crop]\noperation = "crop"\njob = "reed"', "line 3", "the spec has no 'reed'"),
        (a_state_for_each_task, '[crop]\noperation = "crop"\njob = "blend"', "line 3", "expected GET with a job"),
        (
            a_state_of_a_tenant,
            '[server]\nfile = "fetch"',
            "line 2",
            "expected a path with what /{task}/jobs/{job_id} has in it, not /jobs/{id}/results/{name}",
        ),
    ],
)
def test_routes_that_cannot_be_told_from_a_submit_are_named(tmp_path, change, manifest, place, said):
    with pytest.raises(SpecError) as raised:
        generate(written(tmp_path, changed(change), manifest), tmp_path / "out")
    assert raised.value.place == place
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("manifest", "line", "said"),
    [
        ('[server]\njob = "reed"', 2, "the spec has no 'reed'; read?"),
        ('[server]\ndelet = "forget"', 2, "there is no such key; delete?"),
        ('[server]\nprogress = "all"', 2, "expected the number that says done"),
        ("[server]\nprogress = 0", 2, "expected the number that says done"),
        ('[server.status]\nDONE = "complet"', 2, "'complet' isn't a state of a job; completed?"),
        ('[server.status]\nDON = "completed"', 2, "no job is 'DON'; DONE?"),
        ('[server]\n[server.fields]\njob = "id"', 3, "a job has no 'job'; job_id?"),
        ('[server.fields]\njob_id = "ident"', 2, "no answer about jobs has 'ident'"),
        ('[server]\ndelete = "fetch"', 2, "expected DELETE with a job in its path, not GET /jobs/{id}/results/{name}"),
        ('[server]\njob = "blend"', 2, "expected GET with a job in its path, not POST /jobs/blend"),
    ],
)
def test_what_the_manifest_says_wrong_is_named_with_its_line(tmp_path, manifest, line, said):
    with pytest.raises(SpecError) as raised:
        generate(written(tmp_path, LAB, manifest), tmp_path / "out")
    assert raised.value.place == f"line {line}"
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["my-client", "My", "1st", "class", "json", "cl_client", "a/b", ""])
def test_what_cannot_be_a_package_is_refused(name):
    with pytest.raises(PackageError):
        Layout.of_package(name)


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path):
    sources = written(tmp_path, LAB)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(PackageError, match=r"contains files that were not generated \(thesis.txt\)"):
        generate(sources, mine)
    generate(sources, tmp_path / "out")
    generate(sources, tmp_path / "out")
    (tmp_path / "out" / ".git").mkdir()
    with pytest.raises(PackageError, match=r"contains files that were not generated \(\.git\)"):
        generate(sources, tmp_path / "out")
    assert (mine / "thesis.txt").read_text() == "years of work"


HOSTILE = '"""\nbreached() \\ {{ x }} | `rm` <script> ``` ]\u202e'


def test_hostile_words_about_the_server_stay_words(tmp_path):
    spec = changed(lambda spec: spec["info"].update(title=HOSTILE, version=HOSTILE, description=HOSTILE))
    states = spec["components"]["schemas"]["Ticket"]["properties"]["state"]
    states["enum"].append(HOSTILE)
    manifest = f"[server.status]\n{json.dumps(HOSTILE)} = 'failed'\n"
    generate(written(tmp_path, spec, manifest), tmp_path / "out")
    project = tomllib.loads((tmp_path / "out" / "pyproject.toml").read_text())["project"]
    assert project["version"] == "0.1.0"
    assert "breached()" in project["description"]
    for module in (tmp_path / "out").rglob("*.py"):
        compile(module.read_text(encoding="utf-8"), str(module), "exec")
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "<script>" not in readme
    assert readme.count("```") == 2
