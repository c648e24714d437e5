"""`python -m cl_codegen generate` and `python -m cl_codegen check`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cl_codegen.escape import one_line
from cl_codegen.spec import SpecError

app = App(name="cl_codegen", help="Write the typed client from the spec, or check that it is what the spec says.")

Openapi = Annotated[Path, Parameter(help="Folder of the specs and of plugins.toml.")]
Templates = Annotated[Path, Parameter(help="Folder of the templates, api/ and plugins/.")]
Out = Annotated[Path, Parameter(help="Folder of the generated packages.")]


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


if __name__ == "__main__":
    app()
