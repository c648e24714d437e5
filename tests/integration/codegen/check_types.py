"""All that the generator makes, checked by two type checkers, and its files for agents: a part of `make check`."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from cl_codegen.generate import PackageSources, SeveralSources, generate
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec
from cl_codegen.sync.sync_client import CLIENT
from cl_codegen.wire import wire
from cl_codegen.write import output
from tests.agent_texts import expect_schemas_of_its_options, expect_skill_of_its_commands
from tests.codegen_server import fake_job_apis
from tests.codegen_server.awkward import awkward
from tests.codegen_server.folders import ROOT, TEMPLATES, write_sources
from tests.codegen_server.foreign import NAMES, sources
from tests.codegen_server.hostile import everything_hostile
from tests.integration.codegen import test_pages, test_several_specs, test_streams, test_webhooks
from tests.integration.codegen.test_pages import named
from tests.integration.codegen.test_wire_types import document

FAKES = ("queue", "transcripts")
"""Job APIs with what no other package here has: addresses of jobs, and files that are stored first."""
GOLDEN = ROOT / "tests" / "unit" / "codegen" / "golden"


@frozen
class Everything:
    """Folders of packages.

    Attributes:
        own: as our own are laid out, made from the spec of the golden record; has a copy of the client, too.
        others: packages of their own, for foreign servers, for hostile and awkward ones, and the wire layer alone.
    """

    own: Path
    others: tuple[Path, ...]


def everything(folder: Path) -> Everything:
    spec, manifest = (GOLDEN / "compute.json").read_text("utf-8"), (GOLDEN / "plugins.toml").read_text("utf-8")
    own = folder / "own"
    generate(write_sources(folder, json.loads(spec), manifest), own)
    # The twins in it are of the whole client, for which this small spec has not all the models.
    shutil.rmtree(own / "cl_sync")
    shutil.copytree(CLIENT, own / "cl_client", ignore=shutil.ignore_patterns("__pycache__"))
    for name in NAMES:
        generate(sources(name), folder / name)
    (folder / "hostile.json").write_text(json.dumps(everything_hostile()))
    hostile = PackageSources(folder / "hostile.json", folder / "none.toml", TEMPLATES, "hostile_client")
    generate(hostile, folder / "hostile")
    (folder / "awkward.json").write_text(json.dumps(awkward()))
    generate(
        PackageSources(folder / "awkward.json", folder / "none.toml", TEMPLATES, "awkward_client"), folder / "awkward"
    )
    others = {"shelf": named(test_pages.spec()), "talk": test_streams.SPEC, "till": test_webhooks.spec()}
    others |= {name: getattr(fake_job_apis, name)().openapi() for name in FAKES}
    for name, spec_ in others.items():
        (folder / f"{name}.json").write_text(json.dumps(spec_))
        generate(
            PackageSources(folder / f"{name}.json", folder / "none.toml", TEMPLATES, f"{name}_client"), folder / name
        )
    manifest_of_several = test_several_specs.write_specs(folder / "specs")
    generate(SeveralSources(manifest_of_several, TEMPLATES, "family"), folder / "family")
    kinds, _ = normalise(Spec.of(Path("server.json"), document()))
    wire.generate(kinds, "kinds", folder / "kinds" / "kinds", TEMPLATES / "api")
    output.format_folder(folder / "kinds")
    packages = (*NAMES, *others, "hostile", "awkward", "family")
    return Everything(own, (*(folder / name / "src" for name in packages), folder / "kinds"))


@pytest.mark.timeout(300)  # Two type checkers, on a machine that may be busy.
def test_all_of_it_and_our_own_are_strictly_typed(tmp_path: Path):
    made = everything(tmp_path)
    (tmp_path / "checks").mkdir()
    expect_basedpyright_content(made, tmp_path / "checks")
    expect_mypy_content(made, tmp_path / "checks")
    expect_files_for_agents(made)


def expect_basedpyright_content(everything: Everything, folder: Path) -> None:
    """As `make check` runs it: strict, and nothing is Any."""
    own = [everything.own / "cl_api", everything.own / "cl_plugins"]
    here = [str(ROOT / "src"), str(ROOT / "generated")]
    config = json.loads((ROOT / "pyrightconfig.json").read_text())
    config |= {
        "include": [*map(str, own), *map(str, everything.others)],
        "extraPaths": here,
        "venvPath": str(ROOT),
        # A package finds its own modules first, and the golden one its own client.
        "executionEnvironments": [
            {"root": str(everything.own), "extraPaths": []},
            *({"root": str(path), "extraPaths": [str(path), *here]} for path in everything.others),
        ],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "basedpyright", "--project", str(folder), "--pythonpath", sys.executable]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.stdout.strip().endswith("0 errors, 0 warnings, 0 notes"), ran.stdout


def expect_files_for_agents(everything: Everything) -> None:
    """Every package has a skill file and a JSON Schema for each command, made from its own spec and manifest."""
    programs = [(path, file.parent.name) for path in everything.others for file in path.glob("*/cli.py")]
    assert programs
    for path, package in programs:
        sys.path.insert(0, str(path))
        program = importlib.import_module(f"{package}.cli").program()
        expect_schemas_of_its_options(program)
        expect_skill_of_its_commands(program)


def expect_mypy_content(everything: Everything, folder: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", sys.executable]
    command += ["--follow-imports", "silent", "--cache-dir", str(folder)]
    own = [everything.own / "cl_api", everything.own / "cl_plugins"]
    others = [*everything.others, ROOT / "generated"]
    # To mypy a module has one place, so that the packages of the golden record go by themselves.
    for checked, path in ((own, [everything.own]), (others, [*others, ROOT / "src"])):
        environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, path))}
        ran = subprocess.run(
            [*command, *map(str, checked)], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.stdout.startswith("Success: no issues found"), ran.stdout + ran.stderr
