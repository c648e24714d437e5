"""The generated commands of a server that makes it hard: every kind of parameter, and names that are taken.

The generated packages are called as the real ones are, so they are run in a process of their own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cl_codegen.generate import generate
from cl_codegen.spec.spec import SpecError
from tests.codegen_server.folders import MANIFEST, ROOT, server_spec, write_sources

HARD = {
    "type": "object",
    "required": ["file", "variants", "strict", "output"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The film."},
        "subtitles": {"type": "string", "format": "binary"},
        "pages": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "variants": {"type": "array", "items": {"type": "object"}, "description": "What to make."},
        "extra": {"type": "object"},
        "strict": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "output": {"type": "string", "description": "A word that the command line has too."},
        "json": {"type": "boolean", "default": False},
        "given": {"type": "integer", "minimum": 1, "maximum": 9, "default": 4},
        "run": {"type": "number", "default": 0.5},
        "options": {"type": "string", "default": 'quoted "\\n\u202e'},
        "level": {"type": "integer", "enum": [1, 2, 3]},
    },
}

PROGRAM = """
import asyncio, attrs, json, sys
import cl_client.cli.running.runner as runner
from cl_client.cli.main import main

class Jobs:
    async def submit(self, operation, body, *_):
        return {field.name: getattr(body, field.name) for field in attrs.fields(type(body))}

def job(self, files, method, options):
    sent = asyncio.run(method(Jobs())(*files))
    print(json.dumps({name: value for name, value in sent.items() if isinstance(value, (str, int, float, list, dict))}))

runner.Runner.job = job
sys.exit(main(sys.argv[1:]))
"""


def hard_spec(path: str = "/jobs/server", schema: dict[str, object] = HARD) -> dict:
    spec = server_spec()
    spec["paths"][path] = {
        "post": {
            "operationId": "create_server_job",
            "summary": 'Hostile \u001b[31m """ {{ braces }}',
            "description": 'A film.\n\n    """\\',
            "tags": ["jobs"],
            "x-task-type": "server",
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
            "responses": spec["paths"]["/jobs/hash"]["post"]["responses"],
        }
    }
    return spec


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    generate(write_sources(folder, hard_spec()), folder / "generated")
    return folder / "generated"


@pytest.fixture
def cl_client(packages: Path, tmp_path: Path):
    for name in ("film.mp4", "film.srt"):
        (tmp_path / name).write_bytes(b"content")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), str(ROOT / "src")]), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_word_that_the_command_line_has_is_left_to_it(cl_client):
    page = cl_client("--help").stdout
    words = " ".join(page.split())
    assert " server Run a server on this machine. " in words
    assert " server-job Hostile" in words
    assert "\033" not in page


def test_every_kind_of_parameter_arrives(cl_client):
    ran = cl_client(
        "server-job", "run", "film.mp4", "--variants", '[{"resolution": "720p"}]', "--no-strict", "--tags", "a",
        "--tags", "b", "--server-output", "there", "--server-json", "--given", "3", "--run", "0.25",
        "--extra", '{"a": [1, null]}', "--subtitles", "film.srt", "--level", "2",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    sent = json.loads(ran.stdout)
    assert sent["variants"] == [{"resolution": "720p"}]
    assert sent["strict"] is False
    assert sent["tags"] == ["a", "b"]
    assert sent["output"] == "there"
    assert sent["given"] == 3
    assert sent["run"] == 0.25
    assert sent["extra"] == {"a": [1, None]}
    assert sent["level"] == 2


def test_what_is_not_given_is_not_sent(cl_client):
    ran = cl_client("server-job", "run", "film.mp4", "--variants", "[]", "--strict", "--server-output", "x")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout).keys() == {"variants", "strict", "output"}


def test_an_option_that_is_no_json_is_named(cl_client):
    ran = cl_client("server-job", "run", "film.mp4", "--variants", "[{", "--strict", "--server-output", "x")
    assert ran.returncode == 2
    assert "--variants has to be JSON" in ran.stderr


def test_help_shows_bounds_choices_and_defaults(cl_client):
    ran = cl_client("server-job", "run", "--help")
    page = " ".join(ran.stdout.split())
    assert ran.returncode == 0, ran.stderr
    assert "--given 1-9 [default: 4]" in page
    assert "[1, 2, 3]" in page
    assert "--variants JSON What to make. [required]" in page
    assert "\u202e" not in page


def test_a_job_without_a_file_has_a_command_too(tmp_path: Path):
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    generate(write_sources(tmp_path, hard_spec("/jobs/words", schema)), tmp_path / "generated")
    source = (tmp_path / "generated" / "cl_plugins" / "commands" / "server.py").read_text()
    assert "run_.job(None, " in source
    compile(source, "server.py", "exec")


def test_two_plugins_cannot_share_a_command(tmp_path: Path):
    manifest = MANIFEST.replace('verb = "shrink"', 'verb = "shrink"\ngroup = "hash"')
    with pytest.raises(SpecError, match="'hash' already"):
        generate(write_sources(tmp_path, manifest=manifest), tmp_path / "generated")
