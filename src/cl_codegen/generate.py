"""The whole way: specs, manifest and templates in; `cl_api` and `cl_plugins` out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import frozen

from cl_codegen import output, render, wire
from cl_codegen.manifest import Manifest
from cl_codegen.normalise import Applied, normalise
from cl_codegen.plugins import Plugin, read_plugins
from cl_codegen.spec import Spec, SpecError

SPECS: Final = ("compute", "auth")
"""The specs that there can be, by the name of their file and of their package below `cl_api`."""

PLUGIN_SPEC: Final = "compute"
"""The spec whose job operations become plugins."""


@frozen
class Sources:
    """Where the generator reads.

    Attributes:
        openapi: the folder of the specs and of `plugins.toml`.
        templates: the folder of `api/` and `plugins/`.
    """

    openapi: Path
    templates: Path


@frozen
class Generated:
    """What a run made."""

    plugins: tuple[Plugin, ...]
    applied: tuple[Applied, ...]


def generate(sources: Sources, out: Path) -> Generated:
    """Write the generated packages. `out` is replaced as a whole at the very end, or is left as it was.

    Raises:
        SpecError: a spec or the manifest; the file and the place in it are named.
        GeneratorError: the generator itself is at fault, or what is installed.
    """
    with output.staging(out) as folder:
        return write(sources, folder)


def write(sources: Sources, folder: Path) -> Generated:
    """Write the generated packages into an empty folder, formatted."""
    for name in ("api", "plugins"):
        if not (sources.templates / name).is_dir():
            raise SpecError(sources.templates, name, "expected a folder of templates")
    api = folder / "cl_api"
    api.mkdir()
    plugins: tuple[Plugin, ...] = ()
    applied: list[Applied] = []
    for name in SPECS:
        spec, report = normalise(Spec.load(sources.openapi / f"{name}.json"))
        applied += report
        made = wire.generate(spec, f"cl_api.{name}", api / name, sources.templates / "api")
        output.add_header(api / name, f"openapi/{name}.json and templates/api")
        if name == PLUGIN_SPEC:
            manifest = Manifest.load(sources.openapi / "plugins.toml")
            plugins = read_plugins(spec, manifest, made)
    opening = output.header("openapi/") + '"""The wire layer, one package for each server."""\n'
    output.write_files(api, {"__init__.py": opening, "py.typed": ""})
    output.write_files(folder / "cl_plugins", render.render(plugins, sources.templates / "plugins"))
    output.add_header(folder / "cl_plugins", "openapi/compute.json, openapi/plugins.toml and templates/plugins")
    output.write_files(folder / "cl_plugins", {"py.typed": ""})
    output.format_folder(folder)
    return Generated(plugins, tuple(applied))
