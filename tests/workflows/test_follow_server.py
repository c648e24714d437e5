"""A server changes while it is somebody else's: one command follows it, and says what it means for my code."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflows.checkout import ROOT, Checkout

SERVE = """
import json, sys
from cl_server.embedded import LocalStack
with LocalStack(workers=1) as stack:
    print(json.dumps(stack.environment()), flush=True)
    sys.stdin.read()
"""

SHOUT = "src/cl_ml_tools/plugins/shout"
FILES = {
    f"{SHOUT}/__init__.py": "",
    f"{SHOUT}/schema.py": '''
from pydantic import BaseModel, Field
from cl_ml_tools.schemas import BaseJobParams


class ShoutParams(BaseJobParams):
    """Say a text louder."""

    times: int = Field(default=1, ge=1, le=3, description="How often.")
    mark: str = Field(default="!", description="What stands behind it.")


class ShoutOutput(BaseModel):
    """What was shouted."""

    text: str
''',
    f"{SHOUT}/task.py": """
from pathlib import Path
from cl_ml_tools.compute_module import BlockingModule, Submit
from cl_ml_tools.plugins.shout.schema import ShoutOutput, ShoutParams


class ShoutTask(BlockingModule[ShoutParams]):
    task_type = "shout"
    schema = ShoutParams
    output_schema = ShoutOutput
    submit = Submit("Shout a text", file="A text.")

    def process(self, params, progress):
        text = Path(params.input_paths[0]).read_text().upper() + params.mark
        return ShoutOutput(text=text * params.times)
""",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "project")


def change_plugins(checkout: Checkout, *, gone: str) -> None:
    """A server with one plugin more and one fewer: entry points of a distribution that is found before ours."""
    for path, text in FILES.items():
        checkout.write(path, text)
    installed = next(Path(path) for path in sys.path if list(Path(path or ".").glob("cl_client-*.dist-info")))
    (metadata,) = installed.glob("cl_client-*.dist-info")
    copied = checkout.root / "src" / metadata.name
    shutil.copytree(metadata, copied)
    lines: list[str] = []
    for line in (copied / "entry_points.txt").read_text().splitlines():
        if not line.startswith(f"{gone} "):
            lines.append(line)
        if line == "[cl_ml_tools.tasks]":
            lines.append("shout = cl_ml_tools.plugins.shout.task:ShoutTask")
    (copied / "entry_points.txt").write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def serving(checkout: Checkout) -> Iterator[dict[str, str]]:
    """The server of a checkout; gives the environment that leads a client to it."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=checkout.root,
        env=checkout.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin
    assert server.stdout
    with server:
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.stdin.close()


@pytest.mark.timeout(300)  # Two generations, one with a type check, on a machine that may be busy.
def test_a_plugin_that_comes_and_one_that_goes_and_then_a_server_that_is_as_it_was(checkout: Checkout):
    change_plugins(checkout, gone="media_thumbnail")
    with serving(checkout) as environment:
        followed = checkout.module("cl_codegen", "regenerate", "--compute", environment["COMPUTE_URL"])
        page = followed.stdout
        assert followed.returncode == 1, page + followed.stderr
        assert "create_media_thumbnail_job: the operation is gone" in page
        assert "client.media_thumbnail.generate · cl-client media-thumbnail generate" in page
        assert "create_shout_job: the operation is new, with file, mark, times" in page
        assert "client.shout.run · cl-client shout run" in page
        assert "Version step: major." in page
        assert "Manifest: the table [media_thumbnail] was taken out, its operation is gone" in page
        assert "Types: basedpyright strict, 0 errors" in page
        text = checkout.root / "text.txt"
        text.write_text("hear")
        shouted = checkout.module(
            "cl_client", "shout", "run", str(text), "--times", "2", "--mark", "?", "--json", **environment
        )
        assert shouted.returncode == 0, shouted.stderr
        assert "HEAR?HEAR?" in shouted.stdout
        refused = checkout.module("cl_client", "shout", "run", str(text), "--times", "4", **environment)
        assert "times is 4, and has to be at most 3" in refused.stderr
        before = checkout.files()
        again = checkout.module("cl_codegen", "regenerate", "--no-types", "--compute", environment["COMPUTE_URL"])
        assert again.returncode == 0, again.stdout + again.stderr
        assert "No difference." in again.stdout
        assert "Generated: 0 files are other than before" in again.stdout
        assert "Types: not checked, as it was asked for" in again.stdout
        assert checkout.files() == before
    assert "media_thumbnail" not in (checkout.root / "openapi" / "plugins.toml").read_text()


def test_a_server_that_cannot_be_followed_leaves_everything_as_it_was(checkout: Checkout):
    before = checkout.files()
    followed = checkout.module("cl_codegen", "regenerate", "--compute", "http://127.0.0.1:1")
    assert followed.returncode == 2
    assert len(followed.stderr.splitlines()) == 1
    assert checkout.files() == before


def test_make_hands_the_address_on():
    told = subprocess.run(
        ["make", "--dry-run", "regenerate", "SERVER=http://host:1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'cl_codegen regenerate --compute "http://host:1"' in told.stdout
