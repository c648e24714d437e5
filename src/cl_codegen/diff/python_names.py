"""The Python surface of what is generated, old beside new: names and signatures, as griffe reads them.

It finds what the specs do not show: an argument that moved because another came before it, a class or a module that is
called otherwise. Types of fields are left to `schemas`, which knows who sends and who reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from attrs import evolve

from cl_codegen.diff.change import Change, Level
from cl_codegen.diff.rules import PYTHON_CLASS, PYTHON_NAME
from cl_codegen.model.read import Reading
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.wire import wire
from cl_codegen.wire.wire import Wire
from cl_codegen.write import output, render

if TYPE_CHECKING:
    from griffe import Breakage

_GONE: Final = "is gone"
_WORDS: Final = {
    "PARAMETER_MOVED": "the argument moved",
    "PARAMETER_REMOVED": "the argument is gone",
    "PARAMETER_CHANGED_KIND": "the argument is positional or named now, and was not",
    "PARAMETER_CHANGED_REQUIRED": "the argument is required now",
    "PARAMETER_ADDED_REQUIRED": "the argument is new, and required",
    "RETURN_CHANGED_TYPE": "gives back something else",
    "OBJECT_REMOVED": _GONE,
    "OBJECT_CHANGED_KIND": "is another kind of thing",
    "CLASS_REMOVED_BASE": "has lost a base class",
}


def surface(old: Reading, new: Reading, templates: Path, layout: Layout = OURS) -> tuple[Change, ...]:
    """What is incompatible between the packages of two readings, which are generated for that and thrown away."""
    modules = _differing(_signatures(old.wire), _signatures(new.wire)) | _classes_with_less(old.wire, new.wire)
    if not modules and old.plugins == new.plugins:
        return ()
    plugins = [render.render(one.plugins, templates / "plugins", layout) for one in (old, new)]
    paths = _differing(*plugins)
    with tempfile.TemporaryDirectory(prefix="cl_codegen-surface-") as name:
        folders = Path(name) / "old", Path(name) / "new"
        for reading, files, folder in zip((old, new), plugins, folders, strict=True):
            _make_packages(folder, reading.wire.package, layout.plugins)
            written = wire.files(_part(reading.wire, modules), templates / "api")
            for tag in {endpoint.tag for endpoint in reading.wire.endpoints.values()}:
                written.setdefault(f"api/{tag}/__init__.py", "")
            output.write_files(folder.joinpath(*reading.wire.package.split(".")), written)
            changed = {path: text for path, text in files.items() if path in paths}
            output.write_files(folder.joinpath(*layout.plugins.split(".")), changed)
        return tuple(_of_classes(compare(*folders), old.wire))


def _of_classes(found: tuple[Change, ...], made: Wire) -> Iterator[Change]:
    """The changes, with one for each class that is gone: its module goes with it.

    A class that is only read may be called otherwise where nothing on the wire changed, as when a schema is written in
    place: what it holds is compared by `schemas`, and code that reads it holds.
    """
    sent, _, _ = wire.uses(made)
    gone = {change.where for change in found}
    modules = {f"{made.package}.models.{model.module}": model for model in made.models}
    for change in found:
        where = change.where
        if where in modules:
            where = f"{where}.{modules[where].name}"
            if where in gone:
                continue
        module, _, name = where.rpartition(".")
        model = modules.get(module)
        if model is not None and model.name == name and model not in sent and change.what == _GONE:
            what = "is gone, or has another name; code that only reads its values holds"
            yield evolve(change, where=where, level=PYTHON_CLASS.read, what=what, rule=PYTHON_CLASS.name)
        else:
            yield change


def _signatures(wire: Wire) -> dict[str, object]:
    """What code can be written against, by module, but for models: the arguments of each endpoint, the enums."""
    found: dict[str, object] = {}
    for one in wire.endpoints.values():
        arguments = [(argument.name, argument.type, argument.required) for argument in one.keyword_arguments]
        body = (one.body.type, one.body.required) if one.body else None
        path = [argument.name for argument in one.path_arguments]
        found[f"{one.tag}.{one.module}"] = path, arguments, body, one.returns
    return found | {words.module: words.name for words in wire.words}


def _classes_with_less(old: Wire, new: Wire) -> frozenset[str]:
    """The modules of models that are gone, are called otherwise, or have lost a field. No code breaks of one more."""
    after = {model.module: model for model in new.models}
    return frozenset(
        model.module
        for model in old.models
        if (now := after.get(model.module)) is None
        or now.name != model.name
        or not {one.name for one in model.properties} <= {one.name for one in now.properties}
    )


def _part(made: Wire, modules: frozenset[str]) -> Wire:
    """A wire layer of some of its modules."""
    endpoints = {key: one for key, one in made.endpoints.items() if f"{one.tag}.{one.module}" in modules}
    models = tuple(model for model in made.models if model.module in modules)
    words = tuple(words for words in made.words if words.module in modules)
    return evolve(made, endpoints=endpoints, models=models, words=words)


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> frozenset[str]:
    """The keys whose values are not the same; only these have to be written and read again."""
    return frozenset(key for key in old.keys() | new.keys() if key not in old or key not in new or old[key] != new[key])


def compare(old: Path, new: Path) -> tuple[Change, ...]:
    """What is incompatible between the packages of two folders."""
    found: dict[tuple[str, str], Change] = {}
    for package in sorted(path.name for path in old.iterdir() if path.is_dir() and (new / path.name).is_dir()):
        for breakage in _breakages(package, old, new):
            change = _change(breakage)
            if change is not None:
                found.setdefault((change.where, change.what), change)
    return tuple(found[key] for key in sorted(found))


def _make_packages(folder: Path, *packages: str) -> None:
    for package in packages:
        path = folder
        for part in package.split("."):
            path /= part
            path.mkdir(parents=True, exist_ok=True)
            (path / "__init__.py").touch()


def _breakages(package: str, old: Path, new: Path) -> Iterator[Breakage]:
    # griffe takes 100 ms to import.
    import griffe

    before, after = (griffe.load(package, search_paths=[folder], allow_inspection=False) for folder in (old, new))
    yield from griffe.find_breaking_changes(before, after)


def _change(breakage: Breakage) -> Change | None:
    what = _WORDS.get(breakage.kind.name)
    path = breakage.obj.canonical_path
    if what is None or any(_is_ours(part) for part in path.split(".")):
        return None
    parameters = [cast("object", getattr(side, "name", None)) for side in _sides(breakage)]
    named = [name for name in parameters if isinstance(name, str)]
    where = f"{path}({named[0]})" if breakage.kind.name.startswith("PARAMETER") and named else path
    return Change(Level.BREAKING, "python", where, what, rule=PYTHON_NAME.name)


def _is_ours(part: str) -> bool:
    """Whether only generated code and the command line read a module or a name."""
    return part.startswith("_") or part == "commands"


def _sides(breakage: Breakage) -> list[object]:
    return [cast("object", breakage.old_value), cast("object", breakage.new_value)]
