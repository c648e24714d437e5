"""`cl-codegen regenerate`, where the manifest has to be mended by a person."""

import json
from pathlib import Path

from tests.codegen_server.command import run
from tests.codegen_server.folders import server_spec, write_sources
from tests.integration.codegen.test_command import bytes_of, options
from tests.integration.codegen.test_fetch import answering


def test_a_name_of_a_parameter_that_is_gone_is_told_below_the_changes_and_nothing_is_written(tmp_path: Path):
    write_sources(tmp_path)
    assert run("generate", *options(tmp_path)).returncode == 0
    before = bytes_of(tmp_path)
    spec = server_spec()
    body = spec["components"]["schemas"]["Body_create_resize_job_jobs_resize_post"]
    del body["properties"]["format"]
    body["required"].remove("format")
    with answering(200, json.dumps(spec).encode()) as url:
        ran = run("regenerate", "--compute", url, *options(tmp_path))
    assert ran.returncode == 2
    assert "create_resize_job, parameter format: is gone" in ran.stdout
    assert "client.resize.shrink(output_format=…) · cl-client resize shrink --output-format" in ran.stdout
    assert "line 18: [resize] names: the form has no 'format'" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert bytes_of(tmp_path) == before
