"""A server has changed: fetch its spec, say what is different, generate, check the types, on one page."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from cl_codegen.diff.change import Change, Level, worst
from cl_codegen.diff.compare import diff, read
from cl_codegen.diff.python_names import surface
from cl_codegen.diff.report import report
from cl_codegen.generate import PLUGIN_SPEC, OwnSources, generate
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.prune import stale, without
from cl_codegen.model.read import MANIFEST
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.fetch import fetch
from cl_codegen.spec.spec import Spec
from cl_extras.whole_file import publishing

_SHOWN: Final = 10


@frozen
class Types:
    """What the type checker said of generated code.

    Attributes:
        said: one line.
        errors: the first of them.
        checked: whether there was a type checker.
    """

    said: str
    errors: tuple[str, ...] = ()
    checked: bool = True


@frozen
class Summary:
    """What a regeneration did.

    Attributes:
        changes: of the server.
        removed: tables that were taken out of the manifest, because their operation is gone.
        plugins: the names of all plugins now.
        files: how many generated files are other than before.
        types: what the type checker said.
    """

    changes: tuple[Change, ...]
    removed: tuple[str, ...]
    plugins: tuple[str, ...]
    files: int
    types: Types

    @property
    def exit_code(self) -> int:
        """0: code that was right still is; 1: a change is breaking; 2: the generated code has type errors."""
        return 2 if self.types.errors else 1 if worst(self.changes) == Level.BREAKING else 0

    def page(self) -> str:
        """What was done, for a terminal: below the changes, which have been told before."""
        lines = [f"Manifest: the table [{name}] was taken out, its operation is gone" for name in self.removed]
        lines.append(f"Generated: {self.files} files are other than before; plugins: {', '.join(self.plugins)}")
        lines.append(f"Types: {self.types.said}")
        lines += [f"  {error}" for error in self.types.errors]
        return "\n".join(lines) + "\n"


def regenerate(
    servers: Mapping[str, str], sources: OwnSources, out: Path, tell: Callable[[str], object], *, types: bool = True
) -> Summary:
    """Follow a server. `openapi/` and `out` are both replaced at the end, or both left as they were.

    Args:
        servers: addresses by the name of the spec.
        sources: of the generator.
        out: of the generated packages.
        tell: is given the changes before anything is generated from them, so that they explain an error in the
            manifest.
        types: whether to check them.

    Raises:
        SpecError, GeneratorError: as `fetch` and `generate`.
    """
    with tempfile.TemporaryDirectory(prefix="cl_codegen-") as name:
        fresh = Path(name) / "openapi"
        if sources.openapi.exists():
            shutil.copytree(sources.openapi, fresh)
        fetch(servers, fresh)
        changes: list[Change] = []
        for spec in servers:
            if (known := sources.openapi / f"{spec}.json").exists():
                old, new = read(known), read(fresh / f"{spec}.json")
                changes += [*diff(old, new), *surface(old, new, sources.templates)]
        tell(f"Server: {', '.join(servers.values())}\n\n{report(changes, 'text')}\n")
        removed = _prune(fresh)
        before = contents(out)
        plugins = generate(evolve(sources, openapi=fresh), out).plugins
        sources.openapi.mkdir(parents=True, exist_ok=True)
        for path in sorted(fresh.iterdir()):
            _replace(path, sources.openapi / path.name)
    after = contents(out)
    files = sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())
    names = tuple(plugin.name for plugin in plugins)
    said = check_types(out) if types else Types("not checked, as it was asked for", checked=False)
    return Summary(tuple(changes), removed, names, files, said)


def _prune(folder: Path) -> tuple[str, ...]:
    """Take the tables out of the manifest whose operation is gone; the names of their plugins."""
    manifest = Manifest.load(folder / MANIFEST)
    spec, _ = normalise(Spec.load(folder / f"{PLUGIN_SPEC}.json"))
    gone = stale(manifest, spec)
    if gone:
        manifest.source.write_text(without(manifest, gone), encoding="utf-8")
    return tuple(entry.plugin for entry in gone)


def _replace(fresh: Path, target: Path) -> None:
    if not fresh.is_file() or (target.exists() and target.read_bytes() == fresh.read_bytes()):
        return
    with publishing(target) as part:
        shutil.copy(fresh, part)


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def check_types(out: Path) -> Types:
    """Hold a folder of generated packages against basedpyright, as strict as it can be, where that is installed."""
    if importlib.util.find_spec("basedpyright") is None:
        return Types("not checked: basedpyright is not installed", checked=False)
    folders = [str(out.resolve()), *(path for path in sys.path if path)]
    settings = {"include": [str(out.resolve())], "extraPaths": folders, "typeCheckingMode": "strict", "reportAny": True}
    quiet = ("reportMissingTypeStubs", "reportUnusedCallResult", "reportExplicitAny")
    with tempfile.TemporaryDirectory(prefix="cl_codegen-types-") as name:
        project = Path(name) / "pyrightconfig.json"
        project.write_text(json.dumps({**settings, **dict.fromkeys(quiet, "none")}), encoding="utf-8")
        command = [sys.executable, "-m", "basedpyright", "--project", name, "--pythonpath", sys.executable]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [line.strip() for line in ran.stdout.splitlines() if " - error: " in line]
    if ran.returncode != 0 and not errors:
        errors = [(ran.stderr or ran.stdout).strip().splitlines()[-1]]
    return Types(f"basedpyright strict, {len(errors)} errors", tuple(errors[:_SHOWN]))
