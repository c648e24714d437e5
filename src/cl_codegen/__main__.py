"""`cl-codegen`, which is `python -m cl_codegen` too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from cl_codegen.escape import one_line
from cl_codegen.spec import SpecError

app = App(
    name="cl-codegen",
    help="From the OpenAPI document of a server to its typed Python client and command line.",
    help_format="plaintext",
    version_flags=[],
)

Compute = Annotated[str | None, Parameter(help="Address of the compute server, such as http://127.0.0.1:8002.")]
Auth = Annotated[str | None, Parameter(help="Address of the auth server.")]
Openapi = Annotated[Path, Parameter(help="Folder of the specs and of plugins.toml.")]
Templates = Annotated[Path, Parameter(help="Folder of the templates, api/ and plugins/.")]
Out = Annotated[Path, Parameter(help="Folder of the generated packages.")]


@app.command
def fetch(
    *,
    compute: Compute = None,
    auth: Auth = None,
    openapi: Openapi = Path("openapi"),
) -> int:
    """Write the documents of running servers, as they export them themselves: all of them, or nothing."""

    def run() -> int:
        from cl_codegen.fetch import fetch as fetch_all

        for one in fetch_all(_servers(compute, auth), openapi):
            _say(f"{one.path}: {'changed' if one.changed else 'as it was'} ({one.url})")
        return 0

    return _reporting(run)


@app.command
def generate(
    *, openapi: Openapi = Path("openapi"), templates: Templates = Path("templates"), out: Out = Path("generated")
) -> int:
    """Write the generated packages: all of them, or nothing."""

    def run() -> int:
        from cl_codegen.generate import Sources
        from cl_codegen.generate import generate as write_all
        from cl_codegen.normalise import describe

        made = write_all(Sources(openapi, templates), out)
        _say(describe(made.applied))
        _say(f"{out}: {len(made.plugins)} plugins: {', '.join(plugin.name for plugin in made.plugins)}")
        return 0

    return _reporting(run)


@app.command
def check(
    *, openapi: Openapi = Path("openapi"), templates: Templates = Path("templates"), out: Out = Path("generated")
) -> int:
    """Compare the generated packages with what would be generated now. Exits 1 when they differ."""

    def run() -> int:
        from cl_codegen.drift import compare
        from cl_codegen.generate import Sources

        differences = compare(Sources(openapi, templates), out)
        for difference in differences:
            _say(difference.describe())
        if differences:
            _say(f"{out} is not what the spec says ({len(differences)} files): run `make generate`")
        return 1 if differences else 0

    return _reporting(run)


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
) -> int:
    """Say what changed between two servers, in the names that users know. Exits 1 when anything is breaking."""

    def run() -> int:
        from cl_codegen.change import Level, worst
        from cl_codegen.diff import diff as changes_between
        from cl_codegen.diff import read
        from cl_codegen.diff_report import report

        pairs = [(old / name, new / name) for name in _common(old, new)] if old.is_dir() else [(old, new)]
        changes = [
            change for one, other in pairs for change in changes_between(read(one, manifest), read(other, manifest))
        ]
        sys.stdout.write(report(changes, format))
        return 1 if worst(changes) == Level.BREAKING else 0

    return _reporting(run)


@app.command
def regenerate(
    *,
    compute: Compute = None,
    auth: Auth = None,
    openapi: Openapi = Path("openapi"),
    templates: Templates = Path("templates"),
    out: Out = Path("generated"),
) -> int:
    """Follow a server: fetch, diff, generate, check the types. Exits 1 when a change is breaking, 2 when it failed."""

    def run() -> int:
        from cl_codegen.generate import Sources
        from cl_codegen.regenerate import regenerate as follow

        summary = follow(_servers(compute, auth), Sources(openapi, templates), out, sys.stdout.write)
        sys.stdout.write(summary.page())
        return summary.exit_code

    return _reporting(run)


@app.command
def explain(
    operation: Annotated[str, Parameter(help="An operation id, or the name of a plugin.")],
    /,
    *,
    openapi: Openapi = Path("openapi"),
    spec: Annotated[str, Parameter(help="Which spec of the folder.")] = "compute",
) -> int:
    """Say how a name, a type, a bound or a default came to be: by which rule, or which line of the manifest."""

    def run() -> int:
        from cl_codegen.explain import explain as story
        from cl_codegen.reading import Reading

        _say(story(Reading.load(openapi / f"{spec}.json"), operation))
        return 0

    return _reporting(run)


@app.command
def manifest(
    *,
    openapi: Openapi = Path("openapi"),
    spec: Annotated[str, Parameter(help="Which spec of the folder.")] = "compute",
) -> int:
    """Print tables for the plugins that plugins.toml does not mention: all of them, where there is no such file."""

    def run() -> int:
        from cl_codegen.derive import OPENING, manifest_for
        from cl_codegen.reading import Reading

        reading = Reading.load(openapi / f"{spec}.json")
        tables = manifest_for(reading)
        if not tables:
            sys.stderr.write(f"{reading.manifest.source} mentions every plugin already\n")
        elif not reading.manifest.text:
            _say(OPENING)
        sys.stdout.write(tables)
        return 0

    return _reporting(run)


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
    """Run a command. What is wrong with its input, with the generator or with the disk is told, with exit code 2."""
    from cl_codegen.faults import GeneratorError

    try:
        return run()
    except (SpecError, GeneratorError) as broken:
        sys.stderr.write(f"{broken}\n")
    except OSError as error:
        sys.stderr.write(f"nothing was written: {one_line(str(error))[:300]}\n")
    return 2


def main() -> None:
    """The entry point of `cl-codegen`."""
    app()


if __name__ == "__main__":
    main()
