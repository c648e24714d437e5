"""The golden record: what a small, fixed spec becomes, to be read in a review.

After a change of a template: `UPDATE_GOLDEN=1 python -m pytest tests/unit/codegen/test_golden.py`; read the diff.
"""

import json
from pathlib import Path

from cl_codegen.generate import generate
from tests.codegen_server.folders import expect_recorded, write_sources

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


def test_the_modules_are_as_recorded(tmp_path):
    spec, manifest = (GOLDEN / "compute.json").read_text("utf-8"), (GOLDEN / "plugins.toml").read_text("utf-8")
    generate(write_sources(tmp_path, json.loads(spec), manifest), tmp_path / "generated")
    for path in RECORDED:
        expect_recorded(tmp_path / "generated" / path, GOLDEN / f"{path}.txt")
