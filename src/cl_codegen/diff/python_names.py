"""The Python surface of what is generated, old beside new: names and signatures, as griffe reads them.

It finds what the specs do not show: an argument that moved because another came before it, a class or a module that is
called otherwise. Types of fields are left to `schemas`, which knows who sends and who reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from cl_codegen.diff.change import Change, Level
from cl_codegen.diff.rules import PYTHON_NAME
from cl_codegen.model.read import Reading
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.wire import wire
from cl_codegen.write import output, render

if TYPE_CHECKING:
    from griffe import Breakage

_WORDS: Final = {
    "PARAMETER_MOVED": "the argument moved",
    "PARAMETER_REMOVED": "the argument is gone",
    "PARAMETER_CHANGED_KIND": "the argument is positional or named now, and was not",
    "PARAMETER_CHANGED_REQUIRED": "the argument is required now",
    "PARAMETER_ADDED_REQUIRED": "the argument is new, and required",
    "RETURN_CHANGED_TYPE": "gives back something else",
    "OBJECT_REMOVED": "is gone",
    "OBJECT_CHANGED_KIND": "is another kind of thing",
    "CLASS_REMOVED_BASE": "has lost a base class",
}
_TWINS: Final = frozenset(["sync", "sync_detailed", "asyncio_detailed"])
"""Functions of an endpoint that change as `asyncio` does."""


def surface(old: Reading, new: Reading, templates: Path, layout: Layout = OURS) -> tuple[Change, ...]:
    """What is incompatible between the packages of two readings, which are generated for that and thrown away."""
    if (old.spec.document, old.plugins) == (new.spec.document, new.plugins):
        return ()
    with tempfile.TemporaryDirectory(prefix="cl_codegen-surface-") as name:
        folders = Path(name) / "old", Path(name) / "new"
        for reading, folder in zip((old, new), folders, strict=True):
            _write(reading, folder, templates, layout)
        return compare(*folders)


def compare(old: Path, new: Path) -> tuple[Change, ...]:
    """What is incompatible between the packages of two folders."""
    found: dict[tuple[str, str], Change] = {}
    for package in sorted(path.name for path in old.iterdir() if path.is_dir() and (new / path.name).is_dir()):
        for breakage in _breakages(package, old, new):
            change = _change(breakage)
            if change is not None:
                found.setdefault((change.where, change.what), change)
    return tuple(found.values())


def _write(reading: Reading, folder: Path, templates: Path, layout: Layout) -> None:
    for package in (reading.wire.package, layout.plugins):
        path = folder
        for part in package.split("."):
            path /= part
            path.mkdir(parents=True, exist_ok=True)
            (path / "__init__.py").touch()
    wire_folder = folder.joinpath(*reading.wire.package.split("."))
    wire.generate(reading.spec, reading.wire.package, wire_folder, templates / "api")
    plugins = render.render(reading.plugins, templates / "plugins", layout)
    output.write_files(folder.joinpath(*layout.plugins.split(".")), plugins)


def _breakages(package: str, old: Path, new: Path) -> Iterator[Breakage]:
    # griffe takes 100 ms to import.
    import griffe

    before, after = (griffe.load(package, search_paths=[folder], allow_inspection=False) for folder in (old, new))
    yield from griffe.find_breaking_changes(before, after)


def _change(breakage: Breakage) -> Change | None:
    what = _WORDS.get(breakage.kind.name)
    path = breakage.obj.canonical_path
    if what is None or breakage.obj.name in _TWINS or any(_is_ours(part) for part in path.split(".")):
        return None
    parameters = [cast("object", getattr(side, "name", None)) for side in _sides(breakage)]
    named = [name for name in parameters if isinstance(name, str)]
    where = f"{path}({named[0]})" if breakage.kind.name.startswith("PARAMETER") and named else path
    return Change(Level.BREAKING, "python", where, what, rule=PYTHON_NAME.name)


def _is_ours(part: str) -> bool:
    """Whether nobody but generated code and the command line reads a module or a name."""
    return part.startswith("_") or part == "commands"


def _sides(breakage: Breakage) -> list[object]:
    return [cast("object", breakage.old_value), cast("object", breakage.new_value)]
