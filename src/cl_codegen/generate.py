"""The whole way: specs, manifest and templates in; `cl_api`, `cl_plugins`, `cl_sync` out, or a package of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.model.package import Package
from cl_codegen.model.read_plugins import read_plugins
from cl_codegen.normalise.rules import Applied, normalise
from cl_codegen.packages import TEMPLATES, Generated, expect_templates, layers
from cl_codegen.packages import PackageSources as PackageSources
from cl_codegen.packages import SeveralSources as SeveralSources
from cl_codegen.spec.spec import Spec, SpecError
from cl_codegen.sync.runtime import Runtime
from cl_codegen.text.layout import OURS
from cl_codegen.wire import wire
from cl_codegen.write import output

SPECS: Final = ("compute", "auth")
"""The specs that there can be, by the name of their file and of their package below `cl_api`."""

PLUGIN_SPEC: Final = "compute"
"""The spec whose job operations become plugins."""


class Sources(Protocol):
    """What the generator reads, and what it makes of it."""

    def write(self, folder: Path) -> Generated:
        """Write what is generated into an empty folder, formatted."""
        ...

    def claim(self, out: Path) -> None:
        """Raises PackageError where `out` contains files that were not generated, and would be lost."""
        ...


@frozen
class OwnSources:
    """The sources of cl-client itself.

    Attributes:
        openapi: the folder of the specs and of `plugins.toml`.
        templates: the folder of `api/` and `plugins/`.
    """

    openapi: Path
    templates: Path

    def claim(self, out: Path) -> None:
        pass

    def write(self, folder: Path) -> Generated:
        return write(self, folder)


def generate(sources: Sources, out: Path) -> Generated:
    """Write the generated packages. `out` is replaced as a whole at the very end, or is left as it was.

    Raises:
        SpecError: a spec or the manifest; the file and the place in it are named.
        GeneratorError: the generator itself is at fault, or what is installed, or `out` is not the generator's.
    """
    sources.claim(out)
    with output.staging(out) as folder:
        return sources.write(folder)


def write(sources: OwnSources, folder: Path) -> Generated:
    """Write the generated packages into an empty folder, formatted."""
    expect_templates(sources.templates, *TEMPLATES)
    manifest = Manifest.load(sources.openapi / "plugins.toml")
    applied: list[Applied] = []
    package: Package | None = None
    for name in SPECS:
        spec, report = normalise(Spec.load(sources.openapi / f"{name}.json"))
        applied += report
        made = wire.outline(spec, f"cl_api.{name}")
        # Of our own servers, all has to be there: whatever cannot be said is mended in the server.
        if made.left_out:
            raise SpecError(spec.source, made.left_out[0].pointer, made.left_out[0].reason)
        if name == PLUGIN_SPEC:
            plugins = read_plugins(spec, manifest, made)
            package = Package.of("cl_client", OURS, spec, manifest, plugins, made, has_methods=True)
            made = made.handing_on(package.handed_on)
        origin = output.header(f"openapi/{name}.json and templates/api")
        output.write_files(folder / "cl_api" / name, wire.files(made, sources.templates / "api"), origin)
    output.write_files(folder / "cl_api", {"__init__.py": _wire_root(), "py.typed": ""}, output.header("openapi/"))
    made_of_it: Mapping[str, str] = {} if package is None else layers(package, sources.templates)
    for home, origin in (
        ("cl_plugins", "openapi/compute.json, openapi/plugins.toml and templates/plugins"),
        ("cl_sync", "src/cl_client, cl_plugins and templates/sync"),
    ):
        files = {path: text for path, text in made_of_it.items() if path.startswith(f"{home}/")}
        output.write_files(folder, files, output.header(origin))
    output.write_files(folder, {"cl_sync/py.typed": ""})
    output.format_folder(folder)
    return Generated(() if package is None else package.plugins, tuple(applied))


def _wire_root() -> str:
    """The module above our wire layers, which says for all that is generated of ours which runtime it was made for."""
    return f'''"""The wire layer, one package for each server."""

from cl_client.runtime import made_for

made_for({Runtime.load().version}, __name__)
'''
