"""What the options of the command line name: sources, documents, servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from cl_codegen.generate import Sources
    from cl_codegen.model.read import Reading

GENERATED: Final = Path("generated")


def sources_of(
    openapi: Path,
    templates: Path | None,
    out: Path | None,
    spec: Path | None,
    manifest: Path | None,
    name: str | None,
    references: Path | None,
    *,
    is_strict: bool = False,
    http: Literal["httpx", "httpx2"] = "httpx",
) -> tuple[Sources, Path]:
    """What is read, and the folder that is written."""
    from cl_codegen.faults import PackageError
    from cl_codegen.generate import OwnSources, PackageSources, SeveralSources
    from cl_codegen.manifest.specs_table import read_specs
    from cl_codegen.model.read import MANIFEST
    from cl_codegen.text.layout import Layout

    templates = templates or own_templates()
    if name is None:
        if spec or manifest or http != "httpx":
            raise PackageError(
                "--compute, --manifest and --http are for a package of its own: give it a --package NAME"
            )
        return OwnSources(openapi, templates), out or GENERATED
    several = manifest or openapi / MANIFEST
    if (manifest is not None or spec is None) and read_specs(several):
        if spec is not None:
            raise PackageError(f"{several} names the specs: --compute is for a package of one")
        return (
            SeveralSources(several, templates, name, is_strict, http, references),
            out or Path(Layout.of_package(name).program),
        )
    spec = spec or openapi / "compute.json"
    sources = PackageSources(spec, manifest or spec.with_name(MANIFEST), templates, name, is_strict, http, references)
    return sources, out or Path(Layout.of_package(name).program)


def reading_of(openapi: Path, spec: str, compute: Path | None, manifest: Path | None, package: str | None) -> Reading:
    from cl_codegen.diff.compare import read_entry
    from cl_codegen.manifest.specs_table import read_specs
    from cl_codegen.model.read import Reading
    from cl_codegen.text.layout import Layout

    entries = read_specs(manifest) if manifest is not None else ()
    if entries:
        entry = next((each for each in entries if each.name == spec), entries[0])
        return read_entry(entry, entry.path, Layout.of_package(package or "client"))
    path = compute or openapi / f"{spec}.json"
    return Reading.load(path, manifest, Layout.of_package(package) if package else None)


def own_templates() -> Path:
    """The templates of this distribution: in its wheel, or beside its sources."""
    packaged = Path(__file__).with_name("templates")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def servers_of(compute: str | None, auth: str | None) -> dict[str, str]:
    """The addresses by the name of their spec."""
    from cl_codegen.faults import FetchError

    servers = given_urls(compute, auth)
    if not servers:
        raise FetchError("fetch from where? Give --compute URL, or --auth URL, or both")
    return servers


def given_urls(compute: str | None, auth: str | None) -> dict[str, str]:
    return {name: url for name, url in (("compute", compute), ("auth", auth)) if url}


def common_specs(old: Path, new: Path) -> list[str]:
    """The specs that two folders both have."""
    return sorted({path.name for path in old.glob("*.json")} & {path.name for path in new.glob("*.json")})
