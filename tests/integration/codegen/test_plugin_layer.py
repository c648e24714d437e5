"""The generated plugin clients, on the hand-written core of the client, against a real server.

The generated packages are called as the real ones are, so they are run in a process of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cl_codegen.generate import generate
from tests.codegen_server.folders import MANIFEST, ROOT, server_spec, write_sources

PRELUDE = """
import asyncio, sys
from abc import ABC
from cl_client.errors import InvalidParameterError
from cl_client.http.transport import Transport
from cl_api.compute.client import Client
from cl_api.compute.api.jobs import get_job
from cl_plugins import Plugins

class Jobs:
    '''The part of the client that plugins submit to.'''
    def __init__(self, url):
        self.api = Client(url).set_async_httpx_client(Transport(url, timeout=10))
    async def submit(self, operation, body, *_):
        created = await operation.send(client=self.api, body=body)
        job = await get_job.asyncio(created.job_id, client=self.api)
        return job.params, operation.decode(job.task_output or {}), operation

class Everything(Plugins):
    def __init__(self, url):
        self._jobs = Jobs(url)
    @property
    def jobs(self):
        return self._jobs

client = Everything(sys.argv[1])

async def main():
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    generate(write_sources(folder), folder / "generated")
    return folder / "generated"


def run(packages: Path, url: str, body: str) -> str:
    """Run the body of an async function with `client`; gives what it prints."""
    script = PRELUDE + "\n".join(f"    {line}" for line in body.splitlines()) + "\nasyncio.run(main())"
    path = os.pathsep.join([str(packages), str(ROOT / "src")])
    ran = subprocess.run(
        [sys.executable, "-c", script, url],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_typed_method_sends_what_was_given_and_reads_the_output(packages, server_url):
    said = run(
        packages,
        server_url,
        "params, output, _ = await client.hash.compute(b'abc', 'pepper', deep=False)\n"
        "print(params['salt'], params['deep'], params['algorithm'], type(output).__name__, output.md5)",
    )
    assert said == "pepper False all HashOutput abc"


def test_the_manifest_gives_the_artifact_and_the_python_names(packages, server_url):
    said = run(
        packages,
        server_url,
        "params, output, operation = await client.resize.shrink(b'abc', output_format='png', width=8)\n"
        "print(params['format'], params['width'], output.output_path, operation.artifact)",
    )
    assert said == "png 8 output/small.png output_path"


def test_an_operation_that_the_manifest_does_not_mention_has_a_client(packages, server_url):
    said = run(
        packages,
        server_url,
        "try:\n    await client.refused.run(b'abc')\n"
        "except Exception as error:\n    print(type(error).__name__, error)",
    )
    assert said.startswith("ValidationError")
    assert "this file is not an image" in said


BOUNDS = {
    "client.resize.shrink(b'x', 'webp')": "output_format is 'webp', and has to be one of png, jpg",
    "client.resize.shrink(b'x', 'png', width=0)": "width is 0, and has to be at least 1",
    "client.resize.shrink(b'x', 'png', factor=0)": "factor is 0, and has to be more than 0",
    "client.resize.shrink(b'x', 'png', name='A')": "name is 'A', and has to be at least 2 characters long",
    "client.resize.shrink(b'x', 'png', name='ABC')": "name is 'ABC', and has to be of the form ^[a-z]+$",
    "client.hash.compute(b'x', priority=11)": "priority is 11, and has to be at most 10",
}


def test_bounds_are_checked_before_anything_is_sent(packages):
    tries = [f"try:\n    await {call}\nexcept InvalidParameterError as error:\n    print(error)" for call in BOUNDS]
    assert run(packages, "http://nowhere.invalid", "\n".join(tries)).splitlines() == list(BOUNDS.values())


def test_importing_the_plugins_imports_nothing_else(packages, server_url):
    script = "import sys, cl_plugins; cl_plugins.PLUGINS; sys.exit('httpx' in sys.modules or 'attrs' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(packages)}, check=False)
    assert ran.returncode == 0


def test_names_of_the_package_are_found_and_others_are_not(packages, server_url):
    said = run(
        packages,
        server_url,
        "import cl_plugins\nprint(cl_plugins.PLUGINS, cl_plugins.HashClient.__name__, 'Plugins' in dir(cl_plugins), "
        "hasattr(cl_plugins, 'Nothing'))",
    )
    assert said == "('hash', 'refused', 'resize') HashClient True False"


def test_a_new_parameter_of_the_server_is_in_the_typed_method(tmp_path, server_url):
    spec = server_spec()
    form = next(schema for name, schema in spec["components"]["schemas"].items() if "create_hash_job" in name)
    form["properties"]["rounds"] = {"type": "integer", "minimum": 1, "default": 3, "description": "How often."}
    generate(write_sources(tmp_path, spec, MANIFEST), tmp_path / "generated")
    said = run(
        tmp_path / "generated",
        server_url,
        "import inspect\nmethod = type(client.hash).compute\n"
        "print(inspect.signature(method).parameters['rounds'])\nprint('How often. Default: 3.' in method.__doc__)\n"
        "params, _, _ = await client.hash.compute(b'abc', rounds=2)",
    )
    assert said == "rounds: 'int | Unset' = <the server's default>\nTrue"


def test_the_artifact_and_the_bounds_of_the_real_manifest_stand(server_url):
    """The committed packages, as they are."""
    said = run(
        ROOT / "generated",
        server_url,
        "from cl_plugins.image_conversion import CONVERT\nfrom cl_plugins.media_thumbnail import GENERATE\n"
        "from cl_plugins.hash import COMPUTE\nprint(CONVERT.artifact, GENERATE.artifact, COMPUTE.artifact)",
    )
    assert said == "output_path thumbnail_path None"
