"""The package of the sync client, as text: its twins, rendered, and the imports that they need."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cl_codegen.sync.python_module import Module, names_in, names_written, type_variables
from cl_codegen.sync.runtime import CLIENT, Runtime
from cl_codegen.sync.sync_twins import ANY, read_twins
from cl_codegen.sync.twin import TwinModule
from cl_codegen.sync.twin_sources import Sources
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.write.jinja_env import environment, render_template

_OURS: Final = {
    "Coroutine": "collections.abc",
    "Generator": "collections.abc",
    "TypeVar": "typing",
    "cached_property": "functools",
    "cast": "typing",
}
_PORTAL: Final = frozenset(["Door", "Portal", "Twin", "awaitable_method", "behind", "in_thread", "unwrapped"])
"""What a twin stands on; the names that it has beside."""

_FUTURE: Final = "from __future__ import annotations\n"
"""Behind it the imports go, which are read from what stands below."""


def sync_client(
    plugins: Mapping[str, str],
    templates: Path,
    *,
    layout: Layout = OURS,
    facade: str | None = None,
    operations: Mapping[str, str] | None = None,
    client: Path = CLIENT,
) -> Mapping[str, str]:
    """The modules of `cl_sync`, or of the sync client of a package, by their path below that, unformatted.

    Args:
        plugins: the modules of the plugin layer, by their path.
        templates: the folder of `module.py.jinja`.
        layout: what the packages are called.
        facade: the text of the package's client; what it stands on has its twins in `cl_sync`.
        operations: the modules of the operation layer, by their path.
        client: the folder of `cl_client`, whose sources are read.

    Raises:
        GenerationError: the async client has something for which there is no rule.
        PluginTemplateError: as `render`.
    """
    package = layout.wire.removesuffix(".api")
    parsed = Module.parse(f"{package}.client", facade) if facade else None
    sources = Sources(client, plugins, layout, parsed, operations)
    env = environment(templates)
    files = {"plugins/__init__.py": '"""The sync twins of the plugins\' clients."""\n'}
    if facade is None:
        files["__init__.py"] = (
            '"""The sync twins of the client\'s classes: `cl_client.sync` has those that people need."""\n'
        )
    if operations:
        files["operations/__init__.py"] = '"""The sync twins of the operations."""\n'
    runtime = Runtime.load(client)
    for twins in read_twins(sources):
        text = render_template(env, "module.py.jinja", module=twins)
        imports = "\n".join(_imports(sources, twins, names_written(text), runtime))
        opening, future, body = text.partition(_FUTURE)
        path = twins.name.removeprefix(f"{layout.sync}.").replace(".", "/")
        files[f"{path}.py"] = f"{opening}{future}{imports}\n{body}"
    return files


def _imports(sources: Sources, twins: TwinModule, used: set[str], runtime: Runtime) -> Iterator[str]:
    """The imports and the type variables of a module. What only looks like a name of one, ruff takes out."""
    scope = sources.scope(twins)
    variables = {name: made for name in sorted(used) if (made := _type_variable(scope, name))}
    for name in sorted(used):
        if (held := name.removeprefix(ANY)) != name and held in sources.homes:
            bound = f"Async{held}[object]" if type_variables(sources.module_of(held), held) else f"Async{held}"
            variables[name] = f'{name} = TypeVar("{name}", bound={bound}, covariant=True)'
    for made in variables.values():
        used |= names_in(ast.parse(made))
    statements = {name: _import(sources, scope, twins, name, runtime) for name in sorted(used - variables.keys())}
    yield from (found for found in statements.values() if found and not found.startswith(" "))
    for_types = [found for found in statements.values() if found.startswith(" ")]
    if for_types:
        yield from ("from typing import TYPE_CHECKING", "if TYPE_CHECKING:", *for_types, "")
    yield from variables.values()


def _type_variable(scope: tuple[Module, ...], name: str) -> str | None:
    """The statement that makes a type variable; of what is called as one of a module further away, there is none."""
    for module in scope:
        if (made := module.type_variable(name)) is not None:
            return made
        if name in module.imports or module.defines(name):
            return None
    return None


def _import(sources: Sources, scope: tuple[Module, ...], twins: TwinModule, name: str, runtime: Runtime) -> str:
    """Where a name is from: indented where it is for types alone, nothing where it is no import."""
    if name in _PORTAL:
        return runtime.statement("cl_client.loops.portal", name, name)
    if name in _OURS:
        return f"from {_OURS[name]} import {name}"
    for mark in ("Async", "async_"):
        held = name.removeprefix(mark)
        if held != name and held in sources.homes:
            return runtime.statement(sources.module_of(held).name, held, name)
    found = next((module.imports[name] for module in scope if name in module.imports), None)
    if (home := sources.homes.get(name)) is not None:
        indent = "    " if found is not None and found.is_for_types else ""
        return "" if home == twins.name else f"{indent}from {home} import {name}"
    # A parameter may be called as something that the client keeps to itself. Were it none, ruff would name it.
    if found is not None and found.name is not None and not runtime.has(found.module, found.name):
        return ""
    if found is not None:
        said = found.statement() if found.name is None else runtime.statement(found.module, found.name, name)
        return ("    " if found.is_for_types else "") + said
    own = next((module.name for module in scope if module.defines(name)), None)
    return "" if own is None or not runtime.has(own, name) else runtime.statement(own, name, name)
