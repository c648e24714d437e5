"""The golden record: what a small, fixed spec becomes, to be read in a review.

After a change of a template: `UPDATE_GOLDEN=1 python -m pytest tests/unit/codegen/test_golden.py`; read the diff.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cl_codegen.generate import generate
from tests.codegen_server.folders import ROOT, write_sources

GOLDEN = Path(__file__).parent / "golden"
RECORDED = (
    "cl_plugins/hash.py",
    "cl_plugins/refused.py",
    "cl_plugins/resize.py",
    "cl_plugins/plugins.py",
    "cl_plugins/__init__.py",
    "cl_api/compute/api/jobs/create_resize_job.py",
    "cl_api/compute/api/jobs/list_jobs.py",
    "cl_api/compute/models/body_create_resize_job.py",
    "cl_api/compute/models/job_response.py",
    "cl_api/compute/models/job_status.py",
    "cl_api/compute/models/node_input.py",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the fixed spec."""
    folder = tmp_path_factory.mktemp("golden")
    spec, manifest = (GOLDEN / "compute.json").read_text("utf-8"), (GOLDEN / "plugins.toml").read_text("utf-8")
    sources = write_sources(folder, json.loads(spec), manifest)
    generate(sources, folder / "generated")
    return folder / "generated"


@pytest.mark.parametrize("path", RECORDED)
def test_the_module_is_as_recorded(made, path):
    record = GOLDEN / f"{path}.txt"
    text = (made / path).read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text, encoding="utf-8")
    assert text == record.read_text(encoding="utf-8")


def test_the_packages_are_strictly_typed(made, tmp_path):
    """basedpyright as `make check` runs it: strict, and nothing is Any."""
    config = json.loads((ROOT / "pyrightconfig.json").read_text())
    config |= {
        # The twins in cl_sync are of the whole client, for which this small spec has not all the models.
        "include": [str(made / "cl_api"), str(made / "cl_plugins")],
        "extraPaths": [str(made), str(ROOT / "src")],
        "venvPath": str(ROOT),
        "ignore": [str(ROOT / "src")],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "basedpyright", "--project", str(tmp_path), "--pythonpath", sys.executable]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout.strip().endswith("0 errors, 0 warnings, 0 notes"), ran.stdout


def test_mypy_finds_them_strictly_typed_too(made, tmp_path):
    paths = [str(made / "cl_api"), str(made / "cl_plugins")]
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", sys.executable]
    command += ["--follow-imports", "silent", "--cache-dir", str(tmp_path), *paths]
    where = {**os.environ, "MYPYPATH": f"{made}{os.pathsep}{ROOT / 'src'}"}
    ran = subprocess.run(command, env=where, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("Success: no issues found"), ran.stdout + ran.stderr
