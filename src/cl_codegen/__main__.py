"""`cl-codegen`, which is `python -m cl_codegen` too."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from cl_codegen.inputs import GENERATED, common_specs, given_urls, own_templates, reading_of, servers_of, sources_of
from cl_codegen.spec.spec import SpecError
from cl_codegen.text.escape import one_line
from cl_extras.streams import whole

if TYPE_CHECKING:
    from cl_codegen.diff.change import Change

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
Several = Annotated[
    Path | None, Parameter(help="A manifest of several specs: those whose tables have a url.", metavar="FILE")
]
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
    manifest: Several = None,
) -> int:
    """Write the documents of running servers, as they export them themselves: all of them, or nothing."""

    def run() -> int:
        from cl_codegen.spec.fetch import fetch as fetch_all

        if manifest is not None:
            from cl_codegen.regenerate_several import fetch_several

            for one in fetch_several(manifest, given_urls(compute, auth)):
                _say(f"{one.path}: {'changed' if one.changed else 'as it was'} ({one.url})")
            return 0
        for one in fetch_all(servers_of(compute, auth), openapi):
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

        sources, folder = sources_of(
            openapi, templates, out, compute, manifest, package, references, is_strict=strict, http=http
        )
        made = write_all(sources, folder)
        _say(describe(made.applied))
        for part in made.parts or (made,):
            source = part.source or openapi / "compute.json"
            notes = [(one.pointer, f"left out: {one.reason}") for one in part.left_out]
            notes += [(one.pointer, f"not followed: {one.reason}") for one in part.unfollowed]
            notes += [(one.pointer, f"not valid OpenAPI: {one.reason}") for one in part.mistakes]
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

        sources, folder = sources_of(openapi, templates, out, compute, manifest, package, references, http=http)
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
        from cl_codegen.diff.compare import diff_entries, read
        from cl_codegen.diff.python_names import surface
        from cl_codegen.diff.report import report
        from cl_codegen.faults import PackageError
        from cl_codegen.manifest.specs_table import read_specs
        from cl_codegen.text.layout import OURS, Layout

        layout = Layout.of_package(package) if package else None
        changes: list[Change] = []
        entries = read_specs(manifest) if manifest else ()
        if entries and not (old.is_dir() and new.is_dir()):
            raise PackageError(f"{manifest} names several specs: compare two folders of them")
        if manifest is not None and entries:
            below = [Path(os.path.relpath(entry.path, manifest.parent)) for entry in entries]
            every = [(one, old / path, new / path) for one, path in zip(entries, below, strict=True)]
            named = layout or Layout.of_package("client")
            changes += diff_entries(every, templates or own_templates(), named)
            sys.stdout.write(report(changes, format))
            return 1 if worst(changes) == Level.BREAKING else 0
        pairs = [(old / name, new / name) for name in common_specs(old, new)] if old.is_dir() else [(old, new)]
        for pair in pairs:
            before, after = (read(path, manifest, layout) for path in pair)
            changes += changes_between(before, after)
            changes += surface(before, after, templates or own_templates(), layout or OURS)
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
    manifest: Several = None,
    package: Package = None,
    types: Annotated[bool, Parameter(help="Check the types, which takes the longest of all.")] = True,
) -> int:
    """Follow a server: fetch, diff, generate, check the types. Exits 1 when a change is breaking, 2 when it failed."""

    def run() -> int:
        from cl_codegen.faults import PackageError
        from cl_codegen.generate import OwnSources
        from cl_codegen.regenerate import regenerate as follow

        if manifest is not None and package is not None:
            from cl_codegen.generate import SeveralSources
            from cl_codegen.regenerate_several import regenerate_several
            from cl_codegen.text.layout import Layout

            several = SeveralSources(manifest, templates or own_templates(), package)
            folder = out or Path(Layout.of_package(package).program)
            summary = regenerate_several(given_urls(compute, auth), several, folder, sys.stdout.write, types=types)
            sys.stdout.write(summary.page())
            return summary.exit_code
        if manifest is not None or package is not None:
            raise PackageError("a package is followed with --manifest FILE and --package NAME, both")
        sources = OwnSources(openapi, templates or own_templates())
        summary = follow(servers_of(compute, auth), sources, out or GENERATED, sys.stdout.write, types=types)
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

        _say(story(reading_of(openapi, spec, compute, manifest, package), operation))
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

        reading = reading_of(openapi, spec, compute, manifest, package)
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


def _lines(source: Path, notes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line for each note on a place of the spec: file, line, pointer, what is noted."""
    if not notes:
        return
    from cl_codegen.spec.lines import lines_of

    lines = lines_of(source, (pointer for pointer, _ in notes))
    for pointer, note in notes:
        yield one_line(f"{source}, line {lines[pointer]}: {pointer}: {note}")


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
