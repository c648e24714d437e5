"""`cl-codegen`, which is `python -m cl_codegen` too."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import App, Parameter

from cl_codegen.spec.spec import SpecError
from cl_codegen.text.escape import one_line
from cl_extras.streams import whole

if TYPE_CHECKING:
    from cl_codegen.diff.change import Change
    from cl_codegen.generate import Sources
    from cl_codegen.model.read import Reading

GENERATED: Final = Path("generated")

app = App(
    name="cl-codegen",
    help="From the OpenAPI document of a server to its typed Python client and command line.",
    help_format="plaintext",
    version_flags=[],
)

Compute = Annotated[str | None, Parameter(help="Address of the compute server, such as http://127.0.0.1:8002.")]
Auth = Annotated[str | None, Parameter(help="Address of the auth server.")]
Openapi = Annotated[Path, Parameter(help="Folder of the specs and of plugins.toml.")]
Templates = Annotated[Path | None, Parameter(help="Folder of the templates; those of cl-codegen.", metavar="DIR")]
Out = Annotated[Path | None, Parameter(help="Folder of what is generated; generated/, or the package's name.")]
ComputeFile = Annotated[Path | None, Parameter(help="Spec of the server, JSON or YAML; compute.json of --openapi.")]
ManifestFile = Annotated[Path | None, Parameter(help="Manifest; plugins.toml beside the spec.")]
Strict = Annotated[
    bool, Parameter(negative="", help="Fail where anything of the spec has to be left out, or is not valid OpenAPI.")
]
Http = Annotated[
    Literal["httpx", "httpx2"], Parameter(help="The library that a package of its own sends its requests with.")
]
References = Annotated[
    Path | None, Parameter(help="Folder of the files that a spec may refer to; its own.", metavar="DIR")
]
Package = Annotated[str | None, Parameter(help="A package of its own for a server that is not ours: its name.")]


@app.command
def fetch(
    *,
    compute: Compute = None,
    auth: Auth = None,
    openapi: Openapi = Path("openapi"),
) -> int:
    """Write the documents of running servers, as they export them themselves: all of them, or nothing."""

    def run() -> int:
        from cl_codegen.spec.fetch import fetch as fetch_all

        for one in fetch_all(_servers(compute, auth), openapi):
            _say(f"{one.path}: {'changed' if one.changed else 'as it was'} ({one.url})")
        return 0

    return _reporting(run)


@app.command
def generate(
    *,
    openapi: Openapi = Path("openapi"),
    templates: Templates = None,
    out: Out = None,
    compute: ComputeFile = None,
    manifest: ManifestFile = None,
    package: Package = None,
    strict: Strict = False,
    http: Http = "httpx",
    references: References = None,
) -> int:
    """Write the generated packages, or with --package one of its own for another server: all of it, or nothing."""

    def run() -> int:
        from cl_codegen.generate import generate as write_all
        from cl_codegen.normalise.rules import describe

        sources, folder = _sources(
            openapi, templates, out, compute, manifest, package, references, is_strict=strict, http=http
        )
        made = write_all(sources, folder)
        _say(describe(made.applied))
        source = compute or openapi / "compute.json"
        notes = [(one.pointer, f"left out: {one.reason}") for one in made.left_out]
        notes += [(one.pointer, f"not followed: {one.reason}") for one in made.unfollowed]
        notes += [(one.pointer, f"not valid OpenAPI: {one.reason}") for one in made.mistakes]
        for line in _lines(source, notes):
            sys.stderr.write(line + "\n")
        if made.plugins or not made.groups:
            _say(f"{folder}: {len(made.plugins)} plugins: {', '.join(plugin.name for plugin in made.plugins)}")
        if made.groups:
            count = sum(len(group.methods) for group in made.groups)
            _say(f"{folder}: {count} operations: {', '.join(group.name for group in made.groups)}")
        return 0

    return _reporting(run)


@app.command
def check(
    *,
    openapi: Openapi = Path("openapi"),
    templates: Templates = None,
    out: Out = None,
    compute: ComputeFile = None,
    manifest: ManifestFile = None,
    package: Package = None,
    http: Http = "httpx",
    references: References = None,
) -> int:
    """Compare the generated packages with what would be generated now. Exits 1 when they differ."""

    def run() -> int:
        from cl_codegen.drift import compare

        sources, folder = _sources(openapi, templates, out, compute, manifest, package, references, http=http)
        differences = compare(sources, folder)
        for difference in differences:
            _say(difference.describe())
        if differences:
            command = "cl-codegen generate" if package else "make generate"
            _say(f"{folder} is not what the spec says ({len(differences)} files): run `{command}`")
        return 1 if differences else 0

    return _reporting(run)


SpecName = Annotated[str, Parameter(help="Which spec of the folder.")]
Format = Annotated[Literal["text", "json", "markdown"], Parameter(help="How the changes are written.")]


@app.command
def diff(
    old: Annotated[Path, Parameter(help="The spec as it was: a file, or a folder of specs.")],
    new: Annotated[Path, Parameter(help="The spec as it is.")],
    /,
    *,
    format: Format = "text",
    manifest: Annotated[
        Path | None, Parameter(help="The manifest of both; when not given, each has the one beside it.")
    ] = None,
    package: Package = None,
    templates: Templates = None,
) -> int:
    """Say what changed between two servers, in the names that users know. Exits 1 when anything is breaking."""

    def run() -> int:
        from cl_codegen.diff.change import Level, worst
        from cl_codegen.diff.compare import diff as changes_between
        from cl_codegen.diff.compare import read
        from cl_codegen.diff.python_names import surface
        from cl_codegen.diff.report import report
        from cl_codegen.text.layout import OURS, Layout

        layout = Layout.of_package(package) if package else None
        pairs = [(old / name, new / name) for name in _common(old, new)] if old.is_dir() else [(old, new)]
        changes: list[Change] = []
        for pair in pairs:
            before, after = (read(path, manifest, layout) for path in pair)
            changes += changes_between(before, after)
            changes += surface(before, after, templates or _templates(), layout or OURS)
        sys.stdout.write(report(changes, format))
        return 1 if worst(changes) == Level.BREAKING else 0

    return _reporting(run)


@app.command
def regenerate(
    *,
    compute: Compute = None,
    auth: Auth = None,
    openapi: Openapi = Path("openapi"),
    templates: Templates = None,
    out: Out = None,
    types: Annotated[bool, Parameter(help="Check the types, which takes the longest of all.")] = True,
) -> int:
    """Follow a server: fetch, diff, generate, check the types. Exits 1 when a change is breaking, 2 when it failed."""

    def run() -> int:
        from cl_codegen.generate import OwnSources
        from cl_codegen.regenerate import regenerate as follow

        sources = OwnSources(openapi, templates or _templates())
        summary = follow(_servers(compute, auth), sources, out or GENERATED, sys.stdout.write, types=types)
        sys.stdout.write(summary.page())
        return summary.exit_code

    return _reporting(run)


@app.command
def explain(
    operation: Annotated[str, Parameter(help="An operation id, or the name of a plugin.")],
    /,
    *,
    openapi: Openapi = Path("openapi"),
    spec: SpecName = "compute",
    compute: ComputeFile = None,
    manifest: ManifestFile = None,
    package: Package = None,
) -> int:
    """Say how a name, a type, a bound or a default came to be: by which rule, or which line of the manifest."""

    def run() -> int:
        from cl_codegen.explain import explain as story

        _say(story(_reading(openapi, spec, compute, manifest, package), operation))
        return 0

    return _reporting(run)


@app.command
def manifest(
    *,
    openapi: Openapi = Path("openapi"),
    spec: SpecName = "compute",
    compute: ComputeFile = None,
    manifest: ManifestFile = None,
    package: Package = None,
) -> int:
    """Print tables for the plugins that plugins.toml does not mention (all, where there is no file), with reasons."""

    def run() -> int:
        from cl_codegen.manifest.found import notes
        from cl_codegen.manifest.template import OPENING, manifest_for

        reading = _reading(openapi, spec, compute, manifest, package)
        tables = manifest_for(reading)
        if not reading.plugins:
            sys.stderr.write(f"no operation of {reading.raw.source} was found to create a job\n")
        elif not tables:
            sys.stderr.write(f"{reading.manifest.source} mentions every plugin already\n")
        elif not reading.manifest.text:
            _say(OPENING)
        sys.stdout.write(tables)
        if listed := list(notes(reading)):
            _say("\n".join(["", *listed] if tables else listed))
        return 0

    return _reporting(run)


def _sources(
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
    from cl_codegen.generate import OwnSources, PackageSources
    from cl_codegen.model.read import MANIFEST
    from cl_codegen.text.layout import Layout

    templates = templates or _templates()
    if name is None:
        if spec or manifest or http != "httpx":
            raise PackageError(
                "--compute, --manifest and --http are for a package of its own: give it a --package NAME"
            )
        return OwnSources(openapi, templates), out or GENERATED
    spec = spec or openapi / "compute.json"
    sources = PackageSources(spec, manifest or spec.with_name(MANIFEST), templates, name, is_strict, http, references)
    return sources, out or Path(Layout.of_package(name).program)


def _lines(source: Path, notes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line for each note on a place of the spec: file, line, pointer, what is noted."""
    if not notes:
        return
    from cl_codegen.spec.lines import lines_of

    lines = lines_of(source, (pointer for pointer, _ in notes))
    for pointer, note in notes:
        yield one_line(f"{source}, line {lines[pointer]}: {pointer}: {note}")


