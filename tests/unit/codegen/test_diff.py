"""Each kind of change between two specs: how grave it is, and the line that says it."""

import copy
import json
from pathlib import Path

import pytest

from cl_codegen.diff.change import version_step
from cl_codegen.diff.compare import diff, reading_of
from cl_codegen.diff.oasdiff import CHECKS, table
from cl_codegen.diff.report import report
from cl_codegen.diff.rules import RULES
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.spec.spec import Spec
from tests.codegen_server.folders import ROOT
from tests.unit.codegen.change_kinds import (
    BASE,
    BREAKING,
    COMPATIBLE,
    EVENT,
    FORM,
    GET,
    GONE,
    KINDS,
    MANIFEST,
    WITHOUT_FULL,
    WORD,
    edited,
)
from tests.unit.codegen.wire_change_kinds import WIRE_KINDS


def reading(document: dict, manifest: str = MANIFEST, folder: Path | None = None):
    path = (folder or Path()) / "plugins.toml"
    if folder is None:
        known = Manifest(path, "")
    else:
        path.write_text(manifest, encoding="utf-8")
        known = Manifest.load(path)
    return reading_of(Spec.of(Path("compute.json"), copy.deepcopy(document)), known, "cl_api.compute")


@pytest.mark.parametrize(("old", "new", "found"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_each_kind_of_change_has_its_level_and_its_line(tmp_path, old, new, found):
    before, after = reading(edited(old), folder=tmp_path), reading(edited(new), folder=tmp_path)
    assert [(change.level, change.line) for change in diff(before, after)] == found
    assert diff(after, after) == ()


@pytest.mark.parametrize(
    ("old", "new", "there", "back"), [kind[1:] for kind in WIRE_KINDS], ids=[k[0] for k in WIRE_KINDS]
)
def test_each_kind_of_change_on_the_wire_has_its_level_both_ways(old, new, there, back):
    before, after = reading(edited(old)), reading(edited(new))
    assert [(change.level, change.line) for change in diff(before, after)] == there
    assert [(change.level, change.line) for change in diff(after, before)] == back
    assert diff(before, before) == diff(after, after) == ()


def test_there_are_many_kinds():
    assert len(KINDS) + len(WIRE_KINDS) >= 130


def changes(folder: Path, new: dict, manifest: str = MANIFEST):
    return diff(reading(BASE, folder=folder), reading(edited(new), manifest, folder))


def test_a_change_has_the_names_that_a_user_knows(tmp_path):
    (word,) = changes(tmp_path, {f"{FORM}|algorithm|enum": ["md5"]})
    assert (word.python, word.cli) == ("client.hash.compute(word=…)", "cl-client hash compute --algorithm")
    (query,) = changes(tmp_path, {f"{GET}|parameters": WITHOUT_FULL})
    assert (query.python, query.cli) == ("cl_api.compute.api.jobs.get_job(full=…)", "")
    (field,) = changes(tmp_path, {f"{EVENT}|properties|stage": {"type": "string"}})
    assert (field.kind, field.python) == ("event", "JobEvent.stage")


@pytest.mark.parametrize(
    ("said", "otherwise", "line"),
    [
        ("[hash]", "[digest]", "create_hash_job: is called client.digest.compute now, was client.hash.compute"),
        ('"compute"', '"make"', "create_hash_job: the command is cl-client hash make now, was cl-client hash compute"),
        ("word =", "kind =", f"{WORD}: is called kind in Python now, was word"),
        ('"--algorithm", "-a"', '"--kind"', f"{WORD}: is --kind on the command line now, was --algorithm, -a"),
    ],
)
def test_a_manifest_that_gives_other_names_is_breaking_too(tmp_path, said, otherwise, line):
    other = MANIFEST.replace(said, otherwise).replace('"word"', '"kind"' if "kind =" in otherwise else '"word"')
    assert (BREAKING, line) in [(change.level, change.line) for change in changes(tmp_path, {}, other)]


def test_an_argument_that_is_pushed_from_its_place_is_breaking(tmp_path):
    last = diff(reading(BASE), reading(edited({f"{FORM}|best": {"type": "boolean"}})))
    assert [change.level for change in last] == [COMPATIBLE]
    pushed = edited({FORM: {"best": {"type": "boolean"}, **BASE["components"]["schemas"]["Body"]["properties"]}})
    line = diff(reading(BASE), reading(pushed))[0].line
    assert line.startswith("create_hash_job: positional arguments are (file, best, algorithm, rounds) now")


def test_a_manifest_that_does_not_fit_one_of_the_two_is_no_error(tmp_path):
    found = changes(tmp_path, {"paths|/jobs/hash": GONE})
    assert [(change.line, change.cli) for change in found if change.kind == "operation"] == [
        ("create_hash_job: the operation is gone", "cl-client hash compute")
    ]
    renamed = changes(tmp_path, {f"{FORM}|algorithm": GONE, f"{FORM}|method": {"type": "string"}})
    assert {"create_hash_job, parameter algorithm: is gone", "create_hash_job, parameter method: is new"} <= {
        change.line for change in renamed
    }


@pytest.mark.parametrize(
    ("new", "step"),
    [
        ({}, "none"),
        ({"info|version": "2"}, "patch"),
        ({f"{FORM}|rounds|maximum": 99, "info|version": "2"}, "minor"),
        ({f"{FORM}|rounds": GONE, f"{FORM}|x": {"type": "string"}}, "major"),
    ],
)
def test_the_gravest_change_decides_the_step_of_the_version(tmp_path, new, step):
    assert version_step(changes(tmp_path, new)) == step


def test_a_report_as_text_json_and_markdown(tmp_path):
    found = changes(tmp_path, {f"{FORM}|rounds": GONE, "info|version": "<b>2</b>\n# no"})
    text = report(found, "text")
    assert text == (
        "Breaking (1)\n  create_hash_job, parameter rounds: is gone\n"
        "      client.hash.compute(rounds=…) · cl-client hash compute --rounds\n"
        "Cosmetic (1)\n  the server: the version is <b>2</b> # no now, was 1\n"
        "Version step: major.\n"
    )
    markdown = report(found, "markdown")
    assert "- **create\\_hash\\_job, parameter rounds**: is gone — `client.hash.compute(rounds=…)`, " in markdown
    assert "\\<b\\>2\\</b\\> \\# no now" in markdown
    document = json.loads(report(found, "json"))
    assert (document["breaking"], document["version_step"]) == (True, "major")
    assert document["changes"][0] == {
        "level": "breaking",
        "kind": "parameter",
        "rule": "parameter-gone",
        "where": "create_hash_job, parameter rounds",
        "what": "is gone",
        "python": "client.hash.compute(rounds=…)",
        "cli": "cl-client hash compute --rounds",
    }
    assert report((), "text") == "No difference.\n"


def test_the_page_of_changes_has_every_rule_with_its_levels():
    assert table() in (ROOT / "docs" / "changes.md").read_text(encoding="utf-8")


def test_every_rule_has_a_name_of_its_own_and_oasdiff_is_named_beside_rules_that_there_are():
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert {*CHECKS} <= {*names}
