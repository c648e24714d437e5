"""The server changes, two commands follow it, and nothing is written by hand."""

from pathlib import Path

import pytest

from tests.workflows.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "project")


def spec_and_generate(checkout: Checkout) -> None:
    for command in (("cl_server", "spec", "openapi"), ("cl_codegen", "generate")):
        done = checkout.module(*command)
        assert done.returncode == 0, done.stderr


def test_what_is_committed_is_what_is_generated_and_one_character_is_a_difference(checkout: Checkout):
    before = checkout.files()
    spec_and_generate(checkout)
    assert checkout.files() == before
    checkout.edit("generated/cl_plugins/hash.py", "Fingerprint", "fingerprint")
    check = checkout.module("cl_codegen", "check")
    assert check.returncode == 1
    assert "changed: cl_plugins/hash.py" in check.stdout
    assert "(1 files)" in check.stdout, "all the others are made the same a second time"


@pytest.mark.timeout(300)  # Seven processes that import all of the copy, on a machine that may be busy.
def test_a_parameter_that_the_server_gains_is_in_the_method_and_on_the_command_line(checkout: Checkout):
    checkout.edit(
        "src/cl_ml_tools/plugins/hash/schema.py",
        "class HashParams(BaseJobParams):\n",
        "class HashParams(BaseJobParams):\n"
        '    rounds: int = Field(default=3, ge=1, le=9, description="How often the bytes are gone over.")\n',
    )
    assert checkout.module("cl_server", "spec", "--check", "openapi").returncode == 1
    spec_and_generate(checkout)
    method = checkout.run(
        "-c",
        "import inspect; from cl_plugins.hash import COMPUTE, HashClient;"
        " print(inspect.signature(HashClient.compute)); COMPUTE.check(rounds=10)",
    )
    assert "rounds: 'int | Unset'" in method.stdout
    assert "rounds is 10, and has to be at most 9" in method.stderr
    help_page = checkout.module("cl_client", "hash", "compute", "--help")
    assert "--rounds" in help_page.stdout
    assert "How often the bytes are gone over." in help_page.stdout


def test_a_route_that_changes_without_regeneration_is_a_difference(checkout: Checkout):
    checkout.edit("src/cl_server/compute/routes/jobs.py", '"/jobs/{job_id}"', '"/jobs/{job_id}/state"')
    check = checkout.module("cl_server", "spec", "--check", "openapi")
    assert check.returncode == 1
    assert "/state" in check.stdout + check.stderr
