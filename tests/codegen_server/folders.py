"""What the generator reads, as folders that a test may change."""

import json
import os
import shutil
from pathlib import Path

from cl_codegen.generate import OwnSources
from tests.codegen_server.app import create_app

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"

MANIFEST = """\
[hash]
operation = "create_hash_job"
verb = "compute"
names = { image = "file" }
order = ["image", "salt"]
example = '''
job = await client.hash.compute("photo.jpg")
'''

[resize]
operation = "create_resize_job"
verb = "shrink"
artifact = "output_path"
flags = { width = "-w" }

[resize.names]
image = "file"
output_format = "format"
"""


def server_spec() -> dict:
    """The document of the test server."""
    return json.loads(json.dumps(create_app().openapi()))


def write_sources(folder: Path, spec: dict | None = None, manifest: str = MANIFEST) -> OwnSources:
    """A folder with a spec and a manifest; the templates are the real ones."""
    openapi = folder / "openapi"
    openapi.mkdir(parents=True, exist_ok=True)
    (openapi / "compute.json").write_text(json.dumps(server_spec() if spec is None else spec), encoding="utf-8")
    (openapi / "auth.json").write_text((ROOT / "openapi" / "auth.json").read_text("utf-8"), encoding="utf-8")
    (openapi / "plugins.toml").write_text(manifest, encoding="utf-8")
    return OwnSources(openapi, TEMPLATES)


def copy_templates(folder: Path) -> Path:
    """A copy of the templates, to break."""
    shutil.copytree(TEMPLATES, folder / "templates")
    return folder / "templates"


def expect_recorded(made: Path, record: Path) -> None:
    """Hold a module against its golden record, which `UPDATE_GOLDEN=1` writes."""
    text = made.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text, encoding="utf-8")
    assert text == record.read_text(encoding="utf-8"), record.name