def _reading(openapi: Path, spec: str, compute: Path | None, manifest: Path | None, package: str | None) -> Reading:
    from cl_codegen.model.read import Reading
    from cl_codegen.text.layout import Layout

    path = compute or openapi / f"{spec}.json"
    return Reading.load(path, manifest, Layout.of_package(package) if package else None)


def _templates() -> Path:
    """The templates of this distribution: in its wheel, or beside its sources."""
    packaged = Path(__file__).with_name("templates")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def _servers(compute: str | None, auth: str | None) -> dict[str, str]:
    """The addresses by the name of their spec."""
    from cl_codegen.faults import FetchError

    servers = {name: url for name, url in (("compute", compute), ("auth", auth)) if url}
    if not servers:
        raise FetchError("fetch from where? Give --compute URL, or --auth URL, or both")
    return servers


def _common(old: Path, new: Path) -> list[str]:
    """The specs that two folders both have."""
    return sorted({path.name for path in old.glob("*.json")} & {path.name for path in new.glob("*.json")})


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")


def _reporting(run: Callable[[], int]) -> int:
    """Run a command. Errors of its input, of the generator and of the disk are one line each, with exit code 2."""
    from cl_codegen.faults import GeneratorError

    try:
        return run()
    except (SpecError, GeneratorError) as broken:
        sys.stderr.write(f"{broken}\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stderr.write(f"nothing was written: {one_line(str(error))[:300]}\n")
    except ModuleNotFoundError as error:
        from cl_extras.install import lack

        if (why := lack(error, "the generator", "codegen")) is None:
            raise
        sys.stderr.write(f"{why}\n")
    return 2


def main() -> None:
    """The entry point of `cl-codegen`."""
    # Nearly all that a run makes is in use until it ends, so the search for what is not takes a tenth of its time and
    # finds nothing.
    gc.disable()
    sys.exit(whole(app, tells_others=True))


if __name__ == "__main__":
    main()
