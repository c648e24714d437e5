"""Servers that are not ours: small specs, each for one difficulty, and a live server made from each.

photo_lab: several files, one in the field `image`; numbers as ids; its own words; results by name.
words: JSON bodies at `/{task}/jobs`, camel case, models in models, an output that is no object.
dictation: written by hand in YAML for OpenAPI 3.0; routes that only the manifest knows; events.
studio: routes of its own for the jobs of each task; a submit with parameters in its query and headers.
tenants: routes that have more in them than the id of a job; a submit without a body.
old_api: as FastAPI 0.100 writes: default operation ids, `allOf` of one, JSON that holds itself, Input and Output.
"""

from pathlib import Path

from cl_codegen.generate import PackageSources
from tests.codegen_server.folders import TEMPLATES

HERE = Path(__file__).parent
NAMES = ("dictation", "old_api", "photo_lab", "studio", "tenants", "words")


def sources(name: str) -> PackageSources:
    (spec,) = (HERE / name).glob("openapi.*")
    return PackageSources(spec, HERE / name / "plugins.toml", TEMPLATES, name)
